"""SIGTERM and Ctrl-C during training: finish the step, save a checkpoint, end.

Several workers must end after the same step, because all of them take part in saving. So each step
also adds up how many were asked to stop.
"""

import contextlib
import os
import signal
import socket
import sys
import threading

from sketch.backend.setup import tf

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Collections with one scalar per device: whether this worker is asked to stop, and how many are.
ASKED, SUM_OF_ASKED = 'asked_to_stop', 'sum_of_asked_to_stop'


class StopOnSignalHook(tf.estimator.SessionRunHook):
    """Ends training after the step during which a signal came.

    Attributes:
        signal: the signal's number, None if none has come.
    """

    signal = None

    def after_run(self, context, values):
        """Stop; the checkpoint hook saves as the session ends."""
        if self.signal is not None:
            context.request_stop()


class StopTogetherHook(StopOnSignalHook):
    """Ends training on all workers after the same step, once one of them received a signal.

    Args:
        finishing: function to call before this worker ends.
        steps: after which it ends without a signal.

    Attributes:
        signal: SIGTERM if only another worker received one.
    """

    def __init__(self, finishing, steps):
        self.finishing, self.left = finishing, steps

    def begin(self):
        """Find what `with_stop_votes` has put into the graph."""
        self.asked = tf.compat.v1.get_collection(ASKED)
        self.sums = tf.compat.v1.get_collection(SUM_OF_ASKED)

    def before_run(self, context):
        """Tell the other workers along with the step."""
        asked = float(self.signal is not None)
        return tf.estimator.SessionRunArgs(self.sums, dict.fromkeys(self.asked, asked))

    def after_run(self, context, values):
        """Stop if any worker was asked to; the checkpoint hook saves as the session ends."""
        self.left -= 1
        if any(values.results):
            self.signal = self.signal or signal.SIGTERM
            context.request_stop()
        if any(values.results) or self.left == 0:
            self.finishing()


def with_stop_votes(model_fn):
    """Return a model function whose training steps also add up which workers must stop."""

    def voting(features, labels, mode, params):
        spec = model_fn(features, labels, mode, params)
        asked = tf.compat.v1.placeholder_with_default(0.0, [])
        tf.compat.v1.add_to_collection(ASKED, asked)
        sum_of_asked = tf.distribute.get_replica_context().all_reduce('SUM', asked)
        tf.compat.v1.add_to_collection(SUM_OF_ASKED, sum_of_asked)
        return spec

    return voting


@contextlib.contextmanager
def handle_signals(hook):
    """Pass signals on to a hook while the block runs, and print at once that one came.

    A second signal ends the process at once, without a checkpoint. From a notebook it has its usual
    effect, after the step.
    """
    before = {}

    def handle(number, _):
        hook.signal = number
        signal.signal(number, before[number])

    for number in SIGNALS:
        before[number] = signal.signal(number, handle)
    try:
        with _announced():
            yield
    finally:
        for number in SIGNALS:
            signal.signal(number, before[number])


@contextlib.contextmanager
def _announced():
    """Print a line as soon as a signal comes.

    Python runs a signal handler only between two instructions, and a training step is one
    instruction that takes seconds. Python's C code writes the signal's number to this socket at
    once. A thread reads it and prints the line.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def wait():
        came = 0
        while number := reader.recv(1):
            came += number[0] in SIGNALS
            if came == 1 and number[0] in SIGNALS:
                print('stopping: finishing the step, then saving a checkpoint', file=sys.stderr)
            elif came > 1 and not hasattr(sys, 'ps1'):  # a notebook would lose its kernel
                print('stopped without saving', file=sys.stderr, flush=True)
                os._exit(128 + number[0])

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writer.close()  # ends the thread
        thread.join()
        reader.close()

"""Ctrl-C, SIGTERM and SIGHUP during training: finish the step, save a checkpoint, end.

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
from sketch.training.hooks import taken

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
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
        last: the step after which it ends without a signal.

    Attributes:
        signal: SIGTERM if only another worker received one.
    """

    def __init__(self, finishing, last):
        self.finishing, self.last = finishing, last

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
        if any(values.results):
            self.signal = self.signal or signal.SIGTERM
            context.request_stop()
        if any(values.results) or taken(context) == self.last:
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
    effect, after the step. SIGHUP, of a terminal that was closed, never is a second one: shell and
    system send it several times. Where it is ignored (nohup) it stays so. Only the main thread gets
    signals: in another one the block just runs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    if before[signal.SIGHUP] == signal.SIG_IGN:
        del before[signal.SIGHUP]

    def handle(number, _):
        hook.signal = hook.signal or number
        if number != signal.SIGHUP:
            signal.signal(number, before[number])

    for number in before:
        signal.signal(number, handle)
    try:
        with _announced(before):
            yield
    finally:
        for number, handler in before.items():
            # The rest of what a closed terminal sends must not end what is being told and saved.
            closed = number == hook.signal == signal.SIGHUP
            signal.signal(number, signal.SIG_IGN if closed else handler)


@contextlib.contextmanager
def _announced(signals):
    """Print a line as soon as one of some signals comes.

    Python runs a signal handler only between two instructions, and a training step is one
    instruction that takes seconds. Python's C code writes the signal's number to this socket at
    once. A thread reads it and prints the line.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def wait():
        came = asked = 0  # signals, and those but SIGHUP
        while received := reader.recv(1):
            (number,) = received
            if number not in signals:
                continue
            came += 1
            asked += number != signal.SIGHUP
            if number == signal.SIGHUP:
                _leave(terminals)
            if came == 1:
                with contextlib.suppress(OSError):  # nobody may read it any more
                    print('stopping: finishing the step, then saving a checkpoint', file=sys.stderr)
            elif asked > 1 and not hasattr(sys, 'ps1'):  # a notebook would lose its kernel
                print('stopped without saving', file=sys.stderr, flush=True)
                os._exit(128 + number)

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


def _leave(terminals):
    """Print to nowhere instead of to a terminal that was closed: that would be an error."""
    for descriptor in terminals:
        if not os.isatty(descriptor):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)

"""SIGTERM and Ctrl-C during training: finish the step, save a checkpoint, then end.

Of several machines, all have to end after the same step: saving takes all of them. So each step
also adds up who was asked to stop.
"""

import contextlib
import signal

from sketch.tensorflow_setup import tf

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Collections with a scalar for each device: is this machine asked to stop, and how many are.
ASKED, SUM_OF_ASKED = 'asked_to_stop', 'sum_of_asked_to_stop'


class StopWhenAsked(tf.estimator.SessionRunHook):
    """Ends training after the step during which a signal came.

    Attributes:
        signal: the signal's number, None while none has come.
    """

    signal = None

    def after_run(self, context, values):
        """Stop; the checkpoint hook saves as the session ends."""
        if self.signal is not None:
            context.request_stop()


class StopTogether(StopWhenAsked):
    """Ends training on all machines after the step in which a signal had come to one of them.

    Args:
        ending: called before this machine begins to end.

    Attributes:
        signal: SIGTERM if it came to another machine.
    """

    def __init__(self, ending):
        self.ending = ending

    def begin(self):
        """Find what `telling_all` has put into the graph."""
        self.asked = tf.compat.v1.get_collection(ASKED)
        self.sums = tf.compat.v1.get_collection(SUM_OF_ASKED)

    def before_run(self, context):
        """Tell the other machines along with the step."""
        asked = float(self.signal is not None)
        return tf.estimator.SessionRunArgs(self.sums, dict.fromkeys(self.asked, asked))

    def after_run(self, context, values):
        """Stop where all machines do; the checkpoint hook saves as the session ends."""
        if any(values.results):
            self.signal = self.signal or signal.SIGTERM
            self.ending()
            context.request_stop()


def telling_all(model_fn):
    """Return a model function whose training steps also tell which machines are asked to stop."""

    def telling(features, labels, mode, params):
        spec = model_fn(features, labels, mode, params)
        asked = tf.compat.v1.placeholder_with_default(0.0, [])
        tf.compat.v1.add_to_collection(ASKED, asked)
        sum_of_asked = tf.distribute.get_replica_context().all_reduce('SUM', asked)
        tf.compat.v1.add_to_collection(SUM_OF_ASKED, sum_of_asked)
        return spec

    return telling


@contextlib.contextmanager
def heeding_signals(hook):
    """Let a hook heed signals while the block runs.

    A second signal has its usual effect: whoever repeats it does not want to wait for the step.
    """
    before = {}

    def heed(number, _):
        hook.signal = number
        signal.signal(number, before[number])

    for number in SIGNALS:
        before[number] = signal.signal(number, heed)
    try:
        yield
    finally:
        for number in SIGNALS:
            signal.signal(number, before[number])

"""SIGTERM and Ctrl-C during training: finish the step, save a checkpoint, then end."""

import contextlib
import signal

from tensorflow_setup import tf

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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


@contextlib.contextmanager
def stop_when_asked():
    """Give the hook that heeds signals while the block runs.

    A second signal has its usual effect: whoever repeats it does not want to wait for the step.
    """
    hook = StopWhenAsked()
    before = {}

    def heed(number, _):
        hook.signal = number
        signal.signal(number, before[number])

    for number in SIGNALS:
        before[number] = signal.signal(number, heed)
    try:
        yield hook
    finally:
        for number in SIGNALS:
            signal.signal(number, before[number])

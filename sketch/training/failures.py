"""Failures of a training that a user can fix, as one line each."""

import contextlib

from sketch import atomic
from sketch.backend.setup import tf
from sketch.errors import InputError


@contextlib.contextmanager
def readable_errors(folder, first):
    """Raise InputError for a NaN loss and a full disk; the training started at step `first`."""
    remedy = 'make room, then the same command resumes from the last checkpoint'
    try:
        with atomic.room_at(folder, remedy):
            yield
    except tf.estimator.NanLossDuringTrainingError:
        raise InputError(
            f'{folder}: the loss is NaN (this run started at step {first}); remove the folder and '
            'train with a smaller learning rate'
        ) from None

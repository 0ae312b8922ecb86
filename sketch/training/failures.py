"""Failures of a training that a user can fix, as one line each."""

import contextlib
import errno
import os

from sketch.backend.setup import tf
from sketch.errors import InputError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def readable_errors(folder, first):
    """Raise InputError for a NaN loss and a full disk; the training started at step `first`."""
    try:
        yield
    except tf.estimator.NanLossDuringTrainingError:
        raise InputError(
            f'{folder}: the loss is NaN (this run started at step {first}); remove the folder and '
            'train with a smaller learning rate'
        ) from None
    except tf.errors.OpError as error:
        full = [os.strerror(number) for number in DISK_FULL if os.strerror(number) in str(error)]
        if not full:
            raise
        raise InputError(
            f'{folder}: {full[0]}; make room, then the same command resumes from the last '
            'checkpoint'
        ) from None

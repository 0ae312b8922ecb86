"""What a user can mend of the errors that TensorFlow's training raises, told in one line."""

import contextlib
import errno
import os

from sketch.errors import InputError
from sketch.tensorflow_setup import tf

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def explained(folder, first):
    """Raise InputError for a loss that is no number and for a full disk.

    Args:
        folder: that is trained in.
        first: step that the training began at.
    """
    try:
        yield
    except tf.estimator.NanLossDuringTrainingError:
        raise InputError(
            f'{folder}: the loss is not a number after step {first}; remove the folder and train '
            'with a smaller --learning-rate'
        ) from None
    except tf.errors.OpError as error:
        full = [os.strerror(number) for number in NO_ROOM if os.strerror(number) in str(error)]
        if not full:
            raise
        raise InputError(
            f'{folder}: {full[0]}; with room for it, the same command goes on from the last '
            'checkpoint'
        ) from None

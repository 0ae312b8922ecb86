"""Loads TensorFlow for every other file: `from tensorflow_setup import tf`.

Before it is loaded, the C library is told to keep freed memory; afterwards, notices that the
pinned version prints about its own future are silenced. Warnings and errors about a run are not.
"""

import ctypes
import logging
import os
import warnings

# glibc's mallopt parameters (malloc.h) and the values that keep memory in the process.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def _keep_freed_memory():
    """Stop glibc from returning every activation to the kernel, only to fetch it back.

    Each step allocates and frees the same gigabytes; without this, over a fifth of the time of a
    training step on CPU goes into mapping and clearing pages. It costs memory, since what is freed
    leaves gaps. PLAIN_MALLOC=1 in the environment turns it off; no effect on musl and macOS.
    """
    if os.environ.get('PLAIN_MALLOC'):
        return
    try:
        libc = ctypes.CDLL('libc.so.6')
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)
        libc.mallopt(_M_TOP_PAD, 256 << 20)
        libc.mallopt(_M_ARENA_MAX, 1)
    except (OSError, AttributeError):
        pass


_keep_freed_memory()
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
# On CPU, oneDNN's convolutions; TensorFlow takes them by itself only where AVX-512 is.
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
import tensorflow as tf  # noqa: E402

SILENCED = (
    # TensorFlow 2.15.1 is the last with these interfaces and is pinned: nothing will be removed.
    'is deprecated and will be removed',
    # Saving an untrained network takes no steps; train.py checks every count of steps itself.
    'Training with estimator made no steps',
    # Evaluation after a training on several machines is the chief's alone, by intention.
    '`eval_strategy` is not passed in',
)


def _worth_showing(record):
    return not any(text in record.getMessage() for text in SILENCED)


logging.getLogger('tensorflow').addFilter(_worth_showing)
tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.WARN)
warnings.filterwarnings('ignore', message='.*`tf.layers', category=UserWarning)
# Estimator's own handling of data sets under a strategy; nothing that a user can do about it.
warnings.filterwarnings('ignore', message='To make it possible to preserve tf.data options')

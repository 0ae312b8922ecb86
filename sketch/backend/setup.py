"""Loads TensorFlow for every other module: `from sketch.backend.setup import tf`.

On every supported version `tf` has tf.estimator and the Keras 2 layers of tf.compat.v1.layers:
model functions, hooks and scripts do not know which version runs.

First it checks the installation and makes the C library keep freed memory. Messages that a user can
do nothing about are hidden; warnings and errors about a run still come through.
"""

import contextlib
import ctypes
import functools
import importlib
import logging
import os
import warnings

from sketch.backend import estimator, installation, stderr_filter
from sketch.errors import InputError

# glibc's mallopt parameters (malloc.h).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
MONTH = 30 * 24 * 3600 * 1000  # in milliseconds


def _keep_freed_memory():
    """Stop glibc from returning freed memory to the kernel.

    Each step allocates and frees the same gigabytes. Without this, over a fifth of a training
    step on CPU goes into mapping and clearing pages. The price is memory: freed blocks leave gaps.
    PLAIN_MALLOC=1 in the environment turns it off. It has no effect on musl and macOS.
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


# What C++ code of TensorFlow 2.20 and later prints before it has read TF_CPP_MIN_LOG_LEVEL, as
# libraries are loaded, and the error of a machine without NVIDIA's driver.
NOISE = (
    '^WARNING: All log messages before absl::InitializeLog'
    '|^[IW][0-9]{4} [0-9:.]+ '
    '|failed call to cuInit: .*UNKNOWN ERROR .303.'
)


def _import_tensorflow():
    """Return the module tensorflow, with an `estimator`; raise InputError if anything misfits."""
    release = installation.check()
    is_complete = installation.has_estimator(release)
    # Keras 2: part of TensorFlow 2.15, the package tf-keras later. TensorFlow 2.15 must not look
    # for tf-keras, which need not be there.
    os.environ['TF_USE_LEGACY_KERAS'] = '0' if is_complete else '1'
    # oneDNN's convolutions on every CPU; TensorFlow's own default has them on newer ones only.
    os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
    level = os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    if is_complete:
        return importlib.import_module('tensorflow')
    shows_all = level in ('0', '1')
    with contextlib.nullcontext() if shows_all else stderr_filter.without_lines(NOISE):
        tf = importlib.import_module('tensorflow')
        tf.config.list_physical_devices()  # looks for a driver once, here
    try:
        tf.estimator = estimator.load(tf)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f'TensorFlow {tf.__version__} lacks what Estimator needs ({error}); install '
            f'{installation.SUPPORTED}: pip install -r requirements.txt'
        ) from error
    return tf


def _leave_workers_unwatched():
    """Keep TensorFlow from reporting a worker that has ended well as one that crashed.

    It listens for a worker's heartbeats until the chief ends, too. training/workers.py is what
    finds dead workers. Switched off altogether, Estimator cannot copy its strategy.
    """
    from tensorflow.python.eager import context

    service = context.context()
    service.configure_coordination_service = functools.partial(
        service.configure_coordination_service, heartbeat_timeout_in_ms=MONTH
    )


_keep_freed_memory()
tf = _import_tensorflow()
_leave_workers_unwatched()

SILENCED = (
    # The versions are pinned: nothing will be removed.
    'is deprecated and will be removed',
    # Saving an untrained network takes no steps. train.py checks the number of steps itself.
    'Training with estimator made no steps',
    # After a training on several workers only the chief evaluates, by intention.
    '`eval_strategy` is not passed in',
)


logging.getLogger('tensorflow').addFilter(
    lambda record: not any(text in record.getMessage() for text in SILENCED)
)
tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.WARN)
warnings.filterwarnings('ignore', message='.*`tf.layers', category=UserWarning)
# How Estimator handles data sets under a strategy: a user can do nothing about it.
warnings.filterwarnings('ignore', message='To make it possible to preserve tf.data options')

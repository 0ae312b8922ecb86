"""What TensorFlow takes from the process: TF_CONFIG, random numbers, determinism.

Each function here changes one of them while a block runs. After the block it is as it was: a
notebook that calls a script as a function keeps what it set itself.
"""

import contextlib
import os
import random
import sys

from sketch.backend.setup import tf


@contextlib.contextmanager
def without_tf_config():
    """Hide TF_CONFIG: Estimators built in the block are local."""
    hidden = os.environ.pop('TF_CONFIG', None)
    try:
        yield
    finally:
        if hidden is not None:
            os.environ['TF_CONFIG'] = hidden


@contextlib.contextmanager
def seeded_weights():
    """Draw initial weights from the seed of the default graph, which is RunConfig's.

    Without this, Keras takes them from Python's random numbers, or from those that the caller gave
    it with tf.keras.utils.set_random_seed.
    """
    # No public name leads to Keras' generator. There is one per thread.
    keras = sys.modules[tf.keras.utils.set_random_seed.__module__].backend._SEED_GENERATOR
    before = getattr(keras, 'generator', None)
    keras.generator = random.Random(tf.compat.v1.get_default_graph().seed)
    try:
        yield
    finally:
        keras.generator = before


@contextlib.contextmanager
def deterministic(wanted):
    """Make operations deterministic if wanted; do nothing otherwise, or if they already are."""
    # tf.config can only turn it on.
    from tensorflow.python.framework import config

    if not wanted or config.is_op_determinism_enabled():
        yield
        return
    config.enable_op_determinism()
    try:
        yield
    finally:
        config.disable_op_determinism()

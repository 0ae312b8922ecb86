"""A checkpoint's network that stays loaded: one graph and one session for any number of images."""

import contextlib

import numpy as np

from sketch.backend.patterns import literal
from sketch.backend.setup import tf
from sketch.data.input_pipeline import EVALUATION_BATCH
from sketch.evaluation.features import check_finite
from sketch.evaluation.outputs import Outputs


class LoadedNetwork(contextlib.AbstractContextManager):
    """The network of a checkpoint, built and restored once. Close it, or use `with`.

    Threads may share it without a lock: TensorFlow allows concurrent runs of a session, and all
    else is only read. Close it when no run is left.

    Args:
        checkpoint: Checkpoint.
        size: side of the images in pixels.

    Attributes:
        outputs: Outputs, class probabilities and embedding of fc1.
    """

    def __init__(self, checkpoint, size):
        self.outputs = Outputs(checkpoint)
        self._checkpoint = checkpoint
        with tf.Graph().as_default() as graph:
            self._images = tf.compat.v1.placeholder(tf.uint8, (None, size, size, 1))
            self._fc1 = constant_fc1(checkpoint, self._images)
        graph.finalize()
        config = tf.compat.v1.ConfigProto()
        # Off: TensorFlow's optimizer would multiply out all folded kernels at the first image.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        self._session = tf.compat.v1.Session(graph=graph, config=config)

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Free the session."""
        self._session.close()

    def fc1(self, images):
        """Return the feature vectors of images, float32 (images, 1024).

        Args:
            images: uint8 (images, size, size), at least one.

        Raises:
            InputError: the network gives NaN or infinity.
        """
        starts = range(EVALUATION_BATCH, len(images), EVALUATION_BATCH)
        batches = np.split(images[..., np.newaxis], starts)
        vectors = [self._session.run(self._fc1, {self._images: batch}) for batch in batches]
        vectors = np.concatenate(vectors)
        check_finite(vectors, self._checkpoint)
        return vectors


def constant_fc1(checkpoint, images):
    """Add a checkpoint's network to the current graph, its weights as constants.

    Takes a tensor uint8 (images, side, side, 1), returns a tensor float32 (images, 1024).
    """
    reader = tf.train.load_checkpoint(literal(checkpoint.prefix))

    def trained(getter, name, **options):
        # A variable would need an initial value and a restoring operation: slow to build.
        return tf.constant(reader.get_tensor(name))

    settings, predict = checkpoint.settings, tf.estimator.ModeKeys.PREDICT
    with tf.compat.v1.variable_scope('', custom_getter=trained):
        spec = settings.features.model_fn(images, None, predict, settings.params)
    return spec.predictions['fc1']

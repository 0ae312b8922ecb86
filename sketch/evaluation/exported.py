"""A checkpoint as a SavedModel and as a TensorFlow Lite file, which need none of this code.

Both take images uint8 (n, side, side), 0 = ink .. 255 = paper, and any n. The SavedModel has one
signature per output. A TensorFlow Lite file has all outputs in one: it lacks text, so the names of
the classes are left out.
"""

import numpy as np

from sketch.backend import stderr_filter
from sketch.backend.setup import tf
from sketch.evaluation.loaded_network import constant_fc1
from sketch.evaluation.outputs import Outputs
from sketch.networks.registry import TRIPLET

PROBABILITIES, FC1, EMBEDDING = 'probabilities', 'fc1', 'embedding'
# Statistics of the converter. Its errors are exceptions.
CONVERTER_NOISE = '^Summary on the non-converted|^[- ]|^$'
SIGNATURES = {PROBABILITIES: 'classify', FC1: 'features', EMBEDDING: 'embedding'}


def save(checkpoint, size, folder):
    """Make a folder, a SavedModel; return the list of its signatures, of SIGNATURES."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images, outputs = _network(checkpoint, size)
        signatures = {
            SIGNATURES[name]: _signature(images, {name: tensor}) for name, tensor in outputs.items()
        }
        names = checkpoint.settings.categories
        if PROBABILITIES in outputs and names:
            classify = {PROBABILITIES: outputs[PROBABILITIES], 'class_names': tf.constant(names)}
            signatures[SIGNATURES[PROBABILITIES]] = _signature(images, classify)
        _write(session, folder, signatures)
    return list(signatures)


def to_lite(checkpoint, size, folder, float16=False):
    """Return the content of a TensorFlow Lite file, bytes.

    Args:
        checkpoint: Checkpoint.
        size: side of the images in pixels.
        folder: Path to make, for files in between.
        float16: store the weights in 16 bits, which halves the file.
    """
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images, outputs = _network(checkpoint, size)
        _write(session, folder, {'serving_default': _signature(images, outputs)})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    if float16:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    with stderr_filter.without_lines(CONVERTER_NOISE):
        return converter.convert()


def _network(checkpoint, size):
    """Add a network to the current graph; return its input, and its outputs by name."""
    images = tf.compat.v1.placeholder(tf.uint8, (None, size, size), 'images')
    fc1 = constant_fc1(checkpoint, images[..., tf.newaxis])
    after, outputs = Outputs(checkpoint), {}
    if checkpoint.settings.loss != TRIPLET:  # which does not train the classifier
        kernel, bias = (values.astype(np.float32) for values in (after.kernel, after.bias))
        outputs[PROBABILITIES] = tf.nn.softmax(fc1 @ kernel + bias)
    outputs[FC1] = fc1
    if after.to_embedding is not None:
        outputs[EMBEDDING] = tf.nn.l2_normalize(fc1 @ after.to_embedding.astype(np.float32), 1)
    return images, outputs


def _signature(images, outputs):
    return tf.compat.v1.saved_model.predict_signature_def({'images': images}, outputs)


def _write(session, folder, signatures):
    builder = tf.compat.v1.saved_model.Builder(str(folder))
    builder.add_meta_graph_and_variables(
        session, [tf.saved_model.SERVING], signature_def_map=signatures
    )
    builder.save()

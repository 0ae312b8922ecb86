"""A checkpoint as a SavedModel and as a TensorFlow Lite file, which need none of this code.

Both take images uint8 (n, side, side), 0 = ink .. 255 = paper, and any n. The SavedModel has one
signature per output, and one with all outputs, `serving_default`, which TensorFlow Lite has. Every
output has a row per image, as servers demand that join requests into batches. So the names of the
classes are no output: assets.extra/labels.txt has them, one a line.
"""

from pathlib import Path

import numpy as np

from sketch import atomic
from sketch.backend import stderr_filter
from sketch.backend.setup import tf
from sketch.evaluation.loaded_network import constant_fc1
from sketch.evaluation.outputs import Outputs
from sketch.networks.registry import TRIPLET

PROBABILITIES, FC1, EMBEDDING = 'probabilities', 'fc1', 'embedding'
# Statistics of the converter. Its errors are exceptions.
CONVERTER_NOISE = '^Summary on the non-converted|^[- ]|^$'
SIGNATURES = {PROBABILITIES: 'classify', FC1: 'features', EMBEDDING: 'embedding'}
ALL = 'serving_default'  # the name that servers and converters look for
LABELS = Path('assets.extra', 'labels.txt')  # in a SavedModel: the names, if they are known


def save(checkpoint, size, folder):
    """Make a folder, a SavedModel; return its signatures: ALL, and some of SIGNATURES.

    Args:
        checkpoint: Checkpoint.
        size: side of the images in pixels.
        folder: Path to make.
    """
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images, outputs = _network(checkpoint, size)
        parts = {ALL: outputs, **{SIGNATURES[name]: {name: outputs[name]} for name in outputs}}
        builder = tf.compat.v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(
            session,
            [tf.saved_model.SERVING],
            signature_def_map={
                name: tf.compat.v1.saved_model.predict_signature_def({'images': images}, part)
                for name, part in parts.items()
            },
        )
        builder.save()
    names = checkpoint.settings.categories
    if PROBABILITIES in outputs and names:
        (folder / LABELS).parent.mkdir()
        atomic.write_text(folder / LABELS, ''.join(f'{name}\n' for name in names))
    return list(parts)


def to_lite(folder, float16=False):
    """Return a SavedModel of `save` as the content of a TensorFlow Lite file, bytes.

    Args:
        folder: of the SavedModel.
        float16: store the weights in 16 bits, which halves the file.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[ALL])
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

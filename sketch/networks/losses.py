"""The triplet loss: embeddings of one category move together (paper, conclusions).

The triplets are FaceNet's semi-hard ones (Schroff et al. 2015). data/samplers.py makes the batches.
"""

import numpy as np

from sketch.backend.setup import tf

TINY = 1e-12  # keeps the gradient of a norm finite at 0


def normalise(vectors):
    """Return vectors scaled to length 1: float32 (batch, values)."""
    return tf.math.l2_normalize(vectors, axis=1, epsilon=TINY)


def semi_hard_triplet(embeddings, labels, margin):
    """Return the mean triplet loss over all pairs of a category, with semi-hard negatives.

    For an anchor a and a positive p, the negative n is the nearest one that is farther than p; if
    there is none, the farthest. The loss is max(0, |a - p|^2 - |a - n|^2 + margin).

    Args:
        embeddings: float32 (batch, values), of length 1.
        labels: int32 (batch,).
        margin: between squared distances, which are 0 to 4.

    Returns:
        float32 scalar; 0 if no two labels are equal.
    """
    squared = tf.maximum(2 - 2 * tf.matmul(embeddings, embeddings, transpose_b=True), 0.0)
    same = tf.equal(labels[:, tf.newaxis], labels)
    to_positive, to_negative = squared[:, :, tf.newaxis], squared[:, tf.newaxis, :]
    # Axes: anchor, positive, negative.
    farther = tf.logical_and(to_negative > to_positive, ~same[:, tf.newaxis, :])
    nearest = tf.reduce_min(tf.where(farther, to_negative, np.inf), axis=2)
    farthest = tf.reduce_max(tf.where(same, 0.0, squared), axis=1, keepdims=True)
    negative = tf.where(tf.reduce_any(farther, axis=2), nearest, farthest)
    pairs = tf.linalg.set_diag(same, tf.zeros_like(labels, tf.bool))
    losses = tf.where(pairs, tf.nn.relu(squared - negative + margin), 0.0)
    count = tf.reduce_sum(tf.cast(pairs, tf.float32))
    return tf.math.divide_no_nan(tf.reduce_sum(losses), count)

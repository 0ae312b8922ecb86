"""The triplet loss, which draws the embeddings of one category together (paper, conclusions).

The triplets are FaceNet's semi-hard ones (Schroff et al. 2015), from batches of P categories with K
drawings each (Hermans et al. 2017).
"""

import numpy as np

from sketch.errors import InputError
from sketch.tensorflow_setup import tf

TINY = 1e-12  # keeps the gradient of a norm finite at 0


def normalise(vectors):
    """Return vectors scaled to length 1: float32 (batch, values)."""
    return tf.math.l2_normalize(vectors, axis=1, epsilon=TINY)


def semi_hard(embeddings, labels, margin):
    """Return the mean triplet loss over all pairs of a category, negatives chosen semi-hard.

    For an anchor a and a positive p, the negative n is the nearest that is farther than p, or the
    farthest if there is none; the loss is max(0, |a - p|^2 - |a - n|^2 + margin).

    Args:
        embeddings: float32 (batch, values), of length 1.
        labels: int32 (batch,).
        margin: of squared distances, which are 0 to 4.

    Returns:
        float32 scalar; 0 if no two labels are alike.
    """
    squared = tf.maximum(2 - 2 * tf.matmul(embeddings, embeddings, transpose_b=True), 0.0)
    alike = tf.equal(labels[:, tf.newaxis], labels)
    to_positive, to_negative = squared[:, :, tf.newaxis], squared[:, tf.newaxis, :]
    # Axes: anchor, positive, negative.
    allowed = tf.logical_and(to_negative > to_positive, ~alike[:, tf.newaxis, :])
    nearest = tf.reduce_min(tf.where(allowed, to_negative, np.inf), axis=2)
    farthest = tf.reduce_max(tf.where(alike, 0.0, squared), axis=1, keepdims=True)
    negative = tf.where(tf.reduce_any(allowed, axis=2), nearest, farthest)
    pairs = tf.linalg.set_diag(alike, tf.zeros_like(labels, tf.bool))
    losses = tf.where(pairs, tf.nn.relu(squared - negative + margin), 0.0)
    count = tf.reduce_sum(tf.cast(pairs, tf.float32))
    return tf.math.divide_no_nan(tf.reduce_sum(losses), count)


def category_batch(labels, images, drawings, seed, step):
    """Return the indices of a step's batch: categories at random, and of each as many drawings.

    Args:
        labels: int array (of the split,).
        images: of the batch, a multiple of `drawings`.
        drawings: of each category.
        seed, step: decide the choice.
    """
    random = np.random.default_rng([seed, step])
    categories = random.choice(np.max(labels) + 1, images // drawings, replace=False)
    return np.concatenate(
        [
            random.choice(np.flatnonzero(labels == category), drawings, replace=False)
            for category in categories
        ]
    )


def check_batch(images, drawings, split):
    """Raise InputError if batches, or a device's shares of them, cannot be made in this way.

    Args:
        images: of a batch, or of a device's share of it.
        drawings: of each category.
        split: dataset.Split.
    """
    counts = np.bincount(split.labels)
    if len(counts) < 2 or counts.min() < 2:
        raise InputError(
            '--loss: a triplet loss takes 2 categories and 2 training drawings of each; make the '
            'data set with more'
        )
    if drawings < 2 or drawings > counts.min():
        raise InputError(f'--drawings {drawings}: give 2 to {counts.min()}, a category has no more')
    if images % drawings or not 2 <= images // drawings <= len(counts):
        raise InputError(
            f'--batch-size: {images} images a device are not 2 to {len(counts)} categories of '
            f'{drawings} drawings each; give a multiple of {drawings} from {2 * drawings} to '
            f'{len(counts) * drawings} a device'
        )

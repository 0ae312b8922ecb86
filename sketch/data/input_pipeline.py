"""Input functions for the Estimator: images decoded from their PNG files as they are needed.

Nothing but the file names stays in memory, and none of them in the graph.
"""

import functools

import numpy as np

from sketch.data.augment import distort
from sketch.networks.triplet import category_batch
from sketch.tensorflow_setup import tf

EVALUATION_BATCH = 128  # images; only memory depends on it: 126x126x64 floats each in every layer
ENDLESS = np.iinfo(np.int64).max


def epoch_order(images, seed, epoch):
    """Return the order of one epoch, a permutation of range(images), int64."""
    return np.random.default_rng([seed, epoch]).permutation(images)


def training_input_fn(split, size, batch_size, seed, first_step=0, shares=1, part=(0, 1),
                      drawings=0, augment=False):  # fmt: skip
    """Return an endless input function of shuffled batches, as if `first_step` were already taken.

    The orders of all epochs are joined into one stream and cut into batches, so that no image is
    left out and a resumed run sees what an unbroken one would have seen.

    Args:
        split: dataset.Split.
        size: side of the images in pixels.
        batch_size: images per step.
        seed: of the shuffle.
        first_step: steps already taken.
        shares: equal parts of a batch, each an element of the result, for as many devices.
        part: (index, count) of the machine whose parts are given, out of how many.
        drawings: of each category in a batch, whose categories are then drawn at random (for the
            triplet loss) instead of the images epoch by epoch; 0 for the latter.
        augment: distort each image a little, otherwise each time.

    Returns:
        Function that gives a tf.data.Dataset of (uint8 (batch / shares, size, size, 1), int32
        (batch / shares,)).
    """

    def input_fn():
        if drawings:
            names = _in_order(
                split,
                tf.data.Dataset.range(first_step, ENDLESS),
                lambda step: category_batch(split.labels, batch_size, drawings, seed, step),
                batch_size,
            )
        else:
            epoch, seen = divmod(first_step * batch_size, len(split))
            epochs = tf.data.Dataset.range(epoch, ENDLESS)
            order = functools.partial(epoch_order, len(split), seed)
            names = _in_order(split, epochs, order, len(split)).skip(seen)
        names = names.enumerate(first_step * batch_size)
        index, count = part
        names = names.batch(batch_size // count).shard(count, index).unbatch()

        def image_and_label(position, name):
            image, label = _decode(size, *name)
            return distort(image, tf.stack([position, seed])) if augment else image, label

        images = names.map(image_and_label, num_parallel_calls=tf.data.AUTOTUNE)
        images = images.batch(batch_size // shares, drop_remainder=True)
        return images.prefetch(2 * shares)

    return input_fn


def evaluation_input_fn(split, size):
    """Return an input function that gives each image of a split once, in the split's order."""

    def input_fn():
        once = tf.data.Dataset.range(1)
        names = _in_order(split, once, lambda _: np.arange(len(split)), len(split))
        images = names.map(functools.partial(_decode, size), num_parallel_calls=tf.data.AUTOTUNE)
        return images.batch(EVALUATION_BATCH).prefetch(2)

    return input_fn


def _in_order(split, numbers, order, count):
    """Return (path, label) pairs: for each number, `count` of them in the order it gives."""

    def names(number):
        indices = order(number)
        return split.paths[indices], split.labels[indices]

    def of_one(number):
        paths, labels = tf.numpy_function(names, [number], [tf.string, tf.int32])
        paths.set_shape([count])
        labels.set_shape([count])
        return tf.data.Dataset.from_tensor_slices((paths, labels))

    return numbers.flat_map(of_one)


def _decode(size, path, label):
    image = tf.io.decode_png(tf.io.read_file(path), channels=1)
    return tf.ensure_shape(image, (size, size, 1)), label

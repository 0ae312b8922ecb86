"""Input functions for the Estimator: images decoded from their PNG files as they are needed.

Nothing but the file names stays in memory, and none of them in the graph.
"""

import numpy as np

from tensorflow_setup import tf

EVALUATION_BATCH = 128  # images; only memory depends on it: 126x126x64 floats each in every layer
ENDLESS = np.iinfo(np.int64).max


def epoch_order(images, seed, epoch):
    """Return the order of one epoch, a permutation of range(images), int64."""
    return np.random.default_rng([seed, epoch]).permutation(images)


def training_input_fn(split, size, batch_size, seed, first_step=0, shares=1, part=(0, 1)):
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

    Returns:
        Function that gives a tf.data.Dataset of (uint8 (batch / shares, size, size, 1), int32
        (batch / shares,)).
    """

    def input_fn():
        epoch, seen = divmod(first_step * batch_size, len(split))
        names = _in_order(
            split,
            tf.data.Dataset.range(epoch, ENDLESS),
            lambda epoch: epoch_order(len(split), seed, epoch),
        )
        index, count = part
        names = names.skip(seen).batch(batch_size // count).shard(count, index).unbatch()
        images = _decoded(names, size).batch(batch_size // shares, drop_remainder=True)
        return images.prefetch(2 * shares)

    return input_fn


def evaluation_input_fn(split, size):
    """Return an input function that gives each image of a split once, in the split's order."""

    def input_fn():
        names = _in_order(split, tf.data.Dataset.range(1), lambda _: np.arange(len(split)))
        return _decoded(names, size).batch(EVALUATION_BATCH).prefetch(2)

    return input_fn


def _in_order(split, epochs, order):
    """Return the (path, label) pairs of each epoch in the given order."""

    def names(epoch):
        indices = order(epoch)
        return split.paths[indices], split.labels[indices]

    def one_epoch(epoch):
        paths, labels = tf.numpy_function(names, [epoch], [tf.string, tf.int32])
        paths.set_shape([len(split)])
        labels.set_shape([len(split)])
        return tf.data.Dataset.from_tensor_slices((paths, labels))

    return epochs.flat_map(one_epoch)


def _decoded(names, size):
    def decode(path, label):
        image = tf.io.decode_png(tf.io.read_file(path), channels=1)
        return tf.ensure_shape(image, (size, size, 1)), label

    return names.map(decode, num_parallel_calls=tf.data.AUTOTUNE)

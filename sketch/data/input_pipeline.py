"""Input functions for the Estimator: PNG files are read and decoded when they are needed.

Only the file names stay in memory, and none of them in the graph.
"""

import functools

import numpy as np

from sketch.backend.processor import cores
from sketch.backend.setup import tf
from sketch.data.augment import distort
from sketch.data.samplers import balanced_batch, epoch_order

EVALUATION_BATCH = 128  # images; it decides the memory: 126x126x64 floats per image and layer
THREADS = cores()  # that decode images
ENDLESS = np.iinfo(np.int64).max


def training_input_fn(split, size, settings, *, first_step=0, num_replicas=1, shard=(0, 1)):
    """Return an endless input function of shuffled batches that starts after `first_step` steps.

    The orders of all epochs form one stream, which is cut into batches: no image is left out, and
    a resumed run sees the batches that an uninterrupted one would have seen.

    Args:
        split: dataset.Split.
        size: side of the images in pixels.
        settings: runs.settings.Settings: batch_size, seed, augment and, with a triplet loss,
            images_per_class (images of each random category in a batch).
        first_step: steps already taken.
        num_replicas: devices that divide a batch; each element holds one device's images. A
            triplet loss compares those: their categories are chosen for each device.
        shard: (index, count) of this worker; it gets only its shard of each batch.

    Returns:
        Function that returns a tf.data.Dataset of (uint8 (batch / num_replicas, size, size, 1),
        int32 (batch / num_replicas,)).
    """
    batch_size, seed = settings.batch_size, settings.seed

    def input_fn():
        files = _training_files(split, settings, first_step, num_replicas)
        files = files.enumerate(first_step * batch_size)
        index, count = shard
        files = files.batch(batch_size // count).shard(count, index).unbatch()

        def image_and_label(position, file):
            image, label = _decode(size, *file)
            if settings.augment:
                image = distort(image, tf.stack([position, seed]))
            return image, label

        images = files.map(image_and_label, THREADS)
        images = images.batch(batch_size // num_replicas, drop_remainder=True)
        return _with_fixed_threads(images.prefetch(2 * num_replicas))

    return input_fn


def evaluation_input_fn(split, size):
    """Return an input function that gives each image of a split once, in the split's order."""

    def input_fn():
        once = tf.data.Dataset.range(1)
        files = _files(split, once, lambda _: np.arange(len(split)), len(split))
        images = files.map(functools.partial(_decode, size), THREADS)
        return _with_fixed_threads(images.batch(EVALUATION_BATCH).prefetch(2))

    return input_fn


def _training_files(split, settings, first_step, num_replicas):
    """Return the endless stream of (path, label) after so many steps."""
    batch_size, seed = settings.batch_size, settings.seed
    if settings.has_triplets:
        parts = tf.data.Dataset.range(first_step * num_replicas, ENDLESS)
        size = batch_size // num_replicas

        def one_part(part):
            return balanced_batch(split.labels, size, settings.images_per_class, seed, part)

        return _files(split, parts, one_part, size)
    epoch, seen = divmod(first_step * batch_size, len(split))
    epochs = tf.data.Dataset.range(epoch, ENDLESS)
    order = functools.partial(epoch_order, len(split), seed)
    return _files(split, epochs, order, len(split)).skip(seen)


def _files(split, numbers, order, count):
    """Return (path, label) pairs: for each number, those at the `count` indices order(number)."""

    def chosen(number):
        indices = order(number)
        return split.paths[indices], split.labels[indices]

    def of_one(number):
        paths, labels = tf.numpy_function(chosen, [number], [tf.string, tf.int32])
        paths.set_shape([count])
        labels.set_shape([count])
        return tf.data.Dataset.from_tensor_slices((paths, labels))

    return numbers.flat_map(of_one)


def _with_fixed_threads(images):
    """Return a tf.data.Dataset that does not tune its number of threads.

    The tuning thread sleeps for up to a minute, and closing a session waits for it. Ctrl-C and the
    end of a training would take seconds longer.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return images.with_options(options)


def _decode(size, path, label):
    image = tf.io.decode_png(tf.io.read_file(path), channels=1)
    return tf.ensure_shape(image, (size, size, 1)), label

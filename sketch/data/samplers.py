"""The order in which training images come: by epochs, or in batches of P classes x K images.

The second is for the triplet loss, which needs several images of a category in a batch (Hermans et
al. 2017).
"""

import numpy as np

from sketch.errors import InputError


def epoch_order(images, seed, epoch):
    """Return the order of one epoch: a permutation of range(images), int64."""
    return np.random.default_rng([seed, epoch]).permutation(images)


def balanced_batch(labels, batch_size, images_per_class, seed, number):
    """Return the indices of one device's batch: random categories, as many images of each.

    Args:
        labels: int array (images of the split,).
        batch_size: a multiple of images_per_class.
        images_per_class: K; P is batch_size / K.
        seed, number: decide the choice; `number` is that of the batch.
    """
    random = np.random.default_rng([seed, number])
    categories = random.choice(np.max(labels) + 1, batch_size // images_per_class, replace=False)
    return np.concatenate(
        [
            random.choice(np.flatnonzero(labels == category), images_per_class, replace=False)
            for category in categories
        ]
    )


def check_balanced_batch(batch_size, images_per_class, labels):
    """Raise InputError if balanced_batch cannot make such batches.

    Args:
        batch_size: images per step and device.
        images_per_class: K.
        labels: int array (training images,).
    """
    counts = np.bincount(labels)
    if len(counts) < 2 or counts.min() < 2:
        raise InputError(
            'a triplet loss needs at least 2 categories with 2 training images each; make '
            'a larger data set'
        )
    if not 2 <= images_per_class <= counts.min():
        raise InputError(
            f'images per class {images_per_class}: must be from 2 to {counts.min()}, the images '
            'of the smallest category'
        )
    classes = batch_size / images_per_class
    if classes not in range(2, len(counts) + 1):
        raise InputError(
            f'batch size: {batch_size} images per device are not 2 to {len(counts)} categories '
            f'of {images_per_class} images; give a multiple of {images_per_class} from '
            f'{2 * images_per_class} to {len(counts) * images_per_class} per device'
        )

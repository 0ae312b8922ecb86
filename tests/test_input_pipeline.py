"""The input functions: every image once an epoch, shuffled by the seed, resumed exactly."""

import numpy as np
import pytest
from PIL import Image

from sketch.backend.setup import tf
from sketch.data.input_pipeline import evaluation_input_fn, training_input_fn
from sketch.data.samplers import epoch_order
from sketch.runs.settings import Settings


def shuffled(split, batch_size, seed, **options):
    """Return the training input function of a split."""
    settings = Settings('n1', (), 3, 1, batch_size=batch_size, seed=seed)
    return training_input_fn(split, 96, settings, **options)


def batches(input_fn, count=None):
    """Return the first batches of an input function as (images, labels) arrays."""
    dataset = input_fn()
    return list((dataset if count is None else dataset.take(count)).as_numpy_iterator())


def decoded(split):
    """Return all images of a split by way of Pillow, uint8 (images, size, size, 1)."""
    images = []
    for path in split.paths:
        with Image.open(path) as image:
            images.append(np.asarray(image)[..., np.newaxis])
    return np.stack(images)


def test_evaluation_gives_every_image_once_in_order(small_dataset):
    for split in (small_dataset.train, small_dataset.test):
        images, labels = map(np.concatenate, zip(*batches(evaluation_input_fn(split, 96))))
        assert images.dtype == np.uint8
        assert np.array_equal(images, decoded(split))
        assert np.array_equal(labels, split.labels)


def positions(split, input_fn, count):
    """Return the index of every image of the first batches, found by its pixels; check labels."""
    index = {image.tobytes(): i for i, image in enumerate(decoded(split))}
    assert len(index) == len(split)
    found = []
    for images, labels in batches(input_fn, count):
        found.append([index[image.tobytes()] for image in images])
        assert split.labels[found[-1]].tolist() == labels.tolist()
    return found


def test_training_joins_whole_epochs_and_loses_no_image(small_dataset):
    split = small_dataset.train
    # 24 images in batches of 5: 24 batches are 5 whole epochs.
    stream = np.ravel(positions(split, shuffled(split, 5, seed=1), 24))
    for epoch, order in enumerate(stream.reshape(5, 24)):
        assert sorted(order) == list(range(24))
        assert order.tolist() == epoch_order(24, 1, epoch).tolist()
    assert stream[:24].tolist() != stream[24:48].tolist()
    other = np.ravel(positions(split, shuffled(split, 5, seed=2), 5))
    assert other.tolist() != stream[:25].tolist()


@pytest.mark.parametrize('step', [1, 4, 5, 11, 24])
def test_training_resumes_where_it_stopped(small_dataset, step):
    split = small_dataset.train
    whole = positions(split, shuffled(split, 5, seed=1), step + 3)
    rest = positions(split, shuffled(split, 5, seed=1, first_step=step), 3)
    assert rest == whole[step:]


def test_no_image_or_name_is_in_the_graph(small_dataset):
    with tf.Graph().as_default() as graph:
        shuffled(small_dataset.train, 5, seed=0)()
        definition = graph.as_graph_def().SerializeToString()
    assert b'.png' not in definition
    assert len(definition) < 20_000


@pytest.mark.parametrize('replicas', [2, 4])
def test_two_workers_divide_each_batch(small_dataset, replicas):
    split = small_dataset.train
    whole = positions(split, shuffled(split, 8, seed=1, first_step=2), 6)
    halves = []
    for shard in ((0, 2), (1, 2)):
        options = {'first_step': 2, 'num_replicas': replicas, 'shard': shard}
        part = positions(split, shuffled(split, 8, seed=1, **options), 6 * replicas // 2)
        halves.append(np.reshape(part, (6, 4)))
    assert np.hstack(halves).tolist() == whole

"""Distortions of training images, against OpenCV's."""

import cv2
import numpy as np
import pytest

from sketch.backend.setup import tf
from sketch.data import augment
from sketch.data.input_pipeline import training_input_fn
from sketch.runs.settings import Settings


@pytest.fixture
def image(small_dataset):
    """One drawing, uint8 (96, 96, 1)."""
    content = tf.io.read_file(small_dataset.train.paths[0])
    return tf.ensure_shape(tf.io.decode_png(content, channels=1), (96, 96, 1))


@pytest.mark.parametrize('seed', range(8))
def test_distortions_are_those_of_opencv(image, seed):
    key = tf.constant([seed, 3], tf.int64)
    random = tf.random.stateless_uniform([4], key, -1.0, 1.0).numpy()
    degrees, scale = np.degrees(augment.TURN * random[0]), 1 + augment.SCALE * random[1]
    matrix = cv2.getRotationMatrix2D((47.5, 47.5), degrees, scale)
    matrix[:, 2] += augment.SHIFT * 96 * random[2:]
    pixels = image.numpy()[..., 0]
    wanted = cv2.warpAffine(pixels, matrix, (96, 96), borderValue=255).astype(int)
    ours = augment.distort(image, key).numpy()[..., 0].astype(int)
    assert np.abs(ours - wanted).mean() < 1  # OpenCV rounds places to 1/32 of a pixel
    assert np.abs(ours - pixels).mean() > 2


def test_paper_stays_paper():
    paper = tf.fill((50, 50, 1), tf.constant(255, tf.uint8))
    for seed in range(5):
        assert (augment.distort(paper, tf.constant([seed, 0], tf.int64)).numpy() == 255).all()


def test_each_epoch_has_its_own_distortions_also_when_resumed(small_dataset):
    def images(first, steps):
        settings = Settings('n1', (), 3, 1, batch_size=8, seed=1, augment=True)
        stream = training_input_fn(small_dataset.train, 96, settings, first_step=first)()
        taken = [images for images, _ in stream.take(steps).as_numpy_iterator()]
        return np.concatenate(taken)

    whole = images(0, 6)
    assert np.array_equal(images(4, 2), whole[32:])
    assert len({image.tobytes() for image in whole}) == 48

"""The rasteriser, against OpenCV's lines of thickness 3."""

import cv2
import numpy as np
from PIL import Image

from sketch.data import quickdraw, raster
from tools import synthetic


def opencv(strokes, size=128):
    """Draw as the paper did."""
    image = np.full((256, 256), 255, np.uint8)
    for stroke in strokes:
        points = stroke.astype(np.int32)
        cv2.polylines(image, [points.reshape(-1, 1, 2)], False, 0, 3)
    return Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)


def compare(drawings):
    """Return the mean absolute difference in grey levels and the ratio of ink, ours to OpenCV's."""
    ours = np.stack([np.asarray(raster.draw(strokes), float) for strokes in drawings])
    theirs = np.stack([np.asarray(opencv(strokes), float) for strokes in drawings])
    return np.abs(ours - theirs).mean(), (255 - ours).sum() / (255 - theirs).sum()


def test_like_opencv_on_synthetic_drawings():
    random = np.random.default_rng(0)
    names = list(synthetic.CATEGORIES)
    difference, ink = compare([synthetic.drawing(names[i % 12], random) for i in range(200)])
    assert difference < 2
    # Long slanted lines lose the most; people draw shorter and rounder ones.
    assert 0.96 < ink < 1.04


def test_like_opencv_on_real_drawings(real_drawings):
    drawings = []
    for path in sorted((real_drawings / 'wide').glob('*.bin'))[:200]:
        with quickdraw.DrawingFile(path) as file:
            drawings.append(file[0].strokes)
    difference, ink = compare(drawings)
    assert difference < 2
    assert 0.97 < ink < 1.03


def test_line_is_five_pixels_wide_and_round():
    image = np.asarray(raster.draw([np.array([[50, 100], [150, 100]])], 256))
    assert (image[:, 100] == 0).sum() == 5
    assert image[100, 48] == image[100, 152] == 0
    assert image[100, 47] == image[100, 153] == 255
    assert image[98, 48] == 255  # the cap has no corners


def test_one_point_is_a_dot():
    image = np.asarray(raster.draw([np.array([[20, 30]])], 256))
    rows, columns = np.nonzero(image == 0)
    assert (rows.mean(), columns.mean()) == (30, 20)
    assert np.ptp(rows) == np.ptp(columns) == 4


def test_size_mode_and_no_points():
    image = raster.draw([np.array([[0, 0], [255, 255]])], 96)
    assert (image.size, image.mode) == ((96, 96), 'L')
    assert np.asarray(image).min() < 64  # ink at the very edge is drawn, not an error
    for strokes in ([], [np.empty((0, 2), np.uint8)]):
        assert (np.asarray(raster.draw(strokes)) == 255).all()

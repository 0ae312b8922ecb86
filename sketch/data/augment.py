"""Augmentation of training images: each is turned, scaled and shifted a little."""

from sketch.backend.setup import tf

PAPER = 255.0
TURN = 0.17  # radians (10 degrees), to either side
SCALE = 0.1  # of the size, larger or smaller
SHIFT = 0.08  # of the side, in both directions


def distort(image, seed):
    """Return an image distorted as the seed decides. Pixels from outside the image are paper.

    Args:
        image: uint8 (side, side, 1), 255 = paper.
        seed: int64 (2,); the same seed gives the same distortion.

    Returns:
        uint8 (side, side, 1), sampled bilinearly.
    """
    side = image.shape[0]
    random = tf.random.stateless_uniform([4], seed, -1.0, 1.0)
    angle, scale = TURN * random[0], 1 + SCALE * random[1]
    shift = SHIFT * side * random[2:]
    centre = (side - 1) / 2
    # The transform maps a pixel of the result to the place in the image that it shows.
    cos, sin = tf.cos(angle) / scale, tf.sin(angle) / scale
    x = centre - cos * (centre + shift[0]) + sin * (centre + shift[1])
    y = centre - sin * (centre + shift[0]) - cos * (centre + shift[1])
    transform = tf.stack([cos, -sin, x, sin, cos, y, 0.0, 0.0])
    distorted = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(image, tf.float32)[tf.newaxis],
        transforms=transform[tf.newaxis],
        output_shape=[side, side],
        fill_value=PAPER,
        interpolation='BILINEAR',
        fill_mode='CONSTANT',
    )
    return tf.cast(tf.round(distorted[0]), tf.uint8)

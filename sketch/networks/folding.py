"""Convolutions for evaluation: batch normalisation is folded into the next layer.

After training, batch normalisation is one scale and one shift per channel. The next convolution
absorbs both into its kernel and bias; max pooling passes them through. This saves a pass over the
activations. The function is the same but for rounding; docs/performance.md has the gain.
"""

from typing import NamedTuple

from sketch.backend.setup import tf

variable = tf.compat.v1.get_variable


class Folded(NamedTuple):
    """A convolution. The next layer applies its ReLU and batch normalisation."""

    images: tf.Tensor  # float32 (batch, side, side, channels)
    kernel: tf.Tensor  # float32 (3, 3, channels, filters)
    bias: tf.Tensor  # float32 (filters,), like the next two
    scale: tf.Tensor  # batch normalisation is scale * relu(convolution) + shift
    shift: tf.Tensor
    poolings: tuple = ()  # max pooling functions, applied after all this

    def rectified(self):
        """Return everything but scale and shift: float32 (batch, side, side, filters) >= 0."""
        if not self.poolings:
            return tf.nn.relu(_convolve(self.images, self.kernel, self.bias))
        # Pool before ReLU: that leaves a quarter of the pixels. A negative scale swaps max and
        # min, so flip the sign around the pooling.
        sign = tf.where(self.scale < 0, -1.0, 1.0)
        x = _convolve(self.images, self.kernel * sign, self.bias * sign)
        for pool in self.poolings:
            x = pool(x)
        return tf.nn.relu(x * sign)

    def normalised(self):
        """Return the values themselves: float32 (batch, side, side, filters)."""
        return tf.nn.bias_add(self.rectified() * self.scale, self.shift)


def conv(x, filters, epsilon):
    """3x3 convolution without padding, ReLU, then batch normalisation by the moving statistics.

    The variables have the names and initial values that tf.compat.v1.layers gives them.

    Args:
        x: float32 (batch, side, side, channels), or Folded.
        filters: output channels.
        epsilon: of batch normalisation.

    Returns:
        Folded.
    """
    images = x.rectified() if isinstance(x, Folded) else x
    with tf.compat.v1.variable_scope(None, 'conv2d'):
        # get_variable's own default initialiser has no seed, which --deterministic requires.
        glorot = tf.keras.initializers.GlorotUniform()
        kernel = variable('kernel', (3, 3, images.shape[-1], filters), initializer=glorot)
        bias = variable('bias', filters, initializer=tf.compat.v1.zeros_initializer())
    with tf.compat.v1.variable_scope(None, 'batch_normalization'):
        ones, zeros = tf.compat.v1.ones_initializer(), tf.compat.v1.zeros_initializer()
        gamma = variable('gamma', filters, initializer=ones)
        beta = variable('beta', filters, initializer=zeros)
        mean = variable('moving_mean', filters, initializer=zeros, trainable=False)
        variance = variable('moving_variance', filters, initializer=ones, trainable=False)
    if isinstance(x, Folded):
        bias = bias + tf.reduce_sum(kernel * x.shift[:, None], [0, 1, 2])
        kernel = kernel * x.scale[:, None]
    scale = gamma * tf.math.rsqrt(variance + epsilon)
    return Folded(images, kernel, bias, scale, beta - mean * scale)


def values(x):
    """Return x itself, normalised if it is Folded."""
    return x.normalised() if isinstance(x, Folded) else x


def _convolve(images, kernel, bias):
    return tf.nn.bias_add(tf.nn.conv2d(images, kernel, 1, 'VALID'), bias)

"""The layers of skNet and skResNet.

They come from tf.compat.v1.layers in graph mode. Its variable names (ConvNet/conv2d,
ConvNet/conv2d_1, ConvNet/batch_normalization, ...) are those of the published checkpoints.
"""

from sketch.backend import processor
from sketch.backend.setup import tf
from sketch.networks import folding

FC1 = 1024  # values of a feature vector
BATCH_NORM_EPSILON = 0.001  # not in the paper: TensorFlow's default, in the author's code

layers = tf.compat.v1.layers


# With AVX-512, oneDNN's own kernel gradient is faster than ours (docs/performance.md).
AVX512 = processor.has('avx512f')


@tf.RegisterGradient('KernelByMatmul')
def _conv_gradient(operation, gradient):
    """Gradient of a convolution without padding and with stride 1.

    The gradient of the images is TensorFlow's. The gradient of the kernel is one matrix product
    per kernel position. The image is a matrix of pixel rows, and the incoming gradient is padded
    to the image's side: a kernel position is then a shift of rows, and no pixel is copied. On CPUs
    without AVX-512 this is faster than TensorFlow's own (docs/performance.md).
    """
    images, kernel = operation.inputs
    _, _, width, inside = images.shape
    rows, columns, _, outside = kernel.shape
    to_images = tf.compat.v1.nn.conv2d_backprop_input(
        tf.shape(images), kernel, gradient, [1, 1, 1, 1], 'VALID'
    )
    pixels = tf.reshape(images, [-1, inside])
    padded = tf.pad(gradient, [[0, 0], [0, rows - 1], [0, columns - 1], [0, 0]])
    # The rows after these are padding: at the last position they have no pixel.
    count = tf.shape(pixels)[0] - ((rows - 1) * width + columns - 1)
    errors = tf.reshape(padded, [-1, outside])[:count]
    to_kernel = [
        tf.matmul(pixels[shift : shift + count], errors, transpose_a=True)
        for shift in (row * width + column for row in range(rows) for column in range(columns))
    ]
    return to_images, tf.reshape(tf.stack(to_kernel), kernel.shape)


def _gradient_of_conv(channels):
    """Return a convolution's gradient as gradient_override_map takes it."""
    # Not on GPU, where cuDNN is fast. Not for one channel: the matrices would be thin.
    ours = channels > 1 and not AVX512 and not tf.config.list_physical_devices('GPU')
    return {'Conv2D': 'KernelByMatmul'} if ours else {}


def conv(x, filters, training, momentum):
    """3x3 convolution without padding, ReLU, then batch normalisation.

    Args:
        x: float32 (batch, side, side, channels); in evaluation it may be folding.Folded.
        filters: output channels.
        training: normalise by the batch and update the moving statistics.
        momentum: of the moving statistics, in [0, 1).

    Returns:
        float32 (batch, side - 2, side - 2, filters); in evaluation as folding.Folded.
    """
    if not training:
        return folding.conv(x, filters, BATCH_NORM_EPSILON)
    graph = tf.compat.v1.get_default_graph()
    with graph.gradient_override_map(_gradient_of_conv(x.shape[-1])):
        x = layers.conv2d(x, filters, 3, activation=tf.nn.relu)
    return layers.batch_normalization(
        x, momentum=momentum, epsilon=BATCH_NORM_EPSILON, training=True
    )


def pool(x):
    """Max pooling 3x3, stride 2, without padding: side -> (side - 1) // 2."""
    if isinstance(x, folding.Folded):
        return x._replace(poolings=(*x.poolings, pool))
    return layers.max_pooling2d(x, 3, 2)


def residual(x, filters, training, momentum):
    """Pad x by 2 zeros on each side, apply two convolutions, add x: same shape as x."""
    x = folding.values(x)  # the padding zeros are zeros of the normalised values
    padded = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]])
    y = conv(padded, filters, training, momentum)
    return folding.values(conv(y, filters, training, momentum)) + x


def fc1(x):
    """Fully connected layer with ReLU; its output, float32 (batch, 1024), is the feature vector."""
    return dense(layers.flatten(folding.values(x)), FC1, activation=tf.nn.relu)


def dense(x, outputs, **options):
    """Fully connected layer: float32 (batch, values) -> (batch, outputs)."""
    return layers.dense(x, outputs, **options)

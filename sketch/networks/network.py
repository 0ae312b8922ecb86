"""What skNet and skResNet share: their layers, and the Estimator's head.

The layers come from tf.compat.v1.layers in graph mode, because the names these give to variables
(ConvNet/conv2d, ConvNet/conv2d_1, ConvNet/batch_normalization, ...) are those of the published
checkpoints.
"""

from numpy.core._multiarray_umath import __cpu_features__

from sketch.networks import folding, triplet
from sketch.tensorflow_setup import tf

FIRST_STEP = 'first_step'  # the collection of summaries that are worth writing once
SHOWN = 8  # training images in TensorBoard
FC1 = 1024  # values of a feature vector
# The paper gives neither; these are the defaults of the author's TensorFlow (facts of the code).
BATCH_NORM_MOMENTUM = 0.99
BATCH_NORM_EPSILON = 0.001
LEARNING_RATE = 0.001  # section 3
# Losses: the paper's, that of section 4's question, and their sum.
CROSS_ENTROPY, TRIPLET, BOTH = LOSSES = ('cross-entropy', 'triplet', 'triplet-and-cross-entropy')
# With AVX-512, oneDNN's gradient of a kernel is faster than ours (README, checks of scale).
AVX512 = __cpu_features__.get('AVX512F', False)

layers = tf.compat.v1.layers


@tf.RegisterGradient('KernelByMatmul')
def _conv_gradient(operation, gradient):
    """Gradient of a convolution without padding, stride 1: TensorFlow's but for the kernel.

    The kernel's is one matrix product for each of its places. With an image laid out as rows of
    pixels, and the gradient padded to the image's side, a place is a shift of the rows, for which
    nothing is copied. On CPU that is faster than TensorFlow's own (README, checks of scale).
    """
    images, kernel = operation.inputs
    _, _, width, inside = images.shape
    rows, columns, _, outside = kernel.shape
    to_images = tf.compat.v1.nn.conv2d_backprop_input(
        tf.shape(images), kernel, gradient, [1, 1, 1, 1], 'VALID'
    )
    pixels = tf.reshape(images, [-1, inside])
    padded = tf.pad(gradient, [[0, 0], [0, rows - 1], [0, columns - 1], [0, 0]])
    # What comes after is padding, and has no pixel at the last place.
    count = tf.shape(pixels)[0] - ((rows - 1) * width + columns - 1)
    errors = tf.reshape(padded, [-1, outside])[:count]
    to_kernel = [
        tf.matmul(pixels[shift : shift + count], errors, transpose_a=True)
        for shift in (row * width + column for row in range(rows) for column in range(columns))
    ]
    return to_images, tf.reshape(tf.stack(to_kernel), kernel.shape)


def _gradient_of_conv(channels):
    """Return which gradient a convolution takes, as gradient_override_map wants it."""
    # cuDNN has a fast one of its own, too, and a single channel makes thin matrices.
    ours = channels > 1 and not AVX512 and not tf.config.list_physical_devices('GPU')
    return {'Conv2D': 'KernelByMatmul'} if ours else {}


def conv(x, filters, training, momentum):
    """3x3 convolution without padding, ReLU, then batch normalisation.

    Args:
        x: float32 (batch, side, side, channels), or in evaluation folding.Folded.
        filters: output channels.
        training: normalise by the batch and update the moving statistics.
        momentum: of the moving statistics, in [0, 1).

    Returns:
        float32 (batch, side - 2, side - 2, filters), in evaluation as folding.Folded.
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
    """X padded by 2 zeros on each side, two convolutions, plus x: same shape as x."""
    x = folding.values(x)  # the zeros around it are zeros of the normalised values
    padded = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]])
    y = conv(padded, filters, training, momentum)
    return folding.values(conv(y, filters, training, momentum)) + x


def fc1(x):
    """The fully connected layer whose output is the feature vector: float32 (batch, 1024) >= 0."""
    return layers.dense(layers.flatten(folding.values(x)), FC1, activation=tf.nn.relu)


def classifier(trunk, features, labels, mode, params):
    """Wrap a network for classification as an EstimatorSpec.

    Args:
        trunk: function (images, training, params) -> fc1.
        features: images (batch, side, side, 1), any number type, 0 = ink .. 255 = paper.
        labels: int32 (batch,), None to predict.
        mode: a tf.estimator.ModeKeys.
        params: dict with classes, learning_rate, batch_norm_momentum and what the trunk wants;
            where it is not the paper's training, loss (of LOSSES), margin and embedding_size, and
            learning_rate_decay with steps_per_epoch.
    """
    training = mode == tf.estimator.ModeKeys.TRAIN
    with tf.compat.v1.variable_scope('ConvNet'):
        hidden = trunk(tf.cast(features, tf.float32), training, params)
        logits = layers.dense(hidden, params['classes'])
        if params.get('embedding_size'):
            size = params['embedding_size']
            embedding = layers.dense(hidden, size, use_bias=False, name='embedding')
    classes = tf.argmax(logits, axis=1, output_type=tf.int32)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, {'logits': logits, 'classes': classes})
    loss, kind = 0.0, params.get('loss', CROSS_ENTROPY)
    if kind != TRIPLET:
        loss += tf.compat.v1.losses.sparse_softmax_cross_entropy(
            labels, logits, loss_collection=None
        )
    if kind != CROSS_ENTROPY:
        loss += triplet.semi_hard(triplet.normalise(embedding), labels, params['margin'])
    tf.compat.v1.losses.add_loss(loss)  # where the progress finds it
    if mode == tf.estimator.ModeKeys.EVAL:
        everyone = tf.ones_like(labels, tf.bool)
        metrics = {
            'accuracy': tf.compat.v1.metrics.accuracy(labels, classes),
            # A count of the images seen, so that load.py can refuse an evaluation that missed any.
            'images': tf.compat.v1.metrics.true_positives(everyone, everyone),
        }
        return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops=metrics)
    if kind != TRIPLET:  # which classifies nothing
        batch_accuracy = tf.reduce_mean(tf.cast(tf.equal(labels, classes), tf.float32))
        tf.compat.v1.summary.scalar('batch_accuracy', batch_accuracy)
    rate, step = params['learning_rate'], tf.compat.v1.train.get_global_step()
    if params.get('learning_rate_decay', 1) != 1:
        rate = tf.compat.v1.train.exponential_decay(
            rate, step, params['steps_per_epoch'], params['learning_rate_decay']
        )
    tf.compat.v1.summary.scalar('learning_rate', rate)
    tf.compat.v1.summary.image('drawings', features, SHOWN, [FIRST_STEP])
    optimizer = tf.compat.v1.train.AdamOptimizer(rate)
    # The moving statistics of batch normalisation are moved by these operations alone.
    with tf.control_dependencies(tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)):
        train_op = optimizer.minimize(loss, step)
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)


def feature_extractor(trunk, features, mode, params):
    """Wrap a network for feature vectors: predicts {'fc1': float32 (batch, 1024)}, nothing else."""
    if mode != tf.estimator.ModeKeys.PREDICT:
        raise ValueError(f'the features variant only predicts; got mode {mode!r}')
    with tf.compat.v1.variable_scope('ConvNet'):
        vectors = trunk(tf.cast(features, tf.float32), False, params)
    return tf.estimator.EstimatorSpec(mode, {'fc1': vectors})

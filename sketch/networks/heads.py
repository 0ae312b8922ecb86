"""The Estimator's side of a network: predictions, loss, metrics, training step."""

from sketch.backend.setup import tf
from sketch.backend.state import seeded_weights
from sketch.networks import losses
from sketch.networks.layers import dense
from sketch.networks.registry import CROSS_ENTROPY, MIXED_FLOAT16, TRIPLET

FIRST_STEP = 'first_step'  # collection of the summaries that are written once
SHOWN = 8  # training images in TensorBoard


def classifier(backbone, features, labels, mode, params):
    """Return the EstimatorSpec of a network that classifies.

    Args:
        backbone: function (images, training, params) -> fc1.
        features: images (batch, side, side, 1), any number type, 0 = ink .. 255 = paper.
        labels: int32 (batch,); None in mode PREDICT.
        mode: a tf.estimator.ModeKeys.
        params: dict with classes, learning_rate, batch_norm_momentum and what the backbone takes.
            Optional, for trainings that differ from the paper's: loss (one of registry.LOSSES),
            margin, embedding_size, learning_rate_decay with steps_per_epoch, and precision.
    """
    training = mode == tf.estimator.ModeKeys.TRAIN
    with tf.compat.v1.variable_scope('ConvNet'), seeded_weights():
        hidden = backbone(tf.cast(features, tf.float32), training, params)
        logits = dense(hidden, params['classes'])
        embedding = _embedding(hidden, params)
    classes = tf.argmax(logits, axis=1, output_type=tf.int32)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, {'logits': logits, 'classes': classes})
    loss = _loss(labels, logits, embedding, params)
    if mode == tf.estimator.ModeKeys.EVAL:
        return tf.estimator.EstimatorSpec(
            mode, loss=loss, eval_metric_ops=_metrics(labels, classes)
        )
    if params.get('loss') != TRIPLET:  # the triplet loss alone does not train the logits
        batch_accuracy = tf.reduce_mean(tf.cast(tf.equal(labels, classes), tf.float32))
        tf.compat.v1.summary.scalar('batch_accuracy', batch_accuracy)
    tf.compat.v1.summary.image('drawings', features, SHOWN, [FIRST_STEP])
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=_training_step(loss, params))


def feature_extractor(backbone, features, mode, params):
    """Return the EstimatorSpec of a network that predicts {'fc1': float32 (batch, 1024)} only."""
    if mode != tf.estimator.ModeKeys.PREDICT:
        raise ValueError(f'the features variant only predicts; got mode {mode!r}')
    with tf.compat.v1.variable_scope('ConvNet'), seeded_weights():
        vectors = backbone(tf.cast(features, tf.float32), False, params)
    return tf.estimator.EstimatorSpec(mode, {'fc1': vectors})


def _embedding(hidden, params):
    """Return the embedding that a triplet loss compares, None without one."""
    if not params.get('embedding_size'):
        return None
    return dense(hidden, params['embedding_size'], use_bias=False, name='embedding')


def _loss(labels, logits, embedding, params):
    loss, kind = 0.0, params.get('loss', CROSS_ENTROPY)
    if kind != TRIPLET:
        loss += tf.compat.v1.losses.sparse_softmax_cross_entropy(
            labels, logits, loss_collection=None
        )
    if kind != CROSS_ENTROPY:
        loss += losses.semi_hard_triplet(losses.normalise(embedding), labels, params['margin'])
    tf.compat.v1.losses.add_loss(loss)  # hooks.ProgressHook finds it there
    return loss


def _metrics(labels, classes):
    every = tf.ones_like(labels, tf.bool)
    return {
        'accuracy': tf.compat.v1.metrics.accuracy(labels, classes),
        # The number of images; evaluation.accuracy raises if any is missing.
        'images': tf.compat.v1.metrics.true_positives(every, every),
    }


def _training_step(loss, params):
    rate, step = params['learning_rate'], tf.compat.v1.train.get_global_step()
    if params.get('learning_rate_decay', 1) != 1:
        rate = tf.compat.v1.train.exponential_decay(
            rate, step, params['steps_per_epoch'], params['learning_rate_decay']
        )
    tf.compat.v1.summary.scalar('learning_rate', rate)
    optimizer = tf.compat.v1.train.AdamOptimizer(rate)
    if params.get('precision') == MIXED_FLOAT16:
        # float16 would lose small gradients. bfloat16 has the range of float32.
        scaled = tf.compat.v1.mixed_precision.MixedPrecisionLossScaleOptimizer
        optimizer = scaled(optimizer, 'dynamic')
    # Only these operations update the moving statistics of batch normalisation.
    with tf.control_dependencies(tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)):
        return optimizer.minimize(loss, step)

"""Evaluation with batch normalisation folded: the same function as tf.keras's layers one by one."""

import numpy as np
import pytest

import n1_features
import n2_features
from sketch.backend.setup import tf
from sketch.networks import folding
from sketch.networks import layers as network_layers

PARAMS = {'classes': 3, 'batch_norm_momentum': 0.99, 'filters': (4, 8, 8, 16)}


def values_of(name, shape, random):
    """Return values that a layer might have, unlike the initial ones where these hide mistakes."""
    if name.endswith('kernel'):
        return random.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape)
    if name.endswith('gamma'):
        # A negative scale turns the order of the values round, and so what max pooling takes.
        return random.permutation(np.linspace(-1.5, 1.5, shape[0]))
    if name.endswith('moving_variance'):
        return random.uniform(0.5, 2, shape)
    return random.normal(0, 0.5, shape)


def evaluate(build, images):
    """Run a graph on random variables; return its output and the variables by name."""
    random = np.random.default_rng(1)
    with tf.Graph().as_default():
        output = build(tf.constant(images))
        variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
        values = {name: values_of(name, v.shape, random) for name, v in variables.items()}
        with tf.compat.v1.Session() as session:
            for name, variable in variables.items():
                variable.load(values[name], session)
            return session.run(output), values


class Layers:
    """The paper's layers by tf.keras, which take their variables in order."""

    def __init__(self, variables, scope=''):
        self.variables, self.scope, self.convolutions = variables, scope, 0

    def apply(self, layer, x, name, parts):
        layer.build(x.shape)
        layer.set_weights([self.variables[f'{self.scope}{name}/{part}'] for part in parts])
        return layer(x)

    def conv(self, x, filters):
        end = f'_{self.convolutions}' if self.convolutions else ''
        self.convolutions += 1
        keras = tf.keras.layers
        conv = keras.Conv2D(filters, 3, activation='relu')
        x = self.apply(conv, x, f'conv2d{end}', ['kernel', 'bias'])
        norm = keras.BatchNormalization(epsilon=0.001)
        parts = ['gamma', 'beta', 'moving_mean', 'moving_variance']
        return self.apply(norm, x, f'batch_normalization{end}', parts)

    def pool(self, x):
        return tf.keras.layers.MaxPooling2D(3, 2)(x)

    def fc1(self, x):
        dense = tf.keras.layers.Dense(1024, activation='relu')
        return self.apply(dense, tf.keras.layers.Flatten()(x), 'dense', ['kernel', 'bias'])


def sknet(layers, x):
    for filters in PARAMS['filters']:
        x = layers.pool(layers.conv(layers.conv(x, filters), filters))
    return layers.fc1(x)


def skresnet(layers, x):
    x = layers.conv(x, 64)
    for filters in (64, 128, 256):
        x = layers.pool(layers.conv(x, filters))
        for _ in range(2):
            padded = tf.keras.layers.ZeroPadding2D(2)(x)
            x = layers.conv(layers.conv(padded, filters), filters) + x
    return layers.fc1(layers.pool(layers.conv(x, 256)))


@pytest.mark.parametrize(
    ('features', 'reference', 'side'),
    [(n1_features, sknet, 91), (n2_features, skresnet, 63)],
)
def test_feature_vectors_are_those_of_the_layers_one_by_one(features, reference, side):
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 1), np.uint8)

    def build(tensor):
        mode = tf.estimator.ModeKeys.PREDICT
        return features.model_fn(tensor, None, mode, PARAMS).predictions['fc1']

    vectors, variables = evaluate(build, images)
    expected = reference(Layers(variables, 'ConvNet/'), images.astype(np.float32)).numpy()
    assert (expected > 0).mean() > 0.2  # or else little is compared
    np.testing.assert_allclose(vectors, expected, rtol=1e-3, atol=1e-5 * expected.max())


@pytest.mark.parametrize('poolings', [0, 1, 2])
def test_what_reads_a_folded_convolution_sees_its_values(poolings):
    images = np.random.default_rng(2).normal(size=(2, 19, 19, 3)).astype(np.float32)

    def build(tensor):
        x = network_layers.conv(tensor, 8, training=False, momentum=0.9)
        assert isinstance(x, folding.Folded)
        for _ in range(poolings):
            x = network_layers.pool(x)
        return folding.values(x), folding.values(network_layers.conv(x, 5, False, 0.9))

    outputs, variables = evaluate(build, images)
    layers = Layers(variables)
    x = layers.conv(images, 8)
    for _ in range(poolings):
        x = layers.pool(x)
    for got, wanted in zip(outputs, (x, layers.conv(x, 5))):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)

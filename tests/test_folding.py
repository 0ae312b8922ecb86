"""Batch normalisation folded into what reads it: the same function as the layers one by one.

Whole networks are compared with tf.keras in test_checkpoints.py.
"""

import numpy as np
import pytest

from sketch.backend.setup import tf
from sketch.networks import folding, layers


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


def one_by_one(x, values, end=''):
    """Return the output of a convolution, ReLU and batch normalisation."""
    kernel, bias, gamma, beta, mean, variance = (
        tf.constant(values[f'{name}{end}/{part}'], tf.float32)
        for name, parts in (
            ('conv2d', ('kernel', 'bias')),
            ('batch_normalization', ('gamma', 'beta', 'moving_mean', 'moving_variance')),
        )
        for part in parts
    )
    y = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, 'VALID') + bias)
    return tf.nn.batch_normalization(y, mean, variance, beta, gamma, 0.001)


@pytest.mark.parametrize('poolings', [0, 1, 2])
def test_what_reads_a_folded_convolution_sees_its_values(poolings):
    images = np.random.default_rng(2).normal(size=(2, 19, 19, 3)).astype(np.float32)

    def build(tensor):
        x = layers.conv(tensor, 8, training=False, momentum=0.9)
        assert isinstance(x, folding.Folded)
        for _ in range(poolings):
            x = layers.pool(x)
        return folding.values(x), folding.values(layers.conv(x, 5, False, 0.9))

    outputs, values = evaluate(build, images)
    x = one_by_one(images, values)
    for _ in range(poolings):
        x = tf.nn.max_pool2d(x, 3, 2, 'VALID')
    for got, wanted in zip(outputs, (x, one_by_one(x, values, '_1'))):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)

"""The networks: counts, shapes and names by the facts of the paper, in every mode."""

import importlib
import platform

import numpy as np
import pytest

import n1
import n2
from sketch.backend import processor
from sketch.backend.setup import tf
from sketch.networks import layers
from sketch.networks.registry import NETWORKS
from sketch.runs.settings import Default

KEYS = tf.estimator.ModeKeys
# Output side of every convolution and pooling layer at 128x128, from the layer tables of the paper.
SKNET_SIDES = [126, 124, 61, 59, 57, 28, 26, 24, 11, 9, 7, 3]
# A residual unit pads to side + 4, so its two convolutions give side + 2 and side.
SKRESNET_SIDES = [
    *(126, 124, 61, 63, 61, 63, 61),
    *(59, 29, 31, 29, 31, 29),
    *(27, 13, 15, 13, 15, 13),
    *(11, 5),
]


def params(**changes):
    common = {'classes': 100, 'learning_rate': 0.001}
    common['batch_norm_momentum'] = Default.batch_norm_momentum
    return {**common, 'filters': NETWORKS['n1'].widths, **changes}


def build(module, mode, size=128, batch=2, **changes):
    """Build a model in the current graph; return its EstimatorSpec."""
    images = tf.zeros((batch, size, size, 1), tf.uint8)
    labels = None if mode == KEYS.PREDICT else tf.zeros(batch, tf.int32)
    tf.compat.v1.train.get_or_create_global_step()
    return module.model_fn(images, labels, mode, params(**changes))


def trainable():
    return sum(int(np.prod(v.shape)) for v in tf.compat.v1.trainable_variables())


@pytest.mark.parametrize(
    ('module', 'filters', 'expected'),
    [
        (n1, (64, 64, 64, 64), 953_508),
        (n1, (64, 128, 128, 256), 3_904_548),
        (n2, None, 10_757_284),
    ],
)
def test_parameter_counts(module, filters, expected):
    with tf.Graph().as_default():
        build(module, KEYS.PREDICT, filters=filters)
        assert trainable() == expected


@pytest.mark.parametrize(('module', 'sides'), [(n1, SKNET_SIDES), (n2, SKRESNET_SIDES)])
def test_output_sides(module, sides):
    with tf.Graph().as_default() as graph:
        build(module, KEYS.PREDICT)
        found = [op for op in graph.get_operations() if op.type in ('Conv2D', 'MaxPool')]
        assert [op.outputs[0].shape[1] for op in found] == sides


@pytest.mark.parametrize('net', NETWORKS)
def test_the_record_of_a_network(net):
    network, module = NETWORKS[net], importlib.import_module(net)
    with tf.Graph().as_default():
        build(module, KEYS.PREDICT, size=network.smallest, filters=network.widths)
        names = [v.op.name for v in tf.compat.v1.global_variables()]
        assert sum('/conv2d' in name for name in names) == 2 * network.conv_layers
    with tf.Graph().as_default(), pytest.raises(ValueError, match='[Nn]egative|zero|must be'):
        build(module, KEYS.PREDICT, size=network.smallest - 1, filters=network.widths)
    assert len(network.colours) > 1


@pytest.mark.parametrize(('module', 'convs'), [(n1, 8), (n2, 17)])
def test_modes(module, convs):
    with tf.Graph().as_default():
        spec = build(module, KEYS.PREDICT)
        assert spec.predictions['logits'].shape.as_list() == [2, 100]
        assert spec.predictions['classes'].shape.as_list() == [2]
        assert spec.loss is None
        assert spec.train_op is None
    with tf.Graph().as_default():
        spec = build(module, KEYS.EVAL)
        assert set(spec.eval_metric_ops) == {'accuracy', 'images'}
        assert spec.loss.shape.as_list() == []
        assert not tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
    with tf.Graph().as_default() as graph:
        assert build(module, KEYS.TRAIN).train_op is not None
        updates = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS)
        assert len(updates) == 2 * convs
        norms = [op for op in graph.get_operations() if op.type == 'FusedBatchNormV3']
        assert len(norms) == convs
        assert {op.inputs[0].op.type for op in norms} == {'Relu'}
        assert [op.get_attr('epsilon') for op in norms] == pytest.approx([0.001] * convs)


def test_avx512_is_found(tmp_path):
    for flags, found in (('fpu avx2 avx512f avx512cd', True), ('fpu avx2 xavx512f', False)):
        (tmp_path / 'cpuinfo').write_text(f'processor\t: 0\nflags\t\t: {flags}\nbugs\t\t:\n')
        assert processor.has('avx512f', cpuinfo=tmp_path / 'cpuinfo') is found
    assert processor.has('avx512f', cpuinfo=tmp_path / 'absent') is False
    # NumPy asks the processor itself; its newer versions call the group of AVX-512 X86_V4.
    of_numpy = np.show_config(mode='dicts')['SIMD Extensions']
    if platform.system() == 'Linux' and platform.machine() == 'x86_64':
        assert processor.has('avx512f') == bool({'AVX512F', 'X86_V4'} & set(of_numpy['found']))


@pytest.mark.parametrize('avx512', [False, True])
@pytest.mark.parametrize('shape', [(3, 8, 8, 1), (2, 7, 9, 3), (1, 3, 3, 2), (5, 4, 11, 16)])
def test_gradients_of_a_convolution_are_tensorflows(monkeypatch, shape, avx512):
    monkeypatch.setattr(layers, 'AVX512', avx512)  # whether or not this machine has it
    random = np.random.default_rng(0)
    images = random.normal(size=shape).astype(np.float32)
    with tf.Graph().as_default() as graph:
        layers.conv(tf.constant(images), 6, training=True, momentum=0.9)
        (conv,) = (op for op in graph.get_operations() if op.type == 'Conv2D')
        outputs = conv.outputs[0]
        weights = random.normal(size=outputs.shape).astype(np.float32)
        ours = tf.gradients(tf.reduce_sum(outputs * weights), conv.inputs)
        of_tensorflow = any(op.type == 'Conv2DBackpropFilter' for op in graph.get_operations())
        # Where it is not, ours is compared; where it is, TensorFlow with itself.
        has_gpu = bool(tf.config.list_physical_devices('GPU'))
        assert of_tensorflow == (has_gpu or avx512 or shape[-1] == 1)
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            kernel, *ours = session.run([conv.inputs[1], *ours])
    exact = [tf.constant(value, tf.float64) for value in (images, kernel)]
    with tf.GradientTape() as tape:
        tape.watch(exact)
        loss = tf.reduce_sum(tf.nn.conv2d(*exact, 1, 'VALID') * weights)
    for got, wanted in zip(ours, tape.gradient(loss, exact)):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)


def test_two_steps_move_every_moving_mean_by_its_momentum():
    with tf.Graph().as_default():
        random = np.random.default_rng(0)
        images = tf.constant(random.integers(0, 256, (4, 91, 91, 1)), tf.uint8)
        tf.compat.v1.train.get_or_create_global_step()
        settings = params(classes=3, batch_norm_momentum=0.75)
        spec = n1.model_fn(images, tf.constant([0, 1, 2, 0]), KEYS.TRAIN, settings)
        graph = tf.compat.v1.get_default_graph()
        means = [v for v in tf.compat.v1.global_variables() if v.op.name.endswith('moving_mean')]
        norms = [op for op in graph.get_operations() if op.type == 'FusedBatchNormV3']
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            expected = [np.zeros(v.shape) for v in means]
            for _ in range(2):
                batch, _ = session.run(([op.outputs[1] for op in norms], spec.train_op))
                expected = [0.75 * e + 0.25 * b for e, b in zip(expected, batch)]
            for moved, wanted in zip(session.run(means), expected):
                assert np.abs(moved).max() > 0
                np.testing.assert_allclose(moved, wanted, rtol=1e-3, atol=1e-4)


def test_the_default_momentum_is_that_of_two_updates_a_step():
    """The published code updates twice per step with 0.99: ours is that in one update."""
    random = np.random.default_rng(0)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.constant(random.uniform(1, 2, (4, 9, 9, 3)), tf.float32)
        for reuse in (False, True):
            tf.compat.v1.layers.batch_normalization(
                x, momentum=0.99, training=True, name='normalised', reuse=reuse
            )
        (mean,) = (v for v in tf.compat.v1.global_variables() if 'moving_mean' in v.op.name)
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.UPDATE_OPS))
        left = 1 - session.run(mean / tf.reduce_mean(x, (0, 1, 2)))
    np.testing.assert_allclose(left, Default.batch_norm_momentum, atol=1e-3)

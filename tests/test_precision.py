"""train.py --precision mixed."""

import json
import re

import numpy as np
import pytest
from conftest import NARROW, options, variables

import load
import n1
import train
from sketch.backend import processor
from sketch.backend.setup import tf
from sketch.errors import InputError
from sketch.networks.registry import MIXED_BFLOAT16, MIXED_FLOAT16
from sketch.runs.settings import Settings
from sketch.training import precision

MIXED = 'checkpoints_n1_filters2-2-2-2_batch8_deterministic_mixed_2e'
NO_GPU = not tf.config.list_physical_devices('GPU')
needs_bfloat16 = pytest.mark.skipif(
    not (NO_GPU and processor.has('avx512_bf16', 'amx_bf16')),
    reason='needs a processor with AVX512_BF16 or AMX, and no GPU',
)


@pytest.fixture
def run(small_dataset, tmp_path):
    """Return a function that trains into tmp_path with a precision and gives the rows."""

    def call(wanted, *more):
        flags = [*NARROW, '--deterministic', '--epochs', 2, '--precision', wanted, *more]
        return train.main(options(small_dataset, tmp_path, *flags))

    return call


@pytest.mark.skipif(not NO_GPU, reason='a GPU is there')
def test_refused_without_16_bit_instructions(run, monkeypatch, tmp_path):
    monkeypatch.setattr(processor, 'has', lambda *features: False)
    with pytest.raises(InputError, match='mixed precision needs a GPU, or a processor with'):
        run('mixed')
    assert not list(tmp_path.iterdir())


def test_a_gpu_has_float16(monkeypatch):
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: [kind])
    assert precision.of_this_machine('mixed') == MIXED_FLOAT16
    assert precision.of_this_machine('float32') == 'float32'
    options = precision.session_config(MIXED_FLOAT16).graph_options.rewrite_options
    assert options.auto_mixed_precision == options.ON
    assert options.auto_mixed_precision_onednn_bfloat16 != options.ON


@needs_bfloat16
def test_bfloat16_trains_what_float32_evaluates(run, small_dataset, tmp_path):
    rows = run('mixed')
    folder = tmp_path / MIXED
    assert {row['run'] for row in rows} == {MIXED}
    assert json.loads((folder / 'settings.json').read_text())['precision'] == MIXED_BFLOAT16
    run('float32')
    mixed, plain = (variables(tmp_path / name) for name in (MIXED, MIXED.replace('_mixed', '')))
    assert {value.dtype for value in mixed.values()} <= {np.dtype(np.float32), np.dtype(np.int64)}
    assert mixed.keys() == plain.keys()
    kernel = 'ConvNet/conv2d_1/kernel'
    assert not np.array_equal(mixed[kernel], plain[kernel])  # 16 bits were there
    np.testing.assert_allclose(mixed[kernel], plain[kernel], atol=0.02)

    data = ['--data', str(small_dataset.folder), '--results', str(tmp_path / 'again.csv')]
    again = load.main([*data, str(folder)])
    assert [row['value'] for row in again] == [row['value'] for row in rows]


@needs_bfloat16
def test_bfloat16_is_not_continued_in_float16(run, monkeypatch):
    run('mixed', '--epochs', '0')
    monkeypatch.setattr(precision, 'of_this_machine', lambda wanted: MIXED_FLOAT16)
    with pytest.raises(InputError, match='trained with precision mixed_bfloat16 not mixed_float16'):
        run('mixed', '--epochs', '0')


def test_loss_scaling_leaves_the_updates_as_they_are():
    """On a processor the rewriter leaves float32; only the loss is scaled."""
    images = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 1), np.uint8)
    plain, scaled = (_two_steps(images, name) for name in ('float32', MIXED_FLOAT16))
    assert plain.keys() < scaled.keys()  # the scale is a variable, too
    for name, value in plain.items():
        np.testing.assert_allclose(scaled[name], value, atol=1e-5, err_msg=name)


def test_a_step_that_the_loss_scale_skips_is_none(small_dataset, tmp_path, monkeypatch, capsys):
    """The first gradients overflow: the scale falls, and the updates are not applied."""
    mixed = tf.compat.v1.mixed_precision
    scaled, scale = mixed.MixedPrecisionLossScaleOptimizer, mixed.DynamicLossScale

    class Skipping(scaled):
        def __init__(self, optimizer, _):
            super().__init__(optimizer, scale(initial_loss_scale=2.0**126, multiplier=1.2))

    monkeypatch.setattr(mixed, 'MixedPrecisionLossScaleOptimizer', Skipping)
    monkeypatch.setattr(precision, 'of_this_machine', lambda wanted: MIXED_FLOAT16)
    flags = [*NARROW, '--epochs', 2, '--precision', 'mixed', '--measure', 'test']
    train.main(options(small_dataset, tmp_path, *flags))
    steps = re.findall(r'step (\d+) of 6', capsys.readouterr().out)
    assert steps == ['3', '6']


def _two_steps(images, name):
    """Return {variable: value} after two steps of a small skNet."""
    settings = Settings('n1', (2, 2, 2, 2), 2, epochs=0, precision=name)
    with tf.Graph().as_default():
        tf.compat.v1.set_random_seed(0)
        tf.compat.v1.train.get_or_create_global_step()
        kernels = tf.keras.initializers.RandomUniform(-0.1, 0.1, seed=0)
        with tf.compat.v1.variable_scope('', initializer=kernels):
            labels = tf.constant([0, 1, 0, 1])
            spec = n1.model_fn(tf.constant(images), labels, 'train', settings.params)
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            for _ in range(2):
                session.run(spec.train_op)
            variables = tf.compat.v1.global_variables()
            return dict(zip([v.op.name for v in variables], session.run(variables)))

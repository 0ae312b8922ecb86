"""Re-estimated statistics: those of the training images, and nothing else changed."""

import numpy as np
import pytest

import checkpoints
import reestimate
import results
import train
from tensorflow_setup import tf

NAME = 'checkpoints_n1_filters2-2-2-2_batch8'


@pytest.fixture
def place(small_dataset, tmp_path):
    """The common options of the scripts, after a short training."""
    place = ['--data', str(small_dataset.folder), '--checkpoints', str(tmp_path)]
    table = ['--results', str(tmp_path / 'results.csv')]
    narrow = ['--net', 'n1', '--filters', '2', '2', '2', '2', '--batch-size', '8']
    train.main([*place, *table, *narrow, '--epochs', '1', '--measure', 'test'])
    return place


def variables(folder):
    reader = tf.train.load_checkpoint(checkpoints.latest(folder))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_statistics_are_those_of_the_training_images(place, small_dataset, tmp_path):
    reestimate.main(place)
    before, after = (variables(tmp_path / f'{NAME}{mark}_1e') for mark in ('', '_reestimated'))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {name for name in before if name.endswith(reestimate.STATISTICS)}
    # All 24 images are one batch, so the first layer's are plain moments.
    paths = small_dataset.train.paths
    images = tf.stack([tf.io.decode_png(tf.io.read_file(path), channels=1) for path in paths])
    kernel, bias = (before[f'ConvNet/conv2d/{part}'] for part in ('kernel', 'bias'))
    outputs = tf.nn.relu(tf.nn.conv2d(tf.cast(images, tf.float32), kernel, 1, 'VALID') + bias)
    exact = outputs.numpy().astype(np.float64)
    mean, variance = exact.mean(axis=(0, 1, 2)), exact.var(axis=(0, 1, 2))
    norm = 'ConvNet/batch_normalization/'
    np.testing.assert_allclose(after[norm + 'moving_mean'], mean, rtol=1e-3)
    np.testing.assert_allclose(after[norm + 'moving_variance'], variance, rtol=1e-3)


def test_the_other_scripts_take_it(place, run_script, tmp_path):
    reestimate.main(place)
    reestimate.main(place)  # again; what is re-estimated is not taken a second time
    table = ['--results', tmp_path / 'results.csv']
    for script, options in (('load.py', []), ('mAP.py', ['--k', 'all'])):
        ended = run_script(script, *place, *table, *options)
        assert ended.returncode == 0, ended.stderr
    runs = {(row['run'], row['metric']) for row in results.read(tmp_path / 'results.csv')}
    assert (f'{NAME}_reestimated_1e', 'accuracy') in runs
    assert (f'{NAME}_reestimated_1e', 'mAP') in runs


def test_only_as_train_leaves_it(place, refused, tmp_path):
    reestimate.main(place)
    folder = tmp_path / f'{NAME}_reestimated_1e'
    refused('reestimate.py', *place, folder, words=[folder, 'as train.py leaves it'])

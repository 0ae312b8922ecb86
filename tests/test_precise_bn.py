"""Precise batch norm: statistics of the training images; the weights do not change."""

import shutil

import numpy as np
import pytest
from conftest import NARROW_NAME as NAME
from conftest import variables

import load
import mAP
from sketch.backend.setup import tf
from sketch.data.input_pipeline import epoch_order
from sketch.reporting import results
from sketch.training.precise_bn import STATISTICS
from tools import precise_bn, publish


@pytest.fixture
def place(trained, small_dataset, tmp_path):
    """The common options of the scripts, after a short training."""
    trained(tmp_path, 1)
    return ['--data', str(small_dataset.folder), '--checkpoints', str(tmp_path)]


def test_statistics_are_means_over_batches_of_training_images(
    place, small_dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr('sketch.training.precise_bn.EVALUATION_BATCH', 8)
    precise_bn.main(place)
    before, after = (variables(tmp_path / f'{NAME}{mark}_1e') for mark in ('', '_precise-bn'))
    optimizers = {name for name in before if 'Adam' in name or name.startswith('beta')}
    assert before.keys() - after.keys() == optimizers
    changed = {name for name in after if not np.array_equal(before[name], after[name])}
    assert changed == {name for name in before if name.endswith(STATISTICS)}
    # The first layer's, whose inputs are the images: the moments of each of three batches.
    paths = small_dataset.train.paths
    images = tf.stack([tf.io.decode_png(tf.io.read_file(path), channels=1) for path in paths])
    kernel, bias = (before[f'ConvNet/conv2d/{part}'] for part in ('kernel', 'bias'))
    outputs = tf.nn.relu(tf.nn.conv2d(tf.cast(images, tf.float32), kernel, 1, 'VALID') + bias)
    exact = outputs.numpy().astype(np.float64)
    batches = np.split(exact[epoch_order(24, 0, 0)], 3)
    mean = np.mean([batch.mean(axis=(0, 1, 2)) for batch in batches], axis=0)
    variance = np.mean([batch.var(axis=(0, 1, 2)) for batch in batches], axis=0)
    last = batches[2].var(axis=(0, 1, 2))
    assert np.abs(variance / last - 1).max() > 2e-3  # one batch alone is something else
    norm = 'ConvNet/batch_normalization/'
    np.testing.assert_allclose(after[norm + 'moving_mean'], mean, rtol=1e-3)
    np.testing.assert_allclose(after[norm + 'moving_variance'], variance, rtol=1e-3)


def test_a_published_network_has_them_recomputed(place, tmp_path):
    published = tmp_path / 'published'
    publish.main([str(tmp_path / f'{NAME}_1e'), '--out', str(published)])
    (folder,) = precise_bn.main([*place[:2], str(published)])
    assert variables(folder).keys() == variables(published).keys()


def test_the_number_of_images(place, tmp_path, monkeypatch):
    monkeypatch.setattr('sketch.training.precise_bn.EVALUATION_BATCH', 8)
    found = []
    for images in ('8', '1000'):
        (folder,) = precise_bn.main([*place, '--images', images])
        found.append(variables(folder)['ConvNet/batch_normalization/moving_mean'])
        shutil.rmtree(folder)
    assert np.abs(found[0] / found[1] - 1).max() > 1e-3


def test_no_more_images_are_told_than_there_are(place, monkeypatch, capsys):
    for batch, told in ((8, '8\n'), (16, '16, 8 of them twice\n')):
        monkeypatch.setattr('sketch.training.precise_bn.EVALUATION_BATCH', batch)
        precise_bn.main(place)
        assert f'statistics of 24 training images in batches of {told}' in capsys.readouterr().out


def test_the_other_scripts_take_it(place, refused, tmp_path):
    precise_bn.main(place)
    precise_bn.main(place)  # again: folders with precise statistics are skipped
    precise = tmp_path / f'{NAME}_precise-bn_1e'
    refused('tools.precise_bn', *place, precise, words=[precise, 'not a checkpoint of train.py'])
    table = ['--results', str(tmp_path / 'results.csv')]
    load.main([*place, *table])
    mAP.main([*place, *table, '--k', 'all'])
    rows = results.read(tmp_path / 'results.csv')
    assert {'accuracy', 'mAP'} <= {row['metric'] for row in rows if row['run'] == precise.name}


def test_not_on_other_images(place, refused, make_dataset, tmp_path):
    make_dataset(tmp_path / 'other', seed=1)
    words = [tmp_path / f'{NAME}_1e', 'other', 'data set of its']
    refused('tools.precise_bn', *place, '--data', tmp_path / 'other', words=words)
    assert not (tmp_path / f'{NAME}_precise-bn_1e').exists()

"""Checkpoints: names, settings, corruption, and checkpoints that other code has written."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from conftest import save_variables
from sklearn.metrics import average_precision_score

import load
import mAP
from sketch.backend.setup import tf
from sketch.data.dataset import open_dataset
from sketch.data.input_pipeline import evaluation_input_fn
from sketch.errors import InputError
from sketch.evaluation import accuracy, retrieval
from sketch.evaluation.features import feature_vectors
from sketch.metrics.average_precision import DEFINITIONS
from sketch.networks.registry import NETWORKS
from sketch.reporting import results
from sketch.runs import checkpoints

CLASSES, STEP = 3, 12


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


def skip_units(net):
    """Layers in order: (channels out) of conv, 'pool', or two-conv residual units ('unit', c)."""
    if net == 'n1':
        return [8, 8, 'pool', 12, 12, 'pool', 8, 8, 'pool', 10, 10, 'pool']
    blocks = []
    for channels in (64, 128, 256):
        blocks += [channels, 'pool', ('unit', channels), ('unit', channels)]
    return [64, *blocks, 256, 'pool']


class Reference:
    """The network in tf.keras, and its weights as the author's TensorFlow 1 would name them."""

    def __init__(self, net, size, seed):
        self.random = np.random.default_rng(seed)
        self.variables = {'global_step': np.int64(STEP)}
        self.convs = 0
        x = image = tf.keras.Input((size, size, 1))
        for layer in skip_units(net):
            if layer == 'pool':
                x = tf.keras.layers.MaxPool2D(3, 2)(x)
            elif isinstance(layer, tuple):
                y = tf.keras.layers.ZeroPadding2D(2)(x)
                y = self.conv(self.conv(y, layer[1]), layer[1])
                x = tf.keras.layers.Add()([x, y])
            else:
                x = self.conv(x, layer)
        x = tf.keras.layers.Flatten()(x)
        fc1 = self.layer(tf.keras.layers.Dense(1024, 'relu'), x, 'dense', ('kernel', 'bias'))
        logits = self.layer(tf.keras.layers.Dense(CLASSES), fc1, 'dense_1', ('kernel', 'bias'))
        self.model = tf.keras.Model(image, [fc1, logits])

    def conv(self, x, channels):
        suffix = f'_{self.convs}' if self.convs else ''
        self.convs += 1
        convolution = tf.keras.layers.Conv2D(channels, 3, activation='relu')
        x = self.layer(convolution, x, f'conv2d{suffix}', ('kernel', 'bias'))
        norm = tf.keras.layers.BatchNormalization(epsilon=0.001)
        parts = ('gamma', 'beta', 'moving_mean', 'moving_variance')
        return self.layer(norm, x, f'batch_normalization{suffix}', parts)

    def layer(self, layer, x, name, parts):
        y = layer(x)
        shapes = [old.shape for old in layer.get_weights()]
        values = [values_of(part, shape, self.random) for part, shape in zip(parts, shapes)]
        values = [value.astype(np.float32) for value in values]
        self.variables.update(zip((f'ConvNet/{name}/{part}' for part in parts), values))
        layer.set_weights(values)
        return y


@pytest.fixture(scope='module', params=['n1', 'n2'])
def foreign(request, small_dataset, tmp_path_factory):
    """A checkpoint folder without settings, and fc1 and logits of the test images by tf.keras."""
    net = request.param
    tf.keras.utils.set_random_seed(1)
    reference = Reference(net, small_dataset.size, seed=1)
    folder = tmp_path_factory.mktemp('author') / f'checkpoints_{net}_7e'
    folder.mkdir()
    save_variables(folder, reference.variables, STEP)
    images = np.concatenate(
        [batch for batch, _ in evaluation_input_fn(small_dataset.test, 96)().as_numpy_iterator()]
    )
    fc1, logits = reference.model.predict(images.astype(np.float32), verbose=0)
    return net, folder, fc1, logits


def test_foreign_checkpoint_is_recognised_and_gives_the_logits_of_keras(foreign, small_dataset):
    net, folder, fc1, logits = foreign
    opened = checkpoints.open_checkpoint(folder, small_dataset)
    assert (opened.settings.net, opened.step, opened.settings.classes) == (net, 12, CLASSES)
    assert opened.settings.filters == ((8, 12, 8, 10) if net == 'n1' else ())
    assert opened.settings.epochs == 7
    estimator = tf.estimator.Estimator(
        opened.settings.network.model_fn, str(folder), params=opened.settings.params
    )
    predicted = estimator.predict(evaluation_input_fn(small_dataset.test, 96))
    ours = np.stack([prediction['logits'] for prediction in predicted])
    scale = np.abs(logits).max()
    np.testing.assert_allclose(ours / scale, logits / scale, atol=1e-4)
    vectors = feature_vectors(opened, small_dataset.test, 96).vectors
    assert (fc1 > 0).mean() > 0.2  # or else little is compared
    np.testing.assert_allclose(vectors, fc1, rtol=1e-3, atol=1e-5 * fc1.max())


def test_foreign_checkpoint_through_the_scripts(foreign, small_dataset, tmp_path, capsys):
    net, folder, fc1, logits = foreign
    before = {path.name for path in folder.iterdir()}
    arguments = ['--data', str(small_dataset.folder), '--results', str(tmp_path / 'results.csv')]
    load.main([*arguments, str(folder)])
    assert 'unknown' in capsys.readouterr().out
    mAP.main([*arguments, '--k', 'all', '3', str(folder)])
    rows = results.read(tmp_path / 'results.csv')
    labels = small_dataset.test.labels
    accuracy = {row['split']: float(row['value']) for row in rows if row['metric'] == 'accuracy'}
    assert set(accuracy) == {'train', 'test'}
    assert accuracy['test'] == np.mean(logits.argmax(axis=1) == labels)
    expected = []
    for query in range(len(labels)):
        others = np.arange(len(labels)) != query
        distances = np.linalg.norm(fc1[others] - fc1[query], axis=1)
        expected.append(average_precision_score(labels[others] == labels[query], -distances))
    values = {(row['definition'], row['k']): float(row['value']) for row in rows if row['k']}
    assert set(values) == {(definition, k) for definition in DEFINITIONS for k in ('3', '11')}
    assert values['standard', '11'] == pytest.approx(np.mean(expected), abs=1e-4)
    assert {(row['net'], row['epochs'], row['step']) for row in rows} == {(net, '7', '12')}
    assert {path.name for path in folder.iterdir()} - before <= {'fc1_test.npz'}


def test_labels_are_matched_by_category_name(foreign, small_dataset, tmp_path):
    _, folder, _, logits = foreign
    data = shutil.copytree(small_dataset.folder, tmp_path / 'data')
    path = data / 'conversion_labels.json'
    path.write_text(json.dumps({n: 2 - label for n, label in json.loads(path.read_text()).items()}))
    reversed_labels = open_dataset(data)
    assert reversed_labels.digest != small_dataset.digest
    opened = checkpoints.open_checkpoint(folder, small_dataset)
    known = dataclasses.replace(opened.settings, categories=small_dataset.categories)
    known = opened._replace(settings=known)
    expected = np.mean(logits.argmax(axis=1) == small_dataset.test.labels)
    for dataset in (small_dataset, reversed_labels):
        (measured,) = accuracy.evaluate(known, dataset, ['test'])
        assert measured.rows[0]['value'] == expected
    renamed = dataclasses.replace(small_dataset, categories=('a', 'b', 'c'))
    (none,) = accuracy.evaluate(known, renamed, ['test'])
    assert not none.rows
    assert 'no accuracy: the network was trained on other categories' in none.text


def test_variables_that_do_not_fit_are_named(small_dataset, tmp_path, refused):
    common, values = ['--data', small_dataset.folder], Reference('n1', 96, seed=1).variables
    without_step = {name: value for name, value in values.items() if name != 'global_step'}
    save_variables(tmp_path, without_step, STEP)
    refused('load.py', *common, tmp_path, words=['global_step is missing', 'has int64 []'])
    bias, kernel = 'ConvNet/dense_1/bias', 'ConvNet/conv2d_3/kernel'
    save_variables(tmp_path, {**values, bias: np.zeros(3)}, STEP)
    words = [f'{bias} is float64 [3]', 'has float32 [3]']
    refused('load.py', *common, tmp_path, words=words)
    values[kernel][0, 0, 0, 0] = np.nan
    save_variables(tmp_path, values, STEP)
    for script in ('load.py', 'mAP.py', 'tools.precise_bn'):
        refused(script, *common, tmp_path, words=[kernel, 'NaN'])
    query = ['--checkpoint', tmp_path, '--examples', 'best']
    refused('search.py', *common, *query, words=[kernel, 'NaN'])


def test_features_need_no_classes(foreign, small_dataset, capsys):
    _, folder, _, _ = foreign
    four = dataclasses.replace(small_dataset, categories=(*small_dataset.categories, 'd'))
    opened = checkpoints.open_checkpoint(folder, four)
    reason = f'the network has 3 classes, but {four.folder} has 4 categories'
    (told,) = accuracy.evaluate(opened, four, ['test'])
    assert (told.rows, told.text) == ([], f'{folder}: no accuracy: {reason}')
    capsys.readouterr()
    orders = [found.variant for found in retrieval.evaluate(opened, four, [3], rerank=True)]
    assert orders == [retrieval.FC1]
    assert capsys.readouterr().out == f'{folder}: no reranking: {reason}\n'


def test_what_does_not_fit_is_refused(foreign, small_dataset, tmp_path):
    _, folder, _, _ = foreign
    folder = shutil.copytree(folder, tmp_path / folder.name)
    # A state file of another machine does not matter.
    (folder / 'checkpoint').write_text('model_checkpoint_path: "/elsewhere/model.ckpt-12"\n')
    larger = dataclasses.replace(small_dataset, size=160)
    with pytest.raises(InputError, match=r'dense/kernel is .* on images of 160x160 has'):
        checkpoints.open_checkpoint(folder, larger)
    small = dataclasses.replace(small_dataset, size=60)
    with pytest.raises(InputError, match='takes'):
        checkpoints.open_checkpoint(folder, small)


def test_no_checkpoint(refused, small_dataset, tmp_path):
    data = ('--data', small_dataset.folder)
    empty = tmp_path / 'checkpoints_n1_1e'
    empty.mkdir()
    for script in ('load.py', 'mAP.py'):
        refused(script, *data, tmp_path / 'none', words=[tmp_path / 'none', 'no such folder'])
        refused(script, *data, empty, words=[empty, 'no checkpoint'])
        refused(script, *data, '--checkpoints', tmp_path, words=[tmp_path, 'train.py'])
    refused('mAP.py', *data, '--k', tmp_path, words=['--k'])


def test_neither_network(small_dataset, tmp_path):
    save_variables(tmp_path, {'ConvNet/conv2d/kernel': np.zeros((3, 3, 1, 4))}, 1)
    with pytest.raises(InputError, match='neither skNet nor skResNet'):
        checkpoints.open_checkpoint(tmp_path, small_dataset)


def test_two_networks_of_as_many_convolutions(foreign, small_dataset, monkeypatch):
    net, folder, _, _ = foreign
    monkeypatch.setitem(NETWORKS, 'n3', NETWORKS[net]._replace(title='tinyNet'))
    with pytest.raises(InputError, match=f'{NETWORKS[net].title} or tinyNet.*settings.json'):
        checkpoints.open_checkpoint(folder, small_dataset)

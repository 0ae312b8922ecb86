"""A network that stays loaded: like Estimator, restored once, shared by threads, closable."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import options, save_variables, variables

import n2
import train
from sketch.backend.setup import tf
from sketch.data.image_file import read_image
from sketch.errors import InputError
from sketch.evaluation import loaded_network
from sketch.evaluation.features import feature_vectors
from sketch.evaluation.loaded_network import LoadedNetwork
from sketch.evaluation.search_index import SearchIndex
from sketch.networks.registry import NETWORKS
from sketch.runs.checkpoints import open_checkpoint

SIDE = 96


@pytest.fixture(scope='module', params=['n1', 'n2'])
def folder(request, small_dataset, tmp_path_factory):
    """The checkpoint folder of a narrow network after two epochs, with an embedding."""
    root = tmp_path_factory.mktemp('loaded')
    network = ['--net', request.param, *(['--filters', *'4444'] if request.param == 'n1' else [])]
    loss = ['--loss', 'triplet-and-cross-entropy', '--images-per-class', 4, '--batch-size', 8]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(n2, 'FILTERS', (4, 6, 8))
        train.main(options(small_dataset, root, *network, *loss, '--epochs', 2))
        yield next(root.glob('checkpoints_*'))


@pytest.fixture(scope='module')
def images(small_dataset):
    return np.stack([read_image(path) for path in small_dataset.test.paths])


@pytest.fixture(scope='module')
def checkpoint(folder, small_dataset):
    return open_checkpoint(folder, small_dataset)


@pytest.fixture(scope='module')
def network(checkpoint):
    with LoadedNetwork(checkpoint, SIDE) as network:
        yield network


@pytest.fixture(scope='module')
def estimated(checkpoint, small_dataset):
    """fc1 of the test images by Estimator."""
    vectors = feature_vectors(checkpoint, small_dataset.test, SIDE).vectors
    assert (vectors > 0).mean() > 0.1  # or else little is compared
    return vectors


def assert_close(found, expected):
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_fc1_is_that_of_estimator(network, estimated, images, monkeypatch):
    assert_close(network.fc1(images), estimated)
    for image, vector in zip(images, estimated):
        assert_close(network.fc1(image[np.newaxis]), vector[np.newaxis])
    monkeypatch.setattr(loaded_network, 'EVALUATION_BATCH', 5)
    assert_close(network.fc1(images), estimated)


def test_classes_and_embedding_are_those_of_the_training_network(network, checkpoint, images):
    settings = checkpoint.settings

    def input_fn():
        return tf.data.Dataset.from_tensors(images[..., np.newaxis])

    estimator = tf.estimator.Estimator(
        settings.network.model_fn, str(checkpoint.folder), params=settings.params
    )
    logits = np.stack([row['logits'] for row in estimator.predict(input_fn)])
    weights = np.exp(logits.astype(np.float64) - logits.max())
    fc1 = network.fc1(images)
    assert_close(
        network.outputs.class_probabilities(fc1), weights / weights.sum(axis=1, keepdims=True)
    )
    embedded = fc1.astype(np.float64) @ variables(checkpoint.folder)['ConvNet/embedding/kernel']
    embedding = network.outputs.embedding(fc1)
    assert_close(embedding, embedded / np.linalg.norm(embedded, axis=1, keepdims=True))
    assert embedding.shape == (len(images), settings.embedding_size)


def test_checkpoint_and_images_are_read_once(folder, small_dataset, images, tmp_path, monkeypatch):
    copy = shutil.copytree(folder, tmp_path / folder.name)
    with SearchIndex(small_dataset, copy, 'euclidean') as index:
        shutil.rmtree(copy)
        for image in images[:3]:
            query = index.query_of(image, '')
            ((name, _),) = index.predict(query.fc1[np.newaxis])
            assert name in small_dataset.categories
            assert len(index.search(query.vector, 12)[0]) == 12
        monkeypatch.setattr(index.network, 'fc1', None)
        query = index.query(index.key_ids[7])
        assert query.index == 7
        np.testing.assert_array_equal(query.vector, index.vectors[7])
        np.testing.assert_array_equal(query.fc1, index.fc1[7])


def test_threads_share_it(checkpoint, estimated, images):
    with LoadedNetwork(checkpoint, SIDE) as network, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda image: network.fc1(image[np.newaxis])[0], [*images] * 8))
    assert_close(np.array(answers), np.tile(estimated, (8, 1)))
    with pytest.raises(RuntimeError, match='closed'):  # it ends with its block
        network.fc1(images)


def test_features_that_are_not_finite_are_refused(
    folder, checkpoint, small_dataset, images, tmp_path
):
    copy = shutil.copytree(folder, tmp_path / folder.name)
    values = variables(copy)
    last = NETWORKS[checkpoint.settings.net].conv_layers - 1
    # Finite, but fc1 is the sum of more than 3 of them.
    values[f'ConvNet/batch_normalization_{last}/beta'][:] = 1e38
    values['ConvNet/dense/kernel'][:] = 1
    save_variables(copy, values, int(values['global_step']))
    opened = open_checkpoint(copy, small_dataset)
    refused = pytest.raises(InputError, match='feature vectors contain NaN or infinity')
    with LoadedNetwork(opened, SIDE) as network, refused:
        network.fc1(images)

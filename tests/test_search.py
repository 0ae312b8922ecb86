"""Feature vectors kept beside a checkpoint, queries from files and key_ids, examples, reports."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

import mAP
import search
import train
from sketch.backend.setup import tf
from sketch.data.dataset import open_dataset
from sketch.evaluation import features
from sketch.runs import checkpoints


@pytest.fixture(scope='module')
def folder(trained, tmp_path_factory):
    """A checkpoint folder of a narrow skNet with random weights."""
    return trained(tmp_path_factory.mktemp('search'), 0)


def key_ids(dataset):
    return [path.stem for path in sorted((dataset.folder / 'testing').rglob('*.png'))]


def test_the_file_beside_a_checkpoint(folder, small_dataset, monkeypatch):
    checkpoint = checkpoints.open_checkpoint(folder, small_dataset)
    first = features.feature_vectors(checkpoint, small_dataset.test, 96)
    assert first.vectors.shape == (12, 1024)
    assert sorted(first.key_ids) == sorted(key_ids(small_dataset))
    calls = []
    real = features.evaluation_input_fn
    monkeypatch.setattr(
        features, 'evaluation_input_fn', lambda *arguments: calls.append(1) or real(*arguments)
    )
    again = features.feature_vectors(checkpoint, small_dataset.test, 96)
    assert not calls
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    (folder / 'fc1_test.npz').write_bytes(b'PK corrupt')
    again = features.feature_vectors(checkpoint, small_dataset.test, 96)
    assert calls == [1]
    np.testing.assert_allclose(again.vectors, first.vectors, rtol=1e-5)


@pytest.mark.parametrize('change', ['image', 'weights'])
def test_it_is_computed_again_when_something_changed(trained, small_dataset, tmp_path, change):
    data = shutil.copytree(small_dataset.folder, tmp_path / 'data')
    folder, dataset = trained(tmp_path, 0), open_dataset(data)
    features.feature_vectors(checkpoints.open_checkpoint(folder, dataset), dataset.test, 96)
    kept = (folder / 'fc1_test.npz').read_bytes()
    if change == 'image':
        first = next((data / 'testing').rglob('*.png'))
        Image.new('L', (96, 96), 255).save(first)
    else:
        for path in folder.glob('model.ckpt*'):
            path.unlink()
        for path in trained(tmp_path / 'other', 1).glob('model.ckpt*'):
            shutil.copy(path, folder / path.name.replace('-3.', '-0.'))
    features.feature_vectors(checkpoints.open_checkpoint(folder, dataset), dataset.test, 96)
    assert (folder / 'fc1_test.npz').read_bytes() != kept


@pytest.fixture
def searched(folder, small_dataset, tmp_path, capsys):
    """Return a function that searches and gives (category, key_id, distance) of each answer."""

    def search_for(*arguments, checkpoint=folder):
        place = ['--data', small_dataset.folder, '--checkpoint', checkpoint]
        place += ['--out', tmp_path / 'answers.png']
        search.main([str(argument) for argument in [*place, *arguments]])
        lines = capsys.readouterr().out.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith('rank')) + 1
        rows = [line.split() for line in lines[start:] if line[:4].strip().isdigit()]
        return [(' '.join(row[1:-2]), row[-2], float(row[-1])) for row in rows]

    return search_for


@pytest.mark.parametrize('distance', ['euclidean', 'cosine'])
def test_a_key_id_finds_the_others_nearest_first(
    folder, small_dataset, tmp_path, searched, distance
):
    checkpoint = checkpoints.open_checkpoint(folder, small_dataset)
    vectors, labels, names = features.feature_vectors(checkpoint, small_dataset.test, 96)
    vectors = vectors.astype(np.float64)
    found = searched(names[5], '--distance', distance)
    if distance == 'euclidean':
        expected = np.linalg.norm(vectors - vectors[5], axis=1)
    else:
        # 1 - cosine, from differences: an untrained network's vectors are all nearly parallel.
        directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        expected = ((directions - directions[5]) ** 2).sum(axis=1) / 2
    order = [i for i in np.argsort(expected, kind='stable') if i != 5][:10]
    assert [key_id for _, key_id, _ in found] == [names[i] for i in order]
    assert [name for name, _, _ in found] == [small_dataset.categories[labels[i]] for i in order]
    np.testing.assert_allclose([d for *_, d in found], expected[order], rtol=1e-4)
    with Image.open(tmp_path / 'answers.png') as picture:
        assert picture.width > 10 * 96


def test_images_of_the_data_set_as_queries(small_dataset, searched):
    test, training = (
        sorted((small_dataset.folder / part).rglob('*.png'))[3] for part in ('testing', 'training')
    )
    ((_, key_id, distance),) = searched(test, '--top', 1)
    assert key_id == test.stem
    assert distance < 1e-3
    found = [key_id for _, key_id, _ in searched(training.stem, '--top', 20)]
    assert sorted(found) == sorted(key_ids(small_dataset))  # the query is not among them


def test_the_embedding_of_a_triplet_loss_is_compared(small_dataset, tmp_path, searched):
    place = ['--data', small_dataset.folder, '--checkpoints', tmp_path, '--net', 'n1']
    place += ['--results', tmp_path / 'results.csv', '--filters', *'2222', '--epochs', '0']
    train.main([str(argument) for argument in [*place, '--loss', 'triplet', '--batch-size', '12']])
    (folder,) = tmp_path.glob('checkpoints_*')
    checkpoint = checkpoints.open_checkpoint(folder, small_dataset)
    vectors, _, names = features.feature_vectors(checkpoint, small_dataset.test, 96)
    embedded = vectors @ tf.train.load_variable(checkpoint.prefix, 'ConvNet/embedding/kernel')
    embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
    expected = np.sort(np.linalg.norm(embedded - embedded[5], axis=1))
    (path,) = (small_dataset.folder / 'testing').rglob(f'{names[5]}.png')
    for query, nearest in ((names[5], expected[1:11]), (path, expected[:10])):
        found = [distance for *_, distance in searched(query, checkpoint=folder)]
        np.testing.assert_allclose(found, nearest, rtol=1e-3, atol=1e-5)


def test_examples(folder, small_dataset, tmp_path, capsys):
    common = ['--data', str(small_dataset.folder), '--checkpoint', str(folder)]
    common += ['--queries', '12', '--top', '3']
    seen = {}
    for which in ('best', 'worst', 'random'):
        search.main([*common, '--examples', which, '--out', str(tmp_path / f'{which}.png')])
        lines = [line for line in capsys.readouterr().out.splitlines() if ': AP ' in line]
        seen[which] = [float(line.split(': AP ')[1].split(',')[0]) for line in lines]
        assert (tmp_path / f'{which}.png').stat().st_size > 10_000
    assert seen['best'] == sorted(seen['worst'], reverse=True) == sorted(seen['best'], reverse=True)
    assert sorted(seen['random']) == seen['worst']


def test_what_is_refused_leaves_all_files(folder, small_dataset, tmp_path, refused):
    (tmp_path / 'text.png').write_text('no picture')
    Image.new('RGB', (50, 50), 'white').save(tmp_path / 'white.png')
    Image.new('L', (96, 96), 255).save(tmp_path / 'search.png')
    image = next((small_dataset.folder / 'testing').rglob('*.png'))
    before = [path.read_bytes() for path in (image, tmp_path / 'search.png')]
    replaced = ['--out search.png', 'would replace the query']
    common = ['--data', small_dataset.folder, '--checkpoint', folder]
    for arguments, words in (
        ([], ['a query', '--examples']),
        (['123'], ['123', 'key_id']),
        (['text.png'], ['text.png', 'not a readable image']),
        (['white.png'], ['white.png', 'nothing']),
        (['123', '--out', 'answers'], ['answers', '.png']),
        (['123', '--out', 'answers.txt'], ['answers.txt', '.png']),
        (['search.png'], replaced),
        ([f'../{tmp_path.name}/search.png'], replaced),
        (['--examples', 'best', '--out', image], ['is a picture of the data set']),
        (
            ['--examples', 'best', '--out', small_dataset.folder / 'dataset.png'],
            ['is a picture of the data set'],
        ),
    ):
        refused('search.py', *common, *arguments, words=words, cwd=tmp_path)
    assert [path.read_bytes() for path in (image, tmp_path / 'search.png')] == before


def test_ties_are_told(folder, small_dataset, tmp_path, capsys):
    data = shutil.copytree(small_dataset.folder, tmp_path / 'data')
    first, second = (sorted((data / 'testing' / name).iterdir())[0]
                     for name in small_dataset.categories[:2])  # fmt: skip
    shutil.copy(first, second)
    mAP.main([*map(str, ['--data', data, '--results', tmp_path / 'results.csv', folder])])
    # Its 3 relatives of one category, and of the other, find both at the same distance.
    assert (
        '12 queries, in 6 a relevant image ties with an irrelevant one' in capsys.readouterr().out
    )


def test_report_by_category(folder, small_dataset, tmp_path, capsys):
    arguments = ['--data', small_dataset.folder, '--results', tmp_path / 'results.csv', folder]
    arguments += ['--k', 'all', '--report', tmp_path / 'reports', '--rerank', '--distance', 'both']
    mAP.main([str(argument) for argument in arguments])
    assert 'ties with' not in capsys.readouterr().out  # there are none
    report = tmp_path / 'reports' / folder.name / 'euclidean'

    def table(name):
        with open(report / name, newline='') as file:
            return list(csv.DictReader(file))

    with open(tmp_path / 'results.csv', newline='') as file:
        rows = {
            (row['distance'], row['variant'], row['definition']): float(row['value'])
            for row in csv.DictReader(file)
            if row['metric'] == 'mAP'
        }
    assert len(rows) == 2 * 3 * 4
    categories = table('categories.csv')
    average = [float(row['average_precision_at_11']) for row in categories]
    assert average == sorted(average)
    assert np.mean(average) == pytest.approx(rows['euclidean', '', 'standard'])
    for row in table('confusion.csv'):
        assert sum(float(row[name]) for name in small_dataset.categories) == pytest.approx(1)
    # Of 12 images, each query sees 10 of the 11 others first.
    right = {row['query']: float(row[row['query']]) for row in table('confusion.csv')}
    assert right == {
        row['category']: pytest.approx(float(row['precision_at_10'])) for row in categories
    }
    assert len(table('precision_recall.csv')) == 11
    for name in ('categories', 'confusion', 'precision_recall'):
        assert (report / f'{name}.png').stat().st_size > 5000

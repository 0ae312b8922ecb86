"""Opening a data set: what is refused, and the author's folder without a manifest."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from sketch import atomic
from sketch.data.dataset import open_dataset
from sketch.errors import InputError


@pytest.fixture
def copy(small_dataset, tmp_path):
    """A copy of the small data set that a test may corrupt."""
    return shutil.copytree(small_dataset.folder, tmp_path / 'copy')


def test_splits_in_order(small_dataset):
    assert (small_dataset.classes, small_dataset.size) == (3, 96)
    assert small_dataset.train.labels.tolist() == [0] * 8 + [1] * 8 + [2] * 8
    assert small_dataset.test.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    for split in (small_dataset.train, small_dataset.test):
        for path, label in zip(split.paths, split.labels):
            assert f'/{small_dataset.categories[label]}/' in path.decode()


def test_digest_tells_data_sets_apart(small_dataset, copy):
    same = open_dataset(copy)
    assert same.digest == small_dataset.digest
    image = next((copy / 'training').rglob('*.png'))
    image.rename(image.with_name('1.png'))
    assert open_dataset(copy).digest != small_dataset.digest


def test_the_content_of_images_counts(small_dataset, copy, monkeypatch):
    first = open_dataset(copy)
    path = next((copy / 'testing').rglob('*.png'))
    status = path.stat()
    Image.new('L', (96, 96), 255).save(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    changed = open_dataset(copy)
    assert changed.names_digest == first.names_digest
    assert changed.digest != first.digest
    assert open_dataset(copy, ['test']).digest == changed.digest
    # The manifest tells of the split that is not opened, and without a manifest its files do.
    assert open_dataset(copy, ['train']).digest == first.digest
    (copy / 'dataset.json').unlink()
    assert open_dataset(copy, ['train']).digest == changed.digest


def test_the_manifest_has_the_content(make_dataset, tmp_path, monkeypatch):
    digest = make_dataset(tmp_path / 'a').digest
    written = json.loads((tmp_path / 'a' / 'dataset.json').read_text())['content']
    for name in ('train', 'test'):
        cache = tmp_path / 'a' / f'.content-{name}.json'
        assert json.loads(cache.read_text())['content'] == written[name]
    assert make_dataset(tmp_path / 'b', seed=1).digest != digest


def test_a_data_set_that_cannot_be_written(small_dataset, copy, monkeypatch):
    for name in ('train', 'test'):
        (copy / f'.content-{name}.json').unlink(missing_ok=True)

    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(atomic, 'write_json', refuse)
    assert open_dataset(copy).digest == small_dataset.digest
    assert open_dataset(copy, ['test']).digest == small_dataset.digest
    assert not list(copy.glob('.content-*'))


def test_the_test_set_alone(copy):
    digest = open_dataset(copy).digest
    shutil.rmtree(copy / 'training')
    opened = open_dataset(copy, ['test'])
    assert (opened.train, opened.digest) == (None, digest)  # by the manifest
    (copy / 'dataset.json').unlink()
    with pytest.raises(InputError, match='training'):
        open_dataset(copy, ['test'])


def test_folder_without_manifest_is_counted(small_dataset, copy, capsys):
    (copy / 'dataset.json').unlink()
    opened = open_dataset(copy)
    assert opened.categories == small_dataset.categories
    assert len(opened.train) == 24
    assert 'counted 24 train and 12 test images' in capsys.readouterr().out


def test_what_editors_and_other_systems_leave(small_dataset, copy):
    for name in ('dataset.json', 'conversion_labels.json'):
        path = copy / name
        path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())  # a byte order mark
    first = next((copy / 'testing').rglob('*.png'))
    first.with_name(f'._{first.name}').write_bytes(b'not an image')
    assert open_dataset(copy).digest == small_dataset.digest


def test_labels_decide_the_order(copy):
    path = copy / 'conversion_labels.json'
    written = json.loads(path.read_text())
    path.write_text(json.dumps({name: str(2 - label) for name, label in written.items()}))
    assert open_dataset(copy).categories == tuple(written)[::-1]


def lose_labels(folder):
    (folder / 'conversion_labels.json').unlink()


def labels(folder, text):
    (folder / 'conversion_labels.json').write_text(text)


def lose_category(folder):
    shutil.rmtree(next((folder / 'testing').iterdir()))


def lose_image(folder):
    next((folder / 'training').rglob('*.png')).unlink()


def cut_image(folder):
    path = next((folder / 'training').rglob('*.png'))
    path.write_bytes(path.read_bytes()[:-20])


def another_size(folder):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(next((folder / 'testing').rglob('*.png')))


def edit_manifest(folder, **settings):
    manifest = json.loads((folder / 'dataset.json').read_text())
    manifest['settings'].update(settings)
    (folder / 'dataset.json').write_text(json.dumps(manifest))


def lose_content(folder):
    manifest = json.loads((folder / 'dataset.json').read_text())
    del manifest['content']['train']
    (folder / 'dataset.json').write_text(json.dumps(manifest))


def nest_deeply(folder):
    (folder / 'dataset.json').write_text('[' * 100_000)


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lose_labels, 'conversion_labels.json: no such file'),
        (lambda folder: labels(folder, '{"a": 0, "b": 2}'), 'labels are not 0, 1, 2'),
        (lose_category, 'no such folder'),
        (lose_image, '7 images, 8 expected'),
        (cut_image, 'not an intact PNG'),
        (another_size, '64x64 pixels among images of 96x96'),
        (nest_deeply, 'dataset.json: not a manifest'),
        (lambda folder: edit_manifest(folder, train='8'), 'dataset.json: not a manifest'),
        (lambda folder: edit_manifest(folder, test=True), 'dataset.json: not a manifest'),
        (lose_content, 'dataset.json: not a manifest'),
        (lambda folder: labels(folder, '{"../x": 0}'), "'../x' cannot be the name of a folder"),
        (lambda folder: labels(folder, '{"a": 0.5}'), 'not a table of category -> label'),
    ],
)
def test_corruption_is_reported(copy, damage, message):
    damage(copy)
    with pytest.raises(InputError, match=message):
        open_dataset(copy)


def test_missing_folder(refused, tmp_path):
    words = [tmp_path / 'none', 'create_dataset.py']
    refused('train.py', '--data', tmp_path / 'none', words=words)

"""Opening a data set: what is refused, and the author's folder without a manifest."""

import io
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from sketch import atomic
from sketch.data import image_digest
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


def test_names_and_content_of_images_count(small_dataset, copy):
    first = open_dataset(copy)
    assert first.digest == small_dataset.digest
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
    path.rename(path.with_name('1.png'))
    assert len({first.digest, changed.digest, open_dataset(copy).digest}) == 3


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


def test_an_authors_images_are_taken_or_named(copy):
    (copy / 'dataset.json').unlink()
    known = open_dataset(copy)
    path = next((copy / 'training').rglob('*.png'))
    path = path.rename(path.with_suffix('.PNG'))
    assert len(open_dataset(copy).train) == len(known.train)
    path.rename(path.with_suffix('.Jpg'))
    with pytest.raises(InputError, match=r'\d\.Jpg: not a PNG image; save all as 8-bit grey PNGs'):
        open_dataset(copy)


@pytest.mark.parametrize(
    ('sizes', 'told'),
    [
        ([(110, 110), (110, 110), (100, 120)], '2: 100x120 pixels among images of 110x110;'),
        ([(100, 120)] * 3, '0: 100x120 pixels, not square;'),
        ([(100, 120), (100, 120), (64, 64)], '2: 64x64 pixels among images of 100x120;'),
    ],
)
def test_sizes_that_are_told_are_there(sizes, told):
    with pytest.raises(InputError, match=told):
        image_digest._common_size([b'0', b'1', b'2'], np.array(sizes))


def test_labels_decide_the_order(copy):
    path = copy / 'conversion_labels.json'
    written = json.loads(path.read_text())
    path.write_text(json.dumps({name: str(2 - label) for name, label in written.items()}))
    assert open_dataset(copy).categories == tuple(written)[::-1]


def small_png(_):
    with io.BytesIO() as file:
        Image.new('L', (64, 64)).save(file, 'PNG')
        return file.getvalue()


@pytest.mark.parametrize(
    ('path', 'change', 'message'),
    [
        ('conversion_labels.json', None, 'conversion_labels.json: no such file'),
        ('conversion_labels.json', lambda _: b'{"a": 0, "b": 2}', 'labels are not 0, 1, 2'),
        ('conversion_labels.json', lambda _: b'{"a": 0.5}', 'not a table of category -> label'),
        ('conversion_labels.json', lambda _: b'{"../x": 0}', "'../x' cannot be the name of a"),
        ('testing/*', None, 'no such folder'),
        ('training/*/*.png', None, '7 images, 8 expected'),
        ('training/*/*.png', lambda image: image[:-20], 'not an intact PNG'),
        ('testing/*/*.png', small_png, '64x64 pixels among images of 96x96'),
        ('dataset.json', lambda _: b'[' * 100_000, 'dataset.json: not a manifest'),
        ('dataset.json', lambda text: text.replace(b'n": 8', b'n": "8"'), 'json: not a manifest'),
        ('dataset.json', lambda text: text.replace(b't": 4', b't": true'), 'json: not a manifest'),
        ('dataset.json', lambda text: text.replace(b'train": "', b'x": "'), 'json: not a manifest'),
    ],
)
def test_corruption_is_reported(copy, path, change, message):
    path = next(copy.glob(path))
    if change is not None:
        path.write_bytes(change(path.read_bytes()))
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    with pytest.raises(InputError, match=message):
        open_dataset(copy)


def test_missing_folder(refused, tmp_path):
    words = [tmp_path / 'none', 'create_dataset.py']
    refused('train.py', '--data', tmp_path / 'none', words=words)

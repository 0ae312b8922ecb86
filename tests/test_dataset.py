"""Opening a data set: what is refused, and the author's folder without a manifest."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

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


def test_folder_without_manifest_is_counted(small_dataset, copy, capsys):
    (copy / 'dataset.json').unlink()
    opened = open_dataset(copy)
    assert opened.categories == small_dataset.categories
    assert len(opened.train) == 24
    assert 'counted 24 train and 12 test images' in capsys.readouterr().out


def test_labels_decide_the_order(copy):
    path = copy / 'conversion_labels.json'
    labels = json.loads(path.read_text())
    path.write_text(json.dumps({name: str(2 - label) for name, label in labels.items()}))
    assert open_dataset(copy).categories == tuple(labels)[::-1]


def lose_labels(folder):
    (folder / 'conversion_labels.json').unlink()


def break_labels(folder):
    (folder / 'conversion_labels.json').write_text('{"a": 0, "b": 2}')


def lose_category(folder):
    shutil.rmtree(next((folder / 'testing').iterdir()))


def lose_image(folder):
    next((folder / 'training').rglob('*.png')).unlink()


def cut_image(folder):
    path = next((folder / 'training').rglob('*.png'))
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_byte(folder):
    path = next((folder / 'training').rglob('*.png'))
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)


def another_size(folder):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(next((folder / 'testing').rglob('*.png')))


def break_manifest(folder):
    (folder / 'dataset.json').write_text('{')


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lose_labels, 'conversion_labels.json: no such file'),
        (break_labels, 'labels are not 0, 1, 2'),
        (lose_category, 'no such folder'),
        (lose_image, '7 images, 8 expected'),
        (cut_image, 'not an intact PNG'),
        (flip_a_byte, 'not an intact PNG'),
        (another_size, '64x64 pixels among images of 96x96'),
        (break_manifest, 'dataset.json: not a manifest'),
    ],
)
def test_corruption_is_reported(copy, damage, message):
    damage(copy)
    with pytest.raises(InputError, match=message):
        open_dataset(copy)


def test_missing_folder(refused, tmp_path):
    for script, folders in (('train.py', []), ('load.py', ['run']), ('mAP.py', ['run'])):
        data = ['--data', tmp_path / 'none']
        refused(script, *data, *folders, words=[tmp_path / 'none', 'create_dataset.py'])

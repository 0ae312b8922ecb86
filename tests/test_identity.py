"""What a number is of: the network by its weights, and images that it was not trained on."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import NARROW, NARROW_NAME, ROOT, as_if_killed

import load
import mAP
import plots
import search
import train
from sketch import atomic
from sketch.data.dataset import open_dataset
from sketch.errors import InputError
from sketch.reporting import results
from sketch.runs import training_images
from sketch.runs.checkpoints import open_checkpoint, weights_digest
from sketch.training.precise_bn import precise_bn
from tools import publish

NAME = f'{NARROW_NAME}_1e'


def place(folder, data, *arguments):
    """Return a command line on a data set, with a results.csv in a folder."""
    return ['--data', str(data), '--results', str(folder / 'r.csv'), *map(str, arguments)]


@pytest.fixture
def seen_data(small_dataset, tmp_path):
    """A copy of the data set, two of whose test images are training images, under other names."""
    copy = tmp_path / 'seen'
    shutil.copytree(small_dataset.folder, copy)
    for category in small_dataset.categories[:2]:
        source = next((copy / 'training' / category).iterdir())
        shutil.copy(source, next((copy / 'testing' / category).iterdir()))
    return copy


def test_test_images_that_were_trained_on_are_told(trained, seen_data, tmp_path, capsys):
    folder = trained(tmp_path, 1)
    for main, rest in (
        (load.main, ['--measure', 'test', folder]),
        (mAP.main, ['--k', 'all', folder]),
        (search.main, None),
    ):
        capsys.readouterr()
        if rest is None:
            out = ['--examples', 'best', '--out', str(tmp_path / 's.png')]
            main(['--data', str(seen_data), '--checkpoint', str(folder), *out])
        else:
            rows = main(place(tmp_path, seen_data, *rest))
            assert {row['seen'] for row in rows} == {2}
        printed = capsys.readouterr().out
        assert f'was trained on 2 of the 12 test images of {seen_data}' in printed
    told = f'{seen_data / "testing"}: its images are no longer those of dataset.json'
    assert told in printed


def test_unseen_test_images_and_whole_training_sets_give_no_line(
    trained, small_dataset, tmp_path, capsys
):
    rows = load.main(place(tmp_path, small_dataset.folder, trained(tmp_path, 1)))
    assert [(row['split'], row['seen']) for row in rows] == [('train', 24), ('test', 0)]
    assert 'was trained on' not in capsys.readouterr().out


def test_training_images_that_were_not_trained_on_are_told(trained, make_dataset, tmp_path, capsys):
    folder = trained(tmp_path, 1)
    other = make_dataset(tmp_path / 'other', train=9, test=2)
    (row,) = load.main(place(tmp_path, other.folder, '--measure', 'train', folder))
    assert 0 < row['seen'] < 27
    printed = capsys.readouterr().out
    assert f'was not trained on {27 - row["seen"]} of the 27 training images of' in printed


def test_without_the_file_nothing_is_known(trained, seen_data, tmp_path, capsys):
    folder = trained(tmp_path, 1)
    known = (folder / training_images.FILE).read_bytes()
    (folder / training_images.FILE).unlink()
    (row,) = load.main(place(tmp_path, seen_data, '--measure', 'test', folder))
    assert row['seen'] is None
    assert 'was trained on' not in capsys.readouterr().out
    assert {row['seen'] for row in results.read(tmp_path / 'r.csv')} == {''}
    # Without settings the size of its images is unknown: at another one all hashes differ.
    (folder / training_images.FILE).write_bytes(known)
    settings = (folder / 'settings.json').read_bytes()
    (folder / 'settings.json').unlink()
    (row,) = load.main(place(tmp_path, seen_data, '--measure', 'test', folder))
    assert row['seen'] is None
    (folder / 'settings.json').write_bytes(settings)
    (folder / training_images.FILE).write_bytes(b'nothing')
    with pytest.raises(InputError, match=f'{training_images.FILE}: corrupt'):
        open_checkpoint(folder)


def test_copies_keep_what_they_were_trained_on(trained, small_dataset, tmp_path):
    folder = trained(tmp_path, 1)
    expected = np.sort(small_dataset.train.pixels)
    assert np.array_equal(training_images.load(folder), expected)
    source = open_checkpoint(folder, small_dataset)
    precise = precise_bn(source, small_dataset, 8)
    publish.main([str(folder), '--out', str(tmp_path / 'published')])
    for copy in (precise, tmp_path / 'published'):
        assert np.array_equal(training_images.load(copy), expected)
    published = open_checkpoint(tmp_path / 'published', small_dataset)
    assert published.weights == source.weights
    assert open_checkpoint(precise, small_dataset).weights != source.weights  # other statistics


def test_the_shipped_network_was_not_trained_on_its_test_images(real_drawings):
    shipped = ROOT / 'weights' / 'sknet_22x650_10e'
    assert len(training_images.load(shipped)) == 22 * 650
    assert {row['weights'] for row in results.read(ROOT / 'docs' / 'results' / 'protocol_l.csv')
            if row['run'] == 'checkpoints_n1_10e'} == {
        weights_digest(str(shipped / 'model.ckpt-1117'))
    }  # fmt: skip


def test_another_network_under_the_same_name(trained, small_dataset, tmp_path, capsys):
    folder = trained(tmp_path, 1)
    data = small_dataset.folder
    common = place(tmp_path, data, '--checkpoints', tmp_path, *NARROW, '--epochs', 1)
    (folder / training_images.FILE).unlink()  # as if trained before there was one
    train.main(common)
    assert (folder / training_images.FILE).exists()
    capsys.readouterr()
    train.main(common)
    assert 'skipped' in capsys.readouterr().out
    shutil.rmtree(folder)
    train.main([*common, '--learning-rate', '0.1', '--measure', 'test'])
    (other,) = tmp_path.glob('*_rate0.1_1e')
    assert as_if_killed(other, learning_rate=0.001) == folder
    capsys.readouterr()
    train.main([*common, '--measure', 'test'])
    assert 'skipped' not in capsys.readouterr().out
    with pytest.raises(InputError, match=f'{NAME}, step 3: rows of two networks'):
        plots.main(['--results', str(tmp_path / 'r.csv'), '--out', str(tmp_path / 'figures')])
    # The card of a network has its own measurements only.
    publish.main([str(folder), '--out', str(tmp_path / 'p'), '--results', str(tmp_path / 'r.csv')])
    card = (tmp_path / 'p' / 'MODEL_CARD.md').read_text()
    assert card.count('| accuracy | test |') == 1  # measured under two names
    assert '| train |' not in card  # measured of the first network only


def test_a_failed_update_leaves_the_folder_as_it_was(trained, small_dataset, tmp_path, monkeypatch):
    source = open_checkpoint(trained(tmp_path, 1), small_dataset)
    folder = precise_bn(source, small_dataset, 8)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_):
        raise OSError(28, 'No space left on device', 'x')

    monkeypatch.setattr('sketch.runs.folders.name_latest', full)
    with pytest.raises(InputError, match=f'{folder}: No space left on device; make room'):
        precise_bn(source, small_dataset, 24)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path for path in tmp_path.iterdir() if path.name.startswith('.')] == []
    monkeypatch.undo()
    assert precise_bn(source, small_dataset, 24) == folder
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() == before.keys()
    assert after != before


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / 'folder'
    for text in ('first', 'second'):
        with atomic.new_folder(path, replace=True) as building:
            (building / text).touch()
    rename = Path.rename
    monkeypatch.setattr(
        Path, 'rename', lambda own, to: 1 / 0 if own.name[0] == '.' else rename(own, to)
    )
    with (
        pytest.raises(ZeroDivisionError),
        atomic.new_folder(path, replace=True) as building,
    ):
        (building / 'third').touch()
    assert [found.name for found in tmp_path.rglob('*')] == ['folder', 'second']


def test_pixels_are_known_from_the_cache(small_dataset, tmp_path):
    copy = tmp_path / 'copy'
    shutil.copytree(small_dataset.folder, copy)
    first, again = open_dataset(copy), open_dataset(copy)
    assert np.array_equal(first.test.pixels, small_dataset.test.pixels)
    assert np.array_equal(first.test.pixels, again.test.pixels)
    assert len(set(first.train.pixels)) > 20

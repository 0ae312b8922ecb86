"""What contradicts itself is refused: published folders, settings.json, counts of epochs."""

import argparse
import dataclasses
import json
import shutil

import numpy as np
import pytest
from conftest import NARROW, NARROW_NAME, as_if_killed, options

import load
import train
from sketch import command_line
from sketch.errors import InputError
from sketch.reporting import results
from sketch.runs import checksums, training_images
from sketch.runs import settings as run_settings
from sketch.runs.checkpoints import open_checkpoint
from tools import publish

DATA = 'model.ckpt-3.data-00000-of-00001'


def edit(folder, **changes):
    """Change values in a folder's settings.json."""
    path = folder / run_settings.FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture
def published(trained, tmp_path):
    """A published folder of one epoch, 3 steps."""
    folder = trained(tmp_path, 1)
    (tmp_path / 'p').mkdir()
    return publish.main([str(folder), '--out', str(tmp_path / 'p' / folder.name)])


def swap(path):
    text = path.read_text()
    first, second = json.loads(text)['categories'][:2]
    swapped = text.replace(f'"{first}"', '"?"').replace(f'"{second}"', f'"{first}"')
    path.write_text(swapped.replace('"?"', f'"{second}"'))


def flip(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ('name', 'change', 'told'),
    [
        ('settings.json', swap, 'its hash is not that in SHA256SUMS'),
        ('settings.json', lambda path: path.unlink(), 'missing, but SHA256SUMS lists it'),
        ('training_images.npy', flip, 'its hash is not that in SHA256SUMS'),
        ('training_images.npy', lambda path: path.unlink(), 'missing, but SHA256SUMS lists it'),
        (DATA, flip, 'its hash is not that in SHA256SUMS'),
        ('SHA256SUMS', lambda path: path.write_bytes(path.read_bytes()[3:]), 'line 1 is no hash'),
        ('SHA256SUMS', lambda path: path.write_bytes(b'\xff\x00'), 'line 1 is no hash'),
    ],
)
def test_a_published_folder_that_was_changed(
    published, refused, small_dataset, tmp_path, name, change, told
):
    change(published / name)
    data = ['--data', small_dataset.folder, '--results', tmp_path / 'r.csv']
    remedy = 'fetch the folder again, or remove SHA256SUMS if the change is meant'
    refused('load.py', *data, published, words=[f'{published / name}: {told}', remedy])
    assert not (tmp_path / 'r.csv').exists()


def test_what_decides_nothing_may_change(published, small_dataset):
    (published / 'MODEL_CARD.md').write_text('Mine.')
    (published / 'notes.txt').write_text('Mine.')
    sums = published / checksums.FILE
    lines = [line.replace('  ', ' *./') for line in sums.read_text().splitlines()]
    lines = ['# made by another program', *(line[:64].upper() + line[64:] for line in lines)]
    for mark in (b'', b'\xef\xbb\xbf'):
        sums.write_bytes(mark + '\r\n'.join([*lines, '', '']).encode())
        assert open_checkpoint(published, small_dataset).step == 3
    edit(published, seed=7)
    sums.unlink()  # the remedy of a change that is meant
    assert open_checkpoint(published, small_dataset).settings.seed == 7


@pytest.mark.parametrize(
    ('changes', 'told'),
    [
        ({'batch_size': 16}, '1 epochs of 24 images in batches of 16 are 1 steps, but .* has 3'),
        ({'images': 16}, '1 epochs of 16 images in batches of 8 are 2 steps, but .* has 3'),
        ({'images': 25}, '25 images, but training_images.npy has 24'),
        ({'epochs': 0.5}, '0.5 epochs, but the name of the folder says 1'),
        ({'epochs': 2.0}, '2 epochs, but the name of the folder says 1'),
        ({'categories': 'swapped'}, 'its images are those of .*, its order of categories is not'),
    ],
)
def test_settings_that_contradict_what_is_beside_them(
    trained, small_dataset, tmp_path, changes, told
):
    folder = trained(tmp_path, 1)
    if 'categories' in changes:
        swap(folder / run_settings.FILE)
    else:
        edit(folder, **changes)
    with pytest.raises(InputError, match=f'{folder}/settings.json: {told}; restore'):
        open_checkpoint(folder, small_dataset)


def test_settings_that_are_right(trained, small_dataset, make_dataset, tmp_path):
    folder = trained(tmp_path, 1)
    other = make_dataset(tmp_path / 'other', seed=1)
    # Another data set may have the categories in another order.
    categories = tuple(reversed(small_dataset.categories))
    reordered = dataclasses.replace(other, categories=categories)
    assert open_checkpoint(folder, reordered).step == 3
    # Interrupted, of another name, without the images that it was trained on.
    killed = as_if_killed(shutil.copytree(folder, tmp_path / 'copy' / folder.name), epochs=2.5)
    assert open_checkpoint(killed, small_dataset).settings.epochs == 1
    renamed = folder.rename(tmp_path / 'my network')
    assert np.array_equal(open_checkpoint(renamed).trained_on, training_images.load(killed))
    (renamed / training_images.FILE).unlink()
    assert open_checkpoint(renamed).trained_on is None


def test_epochs_are_those_of_the_folders_name():
    taken = ('0', '-0', '1e-12', '0.1', '0.3333333333333333', '1e3')
    epochs = [command_line.epoch_count(text) for text in taken]
    assert [str(count) for count in epochs[:2]] == ['0.0', '0.0']
    assert epochs[2:] == [1e-12, 0.1, 0.333333333333, 1000]
    for text in ('1e-13', '-1e-13', '1e6', 'nan', 'inf', '-1', 'x'):
        with pytest.raises(argparse.ArgumentTypeError, match='not a number of epochs'):
            command_line.epoch_count(text)


def test_epochs_that_a_training_is_past_are_told(trained, small_dataset, tmp_path, capsys):
    trained(tmp_path, 1)
    flags = options(small_dataset, tmp_path, *NARROW, '--eval-every-epoch', '--measure', 'test')
    for _ in range(2):
        train.main([*flags, '--epochs', '3'])
        printed = capsys.readouterr().out
        told = f'{NARROW_NAME}_3e: already past epochs 0: no mAP of them; to measure all, train in '
        assert printed.count('no mAP of them') == printed.count(told) == 1
        assert printed.count('k = 49 skipped') == 1
        if 'skipped\n' not in printed.splitlines()[-1] + '\n':
            assert 'step 6 of 9' in printed
            assert printed.count('0 s left') == 1
    capsys.readouterr()
    load.main(options(small_dataset, tmp_path, str(tmp_path / f'{NARROW_NAME}_3e')))
    measured = {row['epochs'] for row in results.read(tmp_path / 'results.csv')}
    assert measured == {'1', '2', '3'}


def test_a_training_that_starts_from_another_does_not_start_from_scratch(
    trained, small_dataset, tmp_path, capsys
):
    folder = trained(tmp_path, 1, 2)
    for path in folder.glob('model.ckpt-*'):
        path.unlink()
    train.main(options(small_dataset, tmp_path, *NARROW, '--epochs', 2, '--measure', 'test'))
    printed = capsys.readouterr().out
    assert f'{folder}: starts from {tmp_path / NARROW_NAME}_1e' in printed
    assert 'from scratch' not in printed

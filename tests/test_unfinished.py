"""Interrupted trainings are never measured as if they were finished."""

import shutil

import pytest
from conftest import NARROW, as_if_killed, full_disk, options
from conftest import NARROW_NAME as NAME

import load
import mAP
import search
import train
from sketch.errors import InputError
from sketch.evaluation import accuracy
from sketch.reporting import results
from sketch.runs import checkpoints, folders
from tools import precise_bn

KILLED = NAME.replace('batch8', 'batch5') + '_3e'


@pytest.fixture
def place(trained, small_dataset, tmp_path):
    """A folder with a training of 1 epoch and one that was killed at step 6 of 14 (3 epochs).

    Also the options of the scripts.
    """
    root = tmp_path / 'runs'
    trained(root, 1)
    as_if_killed(trained(root, 2), epochs=3, batch_size=5)
    (root / 'results.csv').unlink()
    return root, options(small_dataset, root)


def test_a_folder_that_is_found_is_skipped(place, monkeypatch, capsys):
    root, flags = place
    load.main([*flags, '--measure', 'test'])
    mAP.main(flags)
    printed = capsys.readouterr().out
    line = f'{KILLED}: unfinished, at step 6 of 14 (1.25 of 3 epochs); skipped'
    assert printed.count(line) == 2
    assert {row['run'] for row in results.read(root / 'results.csv')} == {f'{NAME}_1e'}
    monkeypatch.chdir(root)
    query = [*flags[:2], '--examples', 'best', '--queries', '1']
    search.main(query)
    assert 'step 3; see' in capsys.readouterr().out
    search.main([*query, '--unfinished'])
    assert 'step 6; see' in capsys.readouterr().out
    precise_bn.main(flags[:4])
    assert f'{NAME}_precise-bn_1e' in {path.name for path in root.iterdir()}
    assert not list(root.glob('*precise-bn_1.25e')) + list(root.glob('*precise-bn_3e'))


def test_a_folder_that_is_named_is_refused(place, small_dataset, tmp_path, refused):
    root, flags = place
    folder, finished = root / KILLED, root / f'{NAME}_1e'
    other = shutil.copytree(finished, tmp_path / 'other' / finished.name)
    words = [f'{folder}: unfinished, at step 6 of 14', '1.25 of 3 epochs', 'allow unfinished ones']
    for script in ('load.py', 'mAP.py'):
        refused(script, *flags, finished, folder, words=words)
        refused(script, *flags, finished, other, words=['runs of one name'])
    query = ['--data', small_dataset.folder, '--checkpoint', folder, '--examples', 'best']
    refused('search.py', *query, words=words, cwd=root)
    assert not (root / 'results.csv').exists()
    shutil.rmtree(finished)
    refused('load.py', *flags, words=[root, 'every training in it is unfinished'])
    # One that is being prepared is none.
    (folder / 'settings.json').unlink()
    (folder / '.preparing').touch()
    refused('load.py', *flags, '--unfinished', folder, words=['no checkpoint in it'])
    refused('load.py', *flags, '--unfinished', words=[root, 'train.py'])


def test_its_rows_last_until_the_run_is_finished(place, capsys):
    root, flags = place
    load.main([*flags, '--measure', 'test', '--unfinished'])
    mAP.main([*flags, '--unfinished'])
    rows = [row for row in results.read(root / 'results.csv') if row['run'] == KILLED]
    assert {(row['epochs'], row['step']) for row in rows} == {('1.25', '6')}
    kinds = {('accuracy', ''), ('mAP', 'images'), ('compactness', '')}
    assert {(row['metric'], row['interval']) for row in rows} == kinds
    training = [*NARROW, '--batch-size', '5', '--epochs', '3', '--eval-every-epoch']
    train.main([*flags, *training, '--measure', 'test'])
    rows = [row for row in results.read(root / 'results.csv') if row['run'] == KILLED]
    stops = {(row['epochs'], row['step'], row['metric']) for row in rows}
    assert {('2', '9', 'mAP'), ('3', '14', 'mAP'), ('3', '14', 'accuracy')} <= stops
    assert '1.25' not in {epochs for epochs, *_ in stops}
    assert {row['epochs'] for row in results.read(root / 'results.csv')} == {'1', '2', '3'}


def test_a_running_training_may_delete_its_checkpoint(place, small_dataset, monkeypatch):
    root, _ = place
    opened = checkpoints.open_checkpoint(root / KILLED, small_dataset)
    with monkeypatch.context() as patch:  # while it is copied
        patch.setattr(folders, 'files', lambda prefix: [])
        words = r'3e/model\.ckpt-6: corrupt checkpoint .*; try again if a training is running'
        with pytest.raises(InputError, match=words):
            checkpoints.open_checkpoint(root / KILLED, small_dataset)
    with full_disk(), pytest.raises(InputError, match='room for temporary files; .* TMPDIR'):
        checkpoints.open_checkpoint(root / KILLED, small_dataset)
    for path in (root / KILLED).glob('model.ckpt-*'):
        path.unlink()
    assert 0 <= accuracy.accuracy(opened, small_dataset.test, 96) <= 1

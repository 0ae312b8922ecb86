"""Interrupted trainings are never measured as if they were finished."""

import dataclasses
import shutil

import pytest
from conftest import NARROW
from conftest import NARROW_NAME as NAME

import load
import mAP
import search
import train
from sketch.evaluation import accuracy
from sketch.reporting import results
from sketch.runs import checkpoints
from sketch.training import loop
from tools import precise_bn


@pytest.fixture(scope='module')
def interrupted(small_dataset, tmp_path_factory):
    """Checkpoint folders: one of 1 epoch, and one that was killed at step 4 of 9 (3 epochs)."""
    root = tmp_path_factory.mktemp('runs')
    options = [*NARROW, '--data', str(small_dataset.folder), '--checkpoints', str(root)]
    options += ['--results', str(root / 'results.csv'), '--measure', 'test']
    train.main([*options, '--epochs', '1'])
    settings = train.settings_for('n1', train.parse_arguments(options), small_dataset)
    settings = dataclasses.replace(settings, epochs=3)
    run = loop.Run(root / settings.folder_name, settings, small_dataset)
    run.folder.mkdir()
    loop.train_steps(run, loop.prepare(run), 4)
    return root


@pytest.fixture
def place(interrupted, small_dataset, tmp_path):
    """A copy of these folders without results, and the options of the scripts."""
    root = shutil.copytree(interrupted, tmp_path / 'runs', dirs_exist_ok=True)
    (root / 'results.csv').unlink()
    common = ['--data', str(small_dataset.folder)]
    return root, [*common, '--checkpoints', str(root), '--results', str(root / 'results.csv')]


def test_a_folder_that_is_found_is_skipped(place, capsys):
    root, options = place
    load.main([*options, '--measure', 'test'])
    mAP.main(options)
    printed = capsys.readouterr().out
    line = f'{NAME}_3e: unfinished, at step 4 of 9 (1.333 of 3 epochs); skipped'
    assert printed.count(line) == 2
    assert {row['run'] for row in results.read(root / 'results.csv')} == {f'{NAME}_1e'}
    precise_bn.main(options[:4])
    assert f'{NAME}_precise-bn_1e' in {path.name for path in root.iterdir()}
    assert not list(root.glob('*precise-bn_1.333e')) + list(root.glob('*precise-bn_3e'))


def test_a_folder_that_is_named_is_refused(place, small_dataset, refused):
    root, options = place
    folder = root / f'{NAME}_3e'
    words = [f'{folder}: unfinished, at step 4 of 9', '1.333 of 3 epochs', 'allow unfinished ones']
    for script in ('load.py', 'mAP.py'):
        refused(script, *options, root / f'{NAME}_1e', folder, words=words)
    query = ['--data', small_dataset.folder, '--checkpoint', folder, '--examples', 'best']
    refused('search.py', *query, words=words, cwd=root)
    assert not (root / 'results.csv').exists()


def test_search_takes_the_finished_one(place, small_dataset, monkeypatch, capsys):
    root, _ = place
    monkeypatch.chdir(root)
    query = ['--data', str(small_dataset.folder), '--examples', 'best', '--queries', '1']
    search.main(query)
    assert 'step 3; see' in capsys.readouterr().out
    search.main([*query, '--unfinished'])
    assert 'step 4; see' in capsys.readouterr().out


def test_its_rows_last_until_the_run_is_finished(place, capsys):
    root, options = place
    load.main([*options, '--measure', 'test', '--unfinished'])
    mAP.main([*options, '--unfinished'])
    rows = [row for row in results.read(root / 'results.csv') if row['run'] == f'{NAME}_3e']
    assert {(row['epochs'], row['step']) for row in rows} == {('1.333', '4')}
    kinds = {('accuracy', ''), ('mAP', 'queries'), ('compactness', '')}
    assert {(row['metric'], row['interval']) for row in rows} == kinds
    train.main([*options, *NARROW, '--epochs', '3', '--eval-every-epoch', '--measure', 'test'])
    rows = [row for row in results.read(root / 'results.csv') if row['run'] == f'{NAME}_3e']
    stops = {(row['epochs'], row['step'], row['metric']) for row in rows}
    assert {('2', '6', 'mAP'), ('3', '9', 'mAP'), ('3', '9', 'accuracy')} <= stops
    assert '1.333' not in {epochs for epochs, *_ in stops}
    assert {row['epochs'] for row in results.read(root / 'results.csv')} == {'1', '2', '3'}


def test_a_folder_that_is_being_prepared_is_none(place, refused):
    root, options = place
    (root / f'{NAME}_3e' / 'settings.json').unlink()
    (root / f'{NAME}_3e' / '.preparing').touch()
    load.main([*options, '--measure', 'test', '--unfinished'])
    assert {row['run'] for row in results.read(root / 'results.csv')} == {f'{NAME}_1e'}
    refused('load.py', *options, root / f'{NAME}_3e', words=['no checkpoint in it'])


def test_a_running_training_may_delete_its_checkpoint(place, small_dataset):
    root, _ = place
    opened = checkpoints.open_checkpoint(root / f'{NAME}_3e', small_dataset)
    for path in (root / f'{NAME}_3e').glob('model.ckpt-*'):
        path.unlink()
    assert 0 <= accuracy.accuracy(opened, small_dataset.test, 96) <= 1


def test_two_runs_of_one_name(place, tmp_path, refused):
    root, options = place
    other = shutil.copytree(root / f'{NAME}_1e', tmp_path / 'other' / f'{NAME}_1e')
    for script in ('load.py', 'mAP.py'):
        refused(script, *options, root / f'{NAME}_1e', other, words=['runs of one name'])


def test_nothing_but_interrupted_trainings(place, refused):
    root, options = place
    shutil.rmtree(root / f'{NAME}_1e')
    refused('load.py', *options, words=[root, 'every training in it is unfinished'])

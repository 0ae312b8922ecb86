"""Any name of a folder is taken as it is: TensorFlow reads some of them as patterns."""

import io
import os
import shutil
import sys

import pytest
from conftest import NARROW, options
from conftest import NARROW_NAME as NAME

import load
import mAP
import plots
import search
import train
from sketch import command_line
from sketch.errors import InputError
from sketch.runs import folders
from tools import precise_bn

PATTERN = 'runs [a] *?{b}\\ $1 "ñ" 素描'
NOT_UTF_8 = os.fsdecode(b'latin-\xe9')  # macOS refuses such names


def make(parent, name):
    try:
        (parent / name).mkdir()
    except OSError:
        pytest.skip('the file system refuses this name')
    return parent / name


def step_in(folder):
    return folders.step_of(folders.latest(folder))  # tf.train takes the name for a pattern


def measure_and_draw(data, root, folder):
    """Run the scripts that take a checkpoint folder, on a data set; all they write is in `root`."""
    table, query = ['--results', root / 'results.csv'], next((data / 'testing').rglob('*.png'))
    for main, *arguments in (
        (load.main, '--data', data, *table, folder, '--measure', 'test'),
        (mAP.main, '--data', data, *table, folder, '--report', root / 'report'),
        (search.main, '--data', data, '--checkpoint', folder, query, '--out', root / 'out.png'),
        (plots.main, *table, '--out', root / 'figures'),
    ):
        main([*map(str, arguments)])
    assert (root / 'out.png').exists()
    assert (root / 'figures' / 'figure_6.png').exists()


def test_patterns(trained, small_dataset, tmp_path, capsys):
    root = make(tmp_path, PATTERN)
    trained(root, 1)
    data = shutil.copytree(small_dataset.folder, root / 'data')
    common = options(small_dataset, root, '--data', data, '--measure', 'test')
    train.main([*common, *NARROW, '--epochs', '2'])
    assert 'step 6 of 6' in capsys.readouterr().out  # starts from the folder of 1 epoch
    train.main([*common, *NARROW, '--epochs', '2'])
    assert 'already trained and measured' in capsys.readouterr().out
    precise_bn.main(['--data', str(data), str(root / f'{NAME}_2e')])
    load.main(common)
    assert capsys.readouterr().out.count('accuracy') == 3
    measure_and_draw(data, root, root / f'{NAME}_1e')
    assert step_in(root / f'{NAME}_1e') == 3
    assert step_in(root / f'{NAME}_2e') == step_in(root / f'{NAME}_precise-bn_2e') == 6


def test_a_neighbour_keeps_its_checkpoints(trained, small_dataset, tmp_path):
    trained(make(tmp_path, 'exp1'), 2)
    trained(make(tmp_path, 'exp*'), 2)
    flags = [*NARROW, '--measure', 'test', '--epochs', '3']
    train.main(options(small_dataset, tmp_path / 'exp*', *flags))
    assert step_in(tmp_path / 'exp1' / f'{NAME}_2e') == 6
    assert step_in(tmp_path / 'exp*' / f'{NAME}_3e') == 9


def test_bytes_that_are_not_utf_8(run_script, small_dataset, tmp_path, monkeypatch):
    root = make(tmp_path, NOT_UTF_8)
    data = shutil.copytree(small_dataset.folder, root / 'data')
    common = options(small_dataset, root, '--data', data, '--measure', 'test')
    ended = run_script('train.py', *common, *NARROW, '--epochs', '1', errors='surrogateescape')
    assert ended.returncode == 0, ended.stderr
    assert 'Traceback' not in ended.stderr
    odd = shutil.move(root / f'{NAME}_1e', root / NOT_UTF_8)
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(io.BytesIO(), errors='surrogateescape'))
    measure_and_draw(data, root, odd)
    assert r'latin-\xe9' in (root / 'results.csv').read_text(encoding='utf-8')
    assert (root / 'report' / r'latin-\xe9' / 'euclidean' / 'confusion.png').exists()


def test_a_checkpoint_given_for_its_folder(trained, tmp_path, monkeypatch):
    folder = trained(tmp_path, 1)
    # macOS keeps such files beside others on disks of other systems.
    (folder / '._model.ckpt-9.index').touch()
    (folder / '._model.ckpt-9.data-00000-of-00001').touch()
    for state in (True, False):
        for name in ('', 'model.ckpt-3', 'model.ckpt-3.index', 'checkpoint'):
            assert folders.one(folder / name, unfinished=False) == folder
        if state:
            (folder / 'checkpoint').unlink()
    monkeypatch.setenv('HOME', str(tmp_path))
    ks, others = command_line.k_and_folders(['3', f'~/{folder.name}/model.ckpt-3'])
    assert (ks, folders.chosen(others, None, unfinished=False)) == (['3'], [folder])
    for other in ('model.ckpt-1', 'model.ckpt-9.index'):
        with pytest.raises(
            InputError, match=f'{other}: .* only the latest .*ckpt-3; give {folder}'
        ):
            folders.one(folder / other, unfinished=False)
    with pytest.raises(InputError, match='no such folder'):
        folders.one(tmp_path / 'none' / 'model.ckpt-3', unfinished=False)


def test_the_home_folder_of_an_option(monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    given = train.parse_arguments(['--checkpoints=~/x', '--data=~/d', '--results=~/r.csv'])
    places = given.checkpoints, given.data, given.results
    assert places == (tmp_path / 'x', tmp_path / 'd', tmp_path / 'r.csv')
    assert search.parse_arguments(['~/a.png', '--out=~/b.png']).query == str(tmp_path / 'a.png')

"""Any name of a folder is taken as it is: TensorFlow reads some of them as patterns."""

import io
import os
import shutil
import sys

import pytest
from conftest import NARROW
from conftest import NARROW_NAME as NAME

import load
import mAP
import plots
import search
import train
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
    return folders.step_of(folders.latest(folder))


def test_patterns(trained, small_dataset, tmp_path, capsys):
    root = make(tmp_path, PATTERN)
    data = shutil.copytree(small_dataset.folder, root / 'data')
    table, where = ['--data', data, '--results', root / 'results.csv'], ['--checkpoints', root]
    picture, query = root / 'out.png', next((data / 'testing').rglob('*.png'))

    def run(main, *arguments):
        main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    trained(root, 1)
    training = [train.main, *table, *where, *NARROW, '--measure', 'test', '--epochs', '2']
    assert 'step 6 of 6' in run(*training)  # starts from the folder of 1 epoch
    assert 'already trained and measured' in run(*training)
    run(precise_bn.main, '--data', data, root / f'{NAME}_2e')
    assert run(load.main, *table, *where, '--measure', 'test').count('accuracy') == 3
    run(mAP.main, *table, *where, '--report', root / 'report')
    run(search.main, '--data', data, '--checkpoint', root / f'{NAME}_1e', query, '--out', picture)
    run(plots.main, '--results', root / 'results.csv', '--out', root / 'figures')
    assert picture.exists()
    assert (root / 'figures' / 'figure_6.png').exists()
    assert step_in(root / f'{NAME}_1e') == 3
    assert step_in(root / f'{NAME}_2e') == step_in(root / f'{NAME}_precise-bn_2e') == 6


def test_a_neighbour_keeps_its_checkpoints(trained, small_dataset, tmp_path):
    trained(make(tmp_path, 'exp1'), 2)
    trained(make(tmp_path, 'exp*'), 2)
    options = ['--data', small_dataset.folder, '--results', tmp_path / 'results.csv', *NARROW]
    options += ['--checkpoints', tmp_path / 'exp*', '--measure', 'test', '--epochs', '3']
    train.main([*map(str, options)])
    assert step_in(tmp_path / 'exp1' / f'{NAME}_2e') == 6
    assert step_in(tmp_path / 'exp*' / f'{NAME}_3e') == 9


def test_bytes_that_are_not_utf_8(run_script, small_dataset, tmp_path, monkeypatch):
    root = make(tmp_path, NOT_UTF_8)
    data = shutil.copytree(small_dataset.folder, root / 'data')
    table = ['--data', data, '--results', root / 'results.csv']
    new = ['--checkpoints', root, '--epochs', '1', '--measure', 'test']
    ended = run_script('train.py', *table, *NARROW, *new, errors='surrogateescape')
    assert ended.returncode == 0, ended.stderr
    assert 'Traceback' not in ended.stderr
    odd = shutil.move(root / f'{NAME}_1e', root / NOT_UTF_8)
    query = next((data / 'testing').rglob('*.png'))
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(io.BytesIO(), errors='surrogateescape'))
    for main, *arguments in (
        (load.main, *table, odd, '--measure', 'test'),
        (mAP.main, *table, odd, '--report', root / 'report'),
        (search.main, '--data', data, '--checkpoint', odd, query, '--out', root / 'out.png'),
        (plots.main, '--results', root / 'results.csv', '--out', root / 'figures'),
    ):
        main([*map(str, arguments)])
    assert r'latin-\xe9' in (root / 'results.csv').read_text(encoding='utf-8')
    assert (root / 'report' / r'latin-\xe9' / 'euclidean' / 'confusion.png').exists()

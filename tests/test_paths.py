"""Any name of a folder is taken as it is: TensorFlow reads some of them as patterns."""

import os
import shutil

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


def test_patterns(small_dataset, tmp_path, capsys):
    root = make(tmp_path, PATTERN)
    data = shutil.copytree(small_dataset.folder, root / 'data')
    table, where = ['--data', data, '--results', root / 'results.csv'], ['--checkpoints', root]
    picture, query = root / 'out.png', next((data / 'testing').rglob('*.png'))

    def run(main, *arguments):
        main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    training = [train.main, *table, *where, *NARROW, '--measure', 'test', '--epochs']
    assert 'step 3 of 3' in run(*training, '1')
    assert 'step 6 of 6' in run(*training, '2')  # starts from the folder of 1 epoch
    assert 'already trained and measured' in run(*training, '2')
    run(precise_bn.main, '--data', data, root / f'{NAME}_2e')
    assert run(load.main, *table, *where, '--measure', 'test').count('accuracy') == 3
    run(mAP.main, *table, *where, '--report', root / 'report')
    run(search.main, '--data', data, '--checkpoint', root / f'{NAME}_1e', query, '--out', picture)
    run(plots.main, '--results', root / 'results.csv', '--out', root / 'figures')
    assert picture.exists()
    assert (root / 'figures' / 'figure_6.png').exists()
    assert step_in(root / f'{NAME}_1e') == 3
    assert step_in(root / f'{NAME}_2e') == step_in(root / f'{NAME}_precise-bn_2e') == 6


def test_a_neighbour_keeps_its_checkpoints(small_dataset, tmp_path):
    table = ['--data', small_dataset.folder, '--results', tmp_path / 'results.csv']
    for name, epochs in (('exp1', '2'), ('exp*', '3')):
        options = [*table, *NARROW, '--checkpoints', make(tmp_path, name), '--measure', 'test']
        train.main([*map(str, options), '--epochs', '2', epochs])
    assert step_in(tmp_path / 'exp1' / f'{NAME}_2e') == 6
    assert step_in(tmp_path / 'exp*' / f'{NAME}_3e') == 9


def test_bytes_that_are_not_utf_8(run_script, small_dataset, tmp_path):
    root = make(tmp_path, NOT_UTF_8)
    data = shutil.copytree(small_dataset.folder, root / 'data')
    table = ['--data', data, '--results', root / 'results.csv']

    def run(*arguments):
        ended = run_script(*arguments, errors='surrogateescape')
        assert ended.returncode == 0, ended.stderr
        assert 'Traceback' not in ended.stderr

    run('train.py', *table, *NARROW, '--checkpoints', root, '--epochs', '1')
    odd = shutil.move(root / f'{NAME}_1e', root / NOT_UTF_8)
    run('load.py', *table, odd, '--measure', 'test')
    run('mAP.py', *table, odd, '--report', root / 'report')
    query = next((data / 'testing').rglob('*.png'))
    run('search.py', '--data', data, '--checkpoint', odd, query, '--out', root / 'out.png')
    run('plots.py', '--results', root / 'results.csv', '--out', root / 'figures')
    assert r'latin-\xe9' in (root / 'results.csv').read_text(encoding='utf-8')
    assert (root / 'report' / r'latin-\xe9' / 'euclidean' / 'confusion.png').exists()

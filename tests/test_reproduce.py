"""The recipe of the reproduction: which commands it runs, without running them."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from tools.fill_tables import cells, protocol_l

# Stands for python: records its arguments, and leaves what the recipe reads and copies.
STAND_IN = """#!{python} -S
import json, pathlib, sys
with open({log!r}, 'a') as log:
    log.write(json.dumps(sys.argv[1:]) + '\\n')
for flag in {{'--results', '--differences'}} & set(sys.argv):
    pathlib.Path(sys.argv[sys.argv.index(flag) + 1]).write_text(flag)
if sys.argv[1] == 'create_dataset.py':
    out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])
    out.mkdir(parents=True, exist_ok=True)
    rows = [f'{{split}},cat,{{n}}\\n' for split in ('train', 'test') for n in range(200)]
    (out / 'drawings.csv').write_text('split,category,key_id\\n' + ''.join(rows))
"""


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


@pytest.fixture
def recipe(tmp_path):
    """Return a function that gives the commands of a copied recipe as lists of words."""
    log, stand_in = tmp_path / 'log', tmp_path / 'python'
    stand_in.write_text(STAND_IN.format(python=sys.executable, log=str(log)))
    stand_in.chmod(0o755)
    (tmp_path / 'files').mkdir()
    (tmp_path / 'categories.txt').write_text('cat\ndog\n')
    (tmp_path / 'tools').mkdir()
    for path in (ROOT / 'tools').glob('*.sh'):
        shutil.copy(path, tmp_path / 'tools')

    def call(*arguments, **variables):
        folders = [tmp_path / name for name in ('tools/reproduce.sh', 'files', 'out')]
        environment = {**os.environ, 'PY': str(stand_in), **variables}
        log.write_text('')
        ended = run(['bash', *folders, *arguments], env=environment)
        assert (ended.returncode, ended.stderr) == (0, '')
        return [json.loads(line) for line in log.read_text().splitlines()]

    return call


@functools.cache
def flags_of(*program):
    """Return the flags that a script's --help shows."""
    shown = run([sys.executable, *program, '--help'], cwd=ROOT).stdout
    return {word.strip('[],') for word in shown.split() if word.strip('[],').startswith('--')}


@pytest.mark.parametrize('smoke', ['', '1'])
def test_every_command_has_flags_that_exist_and_tables_are_copied(recipe, tmp_path, smoke):
    commands = recipe(SMOKE=smoke)
    programs = {tuple(words[: 1 + (words[0] == '-m')]) for words in commands}
    assert {words[-1] for words in programs} == {
        *('create_dataset.py', 'train.py', 'load.py', 'mAP.py', 'plots.py'),
        *('tools.precise_bn', 'tools.compare', 'tools.draw_networks'),
    }
    for words in commands:
        given = {word for word in words if word.startswith('--')}
        assert given <= flags_of(*words[: 1 + (words[0] == '-m')]), words
    results, toy = tmp_path / 'docs' / 'results', tmp_path / 'out' / 'results'
    assert (results.exists(), toy.exists()) == (not smoke, bool(smoke))
    copied = {path.name for path in (toy if smoke else results).iterdir()}
    elsewhere = {'tensorflow_2.15.csv', 'tensorflow_2.21.csv', 'precision.csv'}
    elsewhere |= {'protocol_m_16.csv'}  # its commands stand in docs/reproduction.md
    of_l = {protocol_l.FROM_7, protocol_l.FROM_10, protocol_l.FEW_FROM_5}
    assert copied == set(cells.MEASURED) - elsewhere | of_l


def test_protocol_l_trains_as_the_paper_does_and_with_fewer_drawings(recipe, tmp_path):
    commands = [' '.join(words) for words in recipe('l')]
    assert '--drawings docs/results/protocol_l_drawings.csv ' in commands[0] + ' '
    trainings = [words for words in commands if words.startswith('train.py')]
    changed = ('--batch-size', '--learning-rate', '--batch-norm-momentum', '--precision')
    assert not any(flag in words for words in trainings for flag in changed)
    epochs = [re.search(r'--epochs ([\d ]+)', words)[1].split() for words in trainings]
    assert epochs == [['0', '1', '2', '3', '5', '7', '10'], ['5', '10', '15'], ['5', '10']]

    (fewer,) = (words for words in commands if 'few_drawings' in words and '--drawings' in words)
    rows = Path(re.search(r'--drawings (\S+)', fewer)[1]).read_text().splitlines()
    chosen = [f'train,cat,{number}' for number in range(100)]  # the first of the list
    assert rows == ['split,category,key_id', *chosen, *(f'test,cat,{n}' for n in range(200))]


@pytest.mark.parametrize(('only', 'other'), [('s', 'L'), ('l', 'S')])
def test_one_protocol_alone(recipe, tmp_path, only, other):
    words = {word for command in recipe(only) for word in command}
    assert not any(word.startswith(str(tmp_path / 'out' / other)) for word in words)


@pytest.mark.parametrize(
    ('arguments', 'word'),
    [
        (['files'], 'give the folder of .bin files and the folder to fill'),
        (['files', 'out', 'S'], 'protocol S; give s, l, or nothing'),
    ],
)
def test_a_wrong_call_is_refused_at_once(tmp_path, arguments, word):
    command = ['bash', ROOT / 'tools' / 'reproduce.sh', *arguments]
    ended = run(command, env={**os.environ, 'PY': '/bin/false'}, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, '')
    assert ended.stderr.startswith(f'reproduce.sh: error: {word}')
    assert len(ended.stderr.splitlines()) == 1

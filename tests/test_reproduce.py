"""The recipe of the reproduction: which commands it runs, without running them."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

# Stands for python: records its arguments, and leaves what the recipe reads of a data set.
STAND_IN = """#!{python} -S
import json, pathlib, sys
with open({log!r}, 'a') as log:
    log.write(json.dumps(sys.argv[1:]) + '\\n')
if sys.argv[1] == 'create_dataset.py':
    out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])
    out.mkdir(parents=True, exist_ok=True)
    rows = [f'{{split}},cat,{{n}}\\n' for split in ('train', 'test') for n in range(200)]
    (out / 'drawings.csv').write_text('split,category,key_id\\n' + ''.join(rows))
"""


@pytest.fixture
def recipe(tmp_path):
    """Return a function that gives the commands of the recipe as lists of words."""
    log, stand_in = tmp_path / 'log', tmp_path / 'python'
    stand_in.write_text(STAND_IN.format(python=sys.executable, log=str(log)))
    stand_in.chmod(0o755)
    (tmp_path / 'files').mkdir()
    (tmp_path / 'categories.txt').write_text('cat\ndog\n')

    def call(*arguments, status=0, **variables):
        command = ['bash', ROOT / 'tools' / 'reproduce.sh', tmp_path / 'files', tmp_path / 'out']
        environment = {**os.environ, 'PY': str(stand_in), **variables}
        log.write_text('')
        ended = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, timeout=300
        )
        assert (ended.returncode, bool(ended.stderr)) == (status, bool(status)), ended.stderr
        return [json.loads(line) for line in log.read_text().splitlines()]

    return call


@functools.cache
def flags_of(*program):
    """Return the flags that a script's --help shows."""
    command = [sys.executable, *program, '--help']
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {word.strip('[],') for word in shown.split() if word.strip('[],').startswith('--')}


@pytest.mark.parametrize('smoke', ['', '1'])
def test_every_command_has_flags_that_exist(recipe, smoke):
    commands = recipe(SMOKE=smoke)
    programs = {tuple(words[: 1 + (words[0] == '-m')]) for words in commands}
    assert {words[-1] for words in programs} == {
        *('create_dataset.py', 'train.py', 'load.py', 'mAP.py', 'plots.py'),
        *('tools.precise_bn', 'tools.compare', 'tools.draw_networks'),
    }
    for words in commands:
        given = {word for word in words if word.startswith('--')}
        assert given <= flags_of(*words[: 1 + (words[0] == '-m')]), words


def option(words, flag):
    """Return the words that follow a flag."""
    after = words[words.index(flag) + 1 :]
    ends = [place for place, word in enumerate(after) if word.startswith('--')]
    return after[: ends[0]] if ends else after


def test_protocol_l_is_the_papers_training(recipe, tmp_path):
    commands = recipe('l')
    assert option(commands[0], '--drawings') == ['docs/results/protocol_l_drawings.csv']
    trainings = [words for words in commands if words[0] == 'train.py']
    for words in trainings:
        assert not {'--batch-size', '--learning-rate', '--batch-norm-momentum'} & set(words)
    control, *others = trainings
    assert '--precision' not in control
    assert all(option(words, '--precision') == ['mixed'] for words in others)
    assert option(control, '--epochs') == ['0', '1', '2', '3', '5', '7', '10']
    separate = [words for words in trainings if str(tmp_path / 'out' / 'L' / 'separate') in words]
    runs = [(option(words, '--epochs'), option(words, '--seed')) for words in separate]
    assert runs == [
        *((['7'], [seed]) for seed in ('11', '12', '13')),
        *((['17'], [seed]) for seed in ('31', '32', '33')),
    ]


def test_without_bfloat16(recipe):
    words = [words for words in recipe('l', PRECISION='float32') if words[0] == 'train.py']
    assert {option(each, '--precision')[0] for each in words[1:]} == {'float32'}


def test_fewer_drawings_are_the_first_of_the_list(recipe, tmp_path):
    (command,) = (words for words in recipe('l') if any('few_drawings' in w for w in words))
    rows = Path(option(command, '--drawings')[0]).read_text().splitlines()
    assert rows[0] == 'split,category,key_id'
    assert rows[1:] == [
        *(f'train,cat,{number}' for number in range(100)),
        *(f'test,cat,{number}' for number in range(200)),
    ]


@pytest.mark.parametrize(
    ('arguments', 'environment', 'word'),
    [
        (['files'], {}, 'give the folder of .bin files and the folder to fill'),
        (['files', 'out', 'both'], {}, 'protocol both; give s, l, or nothing'),
        (['files', 'out'], {'PRECISION': 'float16'}, 'PRECISION=float16; give float32 or mixed'),
    ],
)
def test_a_wrong_call_is_refused_at_once(tmp_path, arguments, environment, word):
    ended = subprocess.run(
        ['bash', ROOT / 'tools' / 'reproduce.sh', *arguments],
        env={**os.environ, 'PY': '/bin/false', **environment},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (ended.returncode, ended.stdout) == (2, '')
    assert ended.stderr.startswith(f'reproduce.sh: error: {word}')
    assert len(ended.stderr.splitlines()) == 1


def test_one_protocol_alone(recipe, tmp_path):
    for only, other in (('s', 'L'), ('l', 'S')):
        words = {word for command in recipe(only) for word in command}
        assert not any(word.startswith(str(tmp_path / 'out' / other)) for word in words)
    assert recipe('S', status=2) == []

"""Which Python `make` takes, and when it makes the environment anew; pip and venv are stand-ins."""

import os
import shutil
import subprocess

import pytest
from conftest import ROOT

NAMES = ['python3', *(f'python3.{minor}' for minor in range(14, 8, -1))]
# Answers the Makefile's questions as a Python of one version, and records venv and pip.
STAND_IN = """#!/bin/sh
case "$1 $2" in
    "-c import sys"*) {python} -c "$(echo "$2" | sed 's/sys.version_info\\[:2\\]/({version})/')" ;;
    "-c import ensurepip"*) exit {has_venv} ;;
    "-m venv")
        echo "venv $0" >> {log}
        mkdir -p {venv}/bin
        cp "$0" {venv}/bin/python
        printf '#!/bin/sh\\necho pip "$@" >> {log}\\n' > {venv}/bin/pip
        chmod +x {venv}/bin/pip ;;
esac
"""
ABSENT = '#!/bin/sh\nexit 127\n'


@pytest.fixture
def make(tmp_path):
    """Return a function that runs `make` where some Pythons are on the path.

    It returns the ended process and what venv and pip were asked for.
    """
    for name in ('Makefile', *(path.name for path in ROOT.glob('requirements*.txt'))):
        shutil.copy(ROOT / name, tmp_path)
    log = tmp_path / 'log'

    def call(*arguments, has_venv=True, **versions):
        folder = tmp_path / 'path'
        folder.mkdir(exist_ok=True)
        for name in NAMES:
            version = versions.get(name.replace('.', '_'))
            values = {'python': shutil.which('python3'), 'log': log, 'venv': tmp_path / '.venv'}
            values.update(version=version, has_venv=int(not has_venv))
            (folder / name).write_text(STAND_IN.format(**values) if version else ABSENT)
            (folder / name).chmod(0o755)
        log.write_text('')
        environment = {**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}'}
        # What the make that runs the tests was called with: it passes its own variables on.
        for name in ('MAKEFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'MFLAGS', 'GPU', 'PYTHON', 'VENV'):
            environment.pop(name, None)
        command = ['make', '.venv/installed', *arguments]
        shown = {'capture_output': True, 'text': True}
        ended = subprocess.run(command, cwd=tmp_path, env=environment, **shown)
        return ended, log.read_text().replace(f'{folder}/', '').splitlines()

    return call


def newer(path):
    os.utime(path, (2e9, 2e9))


@pytest.mark.parametrize(
    ('versions', 'taken'),
    [
        ({'python3': '3, 9', 'python3_13': '3, 13'}, 'python3'),
        ({'python3': '3, 14', 'python3_9': '3, 9', 'python3_12': '3, 12'}, 'python3.12'),
        ({'python3': '3, 8', 'python3_11': '3, 11', 'python3_10': '3, 10'}, 'python3.11'),
    ],
)
def test_the_python_that_is_taken(make, versions, taken):
    ended, done = make(**versions)
    assert ended.returncode == 0, ended.stderr
    assert done[0] == f'venv {taken}'
    assert done[1].startswith('pip install -q -r requirements.txt')


@pytest.mark.parametrize(
    ('arguments', 'versions'),
    [
        ([], {'python3': '3, 14'}),
        ([], {'python3': '3, 12', 'has_venv': False}),
        (['PYTHON=python3.14'], {'python3': '3, 12', 'python3_14': '3, 14'}),
    ],
)
def test_without_a_python_that_fits_one_line_names_the_remedy(make, arguments, versions):
    ended, done = make(*arguments, **versions)
    assert ended.returncode == 2
    assert done == []
    told = ended.stderr.splitlines()[0]
    assert told.startswith('make: Python 3.9 to 3.13 with venv is needed. Install one')


def test_an_environment_that_fits_is_kept(make, tmp_path):
    make(python3='3, 11')
    assert make(python3='3, 11')[1] == []
    newer(tmp_path / 'requirements.txt')
    # Another python3 is no reason either.
    _, done = make(python3='3, 13')
    assert len(done) == 1
    assert done[0].startswith('pip install')


def test_an_environment_of_another_python_is_made_anew(make, tmp_path):
    make(python3='3, 11')
    newer(tmp_path / 'requirements.txt')
    assert make('PYTHON=python3.12', python3='3, 11', python3_12='3, 12')[1][0] == 'venv python3.12'
    (tmp_path / '.venv/bin/python').write_text(ABSENT)  # its Python has been removed
    newer(tmp_path / 'requirements-gpu.txt')
    assert make(python3='3, 13')[1][0] == 'venv python3'


def test_gpu_replaces_the_wheel_for_cpus(make):
    _, done = make('GPU=1', python3='3, 11')
    found = [line.split(' --')[0] for line in done[1:]]
    assert found == [
        'pip install -q -r requirements.txt',
        'pip uninstall -q -y tensorflow-cpu',
        'pip install -q -r requirements-gpu.txt',
    ]

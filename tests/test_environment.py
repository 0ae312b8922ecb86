"""Environment variables that users, notebooks and containers set."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT

DRAW = """
import pathlib, sys
import sketch.plotting, matplotlib
figure, axes = sketch.plotting.subplots()
axes.plot([1, 2])
sketch.plotting.save(figure, pathlib.Path(sys.argv[1]))
print(matplotlib.rcParams._get_backend_or_none())
"""


def run(code, *arguments, cwd=ROOT, **environment):
    variables = {**os.environ, **{k: v for k, v in environment.items() if v is not None}}
    for name, value in environment.items():
        if value is None:
            variables.pop(name, None)
    command = [sys.executable, '-c', code, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)


@pytest.mark.parametrize(
    ('name', 'stays'),
    [('module://matplotlib_inline.backend_inline', None), ('nonsense', None), ('svg', 'svg')],
)
def test_matplotlibs_backend(tmp_path, name, stays):
    ended = run(DRAW, tmp_path / 'a.png', MPLBACKEND=name)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / 'a.png').stat().st_size > 1000
    if stays:
        assert ended.stdout.strip() == stays


def test_a_user_without_a_home(tmp_path):
    # What a user id is that the system does not know, a missing entry of pwd is here.
    code = 'import pwd\ndef no(_): raise KeyError\npwd.getpwuid = no\n' + DRAW
    ended = run(code, tmp_path / 'a.png', HOME=None, MPLCONFIGDIR=None)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / 'a.png').stat().st_size > 1000


def test_tensorflow_without_a_home(tmp_path):
    code = f'import sys; sys.path.insert(0, {str(ROOT)!r})\nimport pwd\ndef no(_): raise KeyError\n'
    code += 'pwd.getpwuid = no\nfrom sketch.backend.setup import tf; tf.keras'
    ended = run(code, cwd=tmp_path, HOME=None)
    assert ended.returncode == 0, ended.stderr
    assert list(tmp_path.iterdir()) == []  # no folder named ~


def test_a_stream_without_a_file(tmp_path):
    code = 'import io, sys; sys.stdout = io.StringIO()\n'
    code += 'from sketch import command_line; command_line.run(lambda: print(1))'
    assert run(code).returncode == 0


def test_a_terminal_of_other_characters(tmp_path):
    missing = tmp_path / '素'
    code = f'from sketch import command_line\ncommand_line.run(lambda: open({str(missing)!r}))'
    ended = run(code, PYTHONIOENCODING='latin-1')
    assert ended.returncode == 2
    assert ended.stderr.endswith(r'\u7d20: No such file or directory' + '\n')


def test_legacy_keras(tmp_path):
    code = 'from sketch.backend.setup import tf; print(tf.keras.utils.set_random_seed)'
    ended = run(code, TF_USE_LEGACY_KERAS='1')
    assert ended.returncode == 0, ended.stderr

"""Environment variables that users, notebooks and containers set."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT

DRAW = """
import sketch.plotting, matplotlib
figure, axes = sketch.plotting.subplots()
axes.plot([1, 2])
sketch.plotting.save(figure, sketch.plotting.Path(__import__('sys').argv[1]))
print(matplotlib.rcParams._get_backend_or_none())
"""


def run(code, *arguments, **environment):
    variables = {**os.environ, **{k: v for k, v in environment.items() if v is not None}}
    for name, value in environment.items():
        if value is None:
            variables.pop(name, None)
    command = [sys.executable, '-c', code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)


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


def test_legacy_keras(tmp_path):
    code = 'from sketch.tensorflow_setup import tf; print(tf.keras.utils.set_random_seed)'
    ended = run(code, TF_USE_LEGACY_KERAS='1')
    assert ended.returncode == 0, ended.stderr

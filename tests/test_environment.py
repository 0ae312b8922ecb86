"""Environment variables that users, notebooks and containers set."""

import os

import pytest
from conftest import ROOT, run_code

from sketch.backend import processor

DRAW = """
import pathlib, sys
import sketch.plotting, matplotlib
figure, axes = sketch.plotting.subplots()
axes.plot([1, 2])
sketch.plotting.save(figure, pathlib.Path(sys.argv[1]))
print(matplotlib.rcParams._get_backend_or_none())
"""


@pytest.mark.parametrize(
    ('name', 'stays'),
    [('module://matplotlib_inline.backend_inline', None), ('nonsense', None), ('svg', 'svg')],
)
def test_matplotlibs_backend(tmp_path, name, stays):
    ended = run_code(DRAW, tmp_path / 'a.png', MPLBACKEND=name)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / 'a.png').stat().st_size > 1000
    if stays:
        assert ended.stdout.strip() == stays


def test_a_user_without_a_home(tmp_path):
    # What a user id is that the system does not know, a missing entry of pwd is here.
    code = 'import pwd\ndef no(_): raise KeyError\npwd.getpwuid = no\n'
    code += DRAW + 'from sketch.backend.setup import tf; tf.keras'
    nothing = dict.fromkeys(['HOME', 'MPLCONFIGDIR'])
    ended = run_code(code, tmp_path / 'a.png', cwd=tmp_path, PYTHONPATH=str(ROOT), **nothing)
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ['a.png']  # no folder named ~
    assert (tmp_path / 'a.png').stat().st_size > 1000


def test_a_stream_without_a_file_and_a_terminal_of_other_characters(tmp_path):
    code = 'import io, sys; sys.stdout = io.StringIO()\n'
    code += 'from sketch import command_line; command_line.run(lambda: print(1))'
    assert run_code(code).returncode == 0
    missing = tmp_path / '素'
    code = f'from sketch import command_line\ncommand_line.run(lambda: open({str(missing)!r}))'
    ended = run_code(code, PYTHONIOENCODING='latin-1')
    assert ended.returncode == 2
    assert ended.stderr.endswith(r'\u7d20: No such file or directory' + '\n')


def test_legacy_keras(tmp_path):
    code = 'from sketch.backend.setup import tf; print(tf.keras.utils.set_random_seed)'
    ended = run_code(code, TF_USE_LEGACY_KERAS='1')
    assert ended.returncode == 0, ended.stderr


@pytest.mark.skipif(not hasattr(os, 'sched_setaffinity'), reason='this system has no affinity')
def test_cores_that_a_cluster_gives():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert processor.cores() == 1
    finally:
        os.sched_setaffinity(0, before)

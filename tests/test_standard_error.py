"""Nothing is on standard error unless something is wrong; what is wrong comes through."""

import os
import subprocess
import sys

import pytest
from conftest import NARROW, NARROW_NAME, ROOT

FILTERED = """
import os, sys
from sketch.backend.stderr_filter import without_lines
with without_lines('^noise|hidden$'):
    os.write(2, b'noise 1\\nan error\\n\\xff hidden\\n')
    print('of Python', file=sys.stderr)
    {end}
os.write(2, b'noise 2\\n')
"""


def run(code, **environment):
    environment = {**os.environ, **environment}
    command = [sys.executable, '-c', code]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_scripts_print_nothing(run_script, small_dataset, tmp_path):
    common = ['--data', small_dataset.folder]
    table = ['--results', tmp_path / 'results.csv', '--checkpoints', tmp_path]
    narrow = [*NARROW, '--batch-norm-momentum', '0.5', '--epochs', '2']
    folder = tmp_path / f'{NARROW_NAME}_momentum0.5_2e'
    for script, *arguments in (
        ('train.py', *common, *table, *narrow),
        ('load.py', *common, *table),
        ('mAP.py', *common, *table),
        (
            'search.py',
            *common,
            '--checkpoint',
            folder,
            '--examples',
            'random',
            '--out',
            tmp_path / 's.png',
        ),
        ('tools.precise_bn', *common, folder),
        ('tools.draw_networks', '--out', tmp_path / 'figures'),
    ):
        ended = run_script(script, *arguments)
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr == '', script


def test_what_tensorflow_has_to_say_comes_through():
    code = (
        'from sketch.backend.setup import tf\n'
        'tf.compat.v1.logging.warning("a warning")\n'
        'tf.compat.v1.logging.error("an error")\n'
        'tf.compat.v1.logging.info("information")\n'
    )
    told = run(code).stderr
    assert 'a warning' in told
    assert 'an error' in told
    assert 'information' not in told


@pytest.mark.parametrize(
    ('end', 'status'), [('pass', 0), ('os.kill(os.getpid(), 9)', -9), ('os.abort()', -6)]
)
def test_without_lines(end, status):
    ended = run(FILTERED.format(end=end))
    assert ended.returncode == status
    told = ['an error', 'of Python', 'noise 2']
    # The filter may outlive the process that it works for: its lines are there all the same.
    assert ended.stderr.splitlines() == (told if status == 0 else told[:2])


@pytest.mark.parametrize('close', ['os.close(2)', 'os.environ["PATH"] = ""'])
def test_without_lines_without_standard_error_or_grep(close):
    code = f"""
import os
from sketch.backend.stderr_filter import without_lines
{close}
with without_lines('a'):
    print('here')
"""
    assert run(code).stdout == 'here\n'

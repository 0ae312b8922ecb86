"""Nothing is on standard error unless something is wrong; what is wrong comes through."""

import pytest
from conftest import NARROW, options, run_code

FILTERED = """
import os, sys
from sketch.backend.stderr_filter import without_lines
with without_lines('^noise|hidden$'):
    os.write(2, b'noise 1\\nan error\\n\\xff hidden\\n')
    print('of Python', file=sys.stderr)
    {end}
os.write(2, b'noise 2\\n')
"""


def test_scripts_print_nothing(run_script, trained, small_dataset, tmp_path):
    common, table = ['--data', small_dataset.folder], ['--results', tmp_path / 'results.csv']
    narrow = [*NARROW, '--batch-norm-momentum', '0.5', '--epochs', '2', '--measure', 'test']
    ended = run_script('train.py', *options(small_dataset, tmp_path / 'new', *narrow))
    assert (ended.returncode, ended.stderr) == (0, '')
    # The others in one process, which loads TensorFlow once.
    folder, picture = trained(tmp_path, 2), tmp_path / 'search.png'
    search = ['--checkpoint', folder, '--examples', 'random', '--out', picture]
    code = ''
    for script, *arguments in (
        ('load', *common, *table, folder),
        ('mAP', *common, *table, folder),
        ('search', *common, *search),
        ('tools.precise_bn', *common, folder),
        ('tools.draw_networks', '--out', tmp_path / 'figures'),
    ):
        code += f'import {script}; {script}.main({[*map(str, arguments)]})\n'
    ended = run_code(code)
    assert (ended.returncode, ended.stderr) == (0, '')
    assert picture.exists()


def test_what_tensorflow_has_to_say_comes_through():
    code = (
        'from sketch.backend.setup import tf\n'
        'tf.compat.v1.logging.warning("a warning")\n'
        'tf.compat.v1.logging.error("an error")\n'
        'tf.compat.v1.logging.info("information")\n'
    )
    told = run_code(code).stderr
    assert 'a warning' in told
    assert 'an error' in told
    assert 'information' not in told


@pytest.mark.parametrize(
    ('end', 'status'), [('pass', 0), ('os.kill(os.getpid(), 9)', -9), ('os.abort()', -6)]
)
def test_without_lines(end, status):
    ended = run_code(FILTERED.format(end=end))
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
    assert run_code(code).stdout == 'here\n'

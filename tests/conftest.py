"""Small data sets that every test file can use, and the way to run a script as a user does."""

import contextlib
import subprocess
import sys
from pathlib import Path

import broken_server
import pytest

import create_dataset
from sketch.data.dataset import open_dataset
from tools import synthetic

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / 'shared' / 'quickdraw'
# train.py's flags for the narrowest skNet that is still one: seconds instead of minutes.
NARROW = ['--net', 'n1', '--filters', '2', '2', '2', '2', '--batch-size', '8']
NARROW_NAME = 'checkpoints_n1_filters2-2-2-2_batch8'


@contextlib.contextmanager
def served(dataset, checkpoint):
    """A running draw.py: the process, and its address."""
    command = [sys.executable, ROOT / 'draw.py', '--data', dataset.folder, '--no-browser']
    command += ['--checkpoint', checkpoint, '--port', '0']
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
    with subprocess.Popen(command, **pipes) as process:
        try:
            title, address = process.stdout.readline(), process.stdout.readline().split(' ')[0]
            assert 'skNet' in title, process.communicate()
            yield process, address
        finally:
            process.kill()


def variables(folder):
    """Return {name: value} of a folder's latest checkpoint."""
    from sketch.backend.setup import tf
    from sketch.runs import folders  # with TensorFlow, which not every test needs

    prefix = folders.latest(folder)
    assert prefix, sorted(folder.iterdir())
    names = [name for name, _ in tf.train.list_variables(prefix)]
    return {name: tf.train.load_variable(prefix, name) for name in names}


def step_in(folder):
    """Return the step of a folder's latest checkpoint."""
    return int(variables(folder)['global_step'])


@pytest.fixture(scope='session')
def real_drawings():
    """The folder of real drawings beside the checkout."""
    if not REAL.is_dir():
        pytest.skip('no real drawings: ../shared/quickdraw is absent')
    return REAL


@pytest.fixture
def server(monkeypatch):
    """A running broken_server.Server, which no proxy of the environment comes between."""
    monkeypatch.setenv('no_proxy', '*')
    with broken_server.running() as server:
        yield server


@pytest.fixture(scope='session')
def sample_files(tmp_path_factory):
    """A folder with files/ and categories.txt of 12 synthetic categories of 30 drawings."""
    folder = tmp_path_factory.mktemp('sample')
    synthetic.main(['--out', str(folder), '--drawings', '30'])
    return folder


@pytest.fixture(scope='session')
def make_dataset(sample_files):
    """Return a function that makes a data set of sample_files in a folder and opens it."""

    def make(out, classes=3, train=8, test=4, size=96, seed=0):
        create_dataset.construct_from_scratch(
            files=sample_files / 'files',
            categories=sample_files / 'categories.txt',
            out=out,
            classes=classes,
            train=train,
            test=test,
            size=size,
            seed=seed,
            workers=2,
        )
        return open_dataset(out)

    return make


@pytest.fixture(scope='session')
def small_dataset(make_dataset, tmp_path_factory):
    """3 categories of 8 + 4 images of 96x96, opened. Tests only read it."""
    return make_dataset(tmp_path_factory.mktemp('data'))


@pytest.fixture
def run_script():
    """Return a function that runs a script in a process of its own and gives what it printed.

    A script is named as a user names it: mAP.py, or tools.draw_networks for a module.
    """

    def run(script, *arguments, cwd=ROOT, errors=None):
        program = [str(ROOT / script)] if script.endswith('.py') else ['-m', script]
        command = [sys.executable, *program, *map(str, arguments)]
        options = {'capture_output': True, 'text': True, 'errors': errors, 'timeout': 300}
        return subprocess.run(command, cwd=cwd, **options)

    return run


@pytest.fixture
def refused(run_script):
    """Return a function that asserts a script ends with status 2 and one line naming `words`."""

    def check(script, *arguments, words, cwd=ROOT):
        ended = run_script(script, *arguments, cwd=cwd)
        lines = ended.stderr.strip().splitlines()
        assert ended.returncode == 2, ended.stderr
        program = script if script.endswith('.py') else f'python -m {script}'
        assert lines[-1].startswith(f'{program}: error: ')
        assert 'Traceback' not in ended.stderr
        for word in words:
            assert str(word) in lines[-1]
        return ended

    return check

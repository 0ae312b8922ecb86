"""Small data sets that every test file can use, and the way to run a script as a user does."""

import contextlib
import dataclasses
import os
import resource
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import broken_server
import pytest

import create_dataset
import train
from sketch.data.dataset import open_dataset
from sketch.reporting import results
from sketch.runs import settings as run_settings
from tools import synthetic

pytest_plugins = ['browsing']  # fixtures of the tests in a browser

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / 'shared' / 'quickdraw'
# train.py's flags for the narrowest skNet that is still one: seconds instead of minutes.
NARROW = ['--net', 'n1', '--filters', '2', '2', '2', '2', '--batch-size', '8']
NARROW_NAME = 'checkpoints_n1_filters2-2-2-2_batch8'


def options(dataset, root, *more):
    """Return the flags of a data set, and of checkpoints and results in a folder; and `more`."""
    places = ['--data', dataset.folder, '--checkpoints', root, '--results', root / 'results.csv']
    return [str(word) for word in [*places, *more]]


def run_code(code, *arguments, cwd=ROOT, **environment):
    """Run code in a process where some variables have other values; None takes one away."""
    variables = {**os.environ, **environment}
    variables = {name: value for name, value in variables.items() if value is not None}
    command = [sys.executable, '-c', code, *map(str, arguments)]
    options = {'capture_output': True, 'text': True, 'timeout': 300}
    return subprocess.run(command, cwd=cwd, env=variables, **options)


@contextlib.contextmanager
def full_disk(left=1000):
    """While the block runs, this process cannot write over so many bytes into any file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextlib.contextmanager
def served(dataset, checkpoint, *flags):
    """A running draw.py: the process, and its address."""
    command = [sys.executable, ROOT / 'draw.py', '--data', dataset.folder, '--no-browser']
    command += ['--checkpoint', checkpoint, '--port', '0', *flags]
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


def save_variables(folder, values, step):
    """Write {name: value} as plain TensorFlow writes a checkpoint, with nothing beside it."""
    from sketch.backend.setup import tf  # with TensorFlow, which not every test needs

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in values.items():
            tf.compat.v1.get_variable(name, initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(folder / 'model.ckpt'), step)


def summaries(folder):
    """Return {tag: {step: number}} of what trainings below a folder wrote for TensorBoard."""
    from sketch.backend.setup import tf  # with TensorFlow, which not every test needs

    found = {}
    for path in folder.rglob('events.*'):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def step_in(folder):
    """Return the step of a folder's latest checkpoint."""
    return int(variables(folder)['global_step'])


def as_if_killed(folder, **settings):
    """Make a finished folder that of a longer training, which was killed; return it."""
    settings = dataclasses.replace(run_settings.load(folder), **settings)
    run_settings.save(folder, settings)
    return folder.rename(folder.with_name(settings.folder_name))


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
        return open_dataset(out, ('train', 'test') if train else ('test',))

    return make


@pytest.fixture(scope='session')
def small_dataset(make_dataset, tmp_path_factory):
    """3 categories of 8 + 4 images of 96x96, opened. Tests only read it."""
    return make_dataset(tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='session')
def trained(small_dataset, tmp_path_factory):
    """Return a function that gives a test folders of one training of a narrow skNet.

    It copies the folders of 0, 1 or 2 epochs (3 steps each) and their accuracies in results.csv,
    and returns the Path of the last one.
    """
    root = tmp_path_factory.mktemp('trained')
    train.main(options(small_dataset, root, *NARROW, '--epochs', 0, 1, 2))
    rows = results.read(root / 'results.csv')

    def copy(place, *epochs):
        for count in epochs:
            name = f'{NARROW_NAME}_{count}e'
            folder = shutil.copytree(root / name, place / name)
            results.record(place / 'results.csv', [row for row in rows if row['run'] == name])
        return folder

    return copy


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
def refused(monkeypatch, capsys):
    """Return a function that asserts a script ends with status 2 and one line naming `words`.

    It runs the script in this process. That a process of its own tells the same is tested by
    test_messages.py and test_train.py.
    """

    def check(script, *arguments, words, cwd=ROOT):
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, 'argv', [str(ROOT / script), *map(str, arguments)])
        capsys.readouterr()
        monkeypatch.delitem(sys.modules, script, raising=False)
        with pytest.raises(SystemExit) as ended:  # noqa: PT012
            if script.endswith('.py'):
                runpy.run_path(sys.argv[0], run_name='__main__')
            else:
                runpy.run_module(script, run_name='__main__', alter_sys=True)
        told = capsys.readouterr()
        line = told.err.strip().splitlines()[-1]
        program = script if script.endswith('.py') else f'python -m {script}'
        assert (ended.value.code, line[: len(program) + 9]) == (2, f'{program}: error: ')
        for word in words:
            assert str(word) in line
        return told

    return check

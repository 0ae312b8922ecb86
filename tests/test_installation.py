"""What the user is told if TensorFlow's packages are missing or do not fit together."""

import subprocess
import sys

import pytest
from conftest import NARROW, ROOT, options

from sketch.backend import installation

# Without site-packages: only the packages that `installed` describes are there.
LOAD = """
import sys
sys.path[:0] = sys.argv[1:3]
sys.argv[0] = 'train.py'
from sketch import command_line
command_line.run(lambda: __import__('sketch.backend.setup'))
"""
STACK_2_15 = {'tensorflow-cpu': '2.15.1', 'tensorflow-estimator': '2.15.0', 'protobuf': '4.25.8'}
STACK_2_21 = {
    'tensorflow': '2.21.0',
    'tensorflow-estimator': '2.15.0',
    'tf-keras': '2.21.0',
    'protobuf': '7.36.2',
}
STACK_2_20 = {**STACK_2_21, 'tensorflow': '2.20.0', 'tf-keras': '2.20.1', 'protobuf': '6.33.6'}
WRONG = [
    ({}, 'TensorFlow is not installed; activate the environment'),
    ({'tensorflow': '2.14.1'}, 'TensorFlow 2.14.1 does not work with Estimator; install 2.15.1 on'),
    ({**STACK_2_21, 'tensorflow': '2.19.0+nv25'}, 'TensorFlow 2.19.0+nv25 does not work with'),
    (
        {**STACK_2_21, 'tensorflow-estimator': None},
        'tensorflow-estimator is missing beside TensorFlow 2.21.0; run: pip install --no-deps '
        'tensorflow-estimator~=2.15.0',
    ),
    (
        {**STACK_2_21, 'tf-keras': '2.20.1'},
        'tf-keras 2.20.1 does not fit TensorFlow 2.21.0; run: pip install --no-deps '
        'tf-keras~=2.21.0',
    ),
    (
        {**STACK_2_20, 'protobuf': '7.36.2'},
        'protobuf 7.36.2 is too new for TensorFlow 2.20.0; run: pip install "protobuf<7"',
    ),
    (
        {**STACK_2_15, 'protobuf': '5.29.5'},
        'protobuf 5.29.5 is too new for TensorFlow 2.15.1; run: pip install "protobuf<5"',
    ),
    (
        {**STACK_2_21, 'tensorflow-cpu': '2.20.0'},
        'tensorflow 2.21.0 and tensorflow-cpu 2.20.0 overwrite each other; install one of them',
    ),
]


@pytest.fixture
def installed(tmp_path):
    """Return a function that describes packages as installed in a folder, and returns it."""

    def call(packages):
        for name, version in packages.items():
            if version:
                folder = tmp_path / f'{name.replace("-", "_")}-{version}.dist-info'
                folder.mkdir()
                text = f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
                (folder / 'METADATA').write_text(text)
        return tmp_path

    return call


def refusal(command):
    """Run a command that must end with status 2; return the line that it tells."""
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize(('packages', 'told'), WRONG)
def test_an_installation_that_does_not_work(monkeypatch, installed, packages, told):
    monkeypatch.delenv('PYTHONPATH', raising=False)
    line = refusal([sys.executable, '-S', '-c', LOAD, ROOT, installed(packages)])
    assert line.startswith(f'train.py: error: {told}')


@pytest.mark.parametrize(
    ('packages', 'release'),
    [(STACK_2_15, (2, 15)), (STACK_2_20, (2, 20)), (STACK_2_21, (2, 21))],
)
def test_an_installation_that_works(monkeypatch, installed, packages, release):
    monkeypatch.setattr(sys, 'path', [str(installed(packages))])
    assert installation.check() == release
    assert installation.has_estimator(release) == (release == (2, 15))


def test_a_script_tells_it(installed, small_dataset, tmp_path, monkeypatch):
    packages = dict.fromkeys(('tensorflow', 'tensorflow-cpu'), '2.17.1')
    monkeypatch.setenv('PYTHONPATH', str(installed(packages)))
    told = refusal([sys.executable, 'train.py', *options(small_dataset, tmp_path, *NARROW)])
    assert 'TensorFlow 2.17.1 does not work with Estimator' in told
    assert 'pip install -r requirements.txt' in told


def test_a_later_tensorflow_that_lacks_what_estimator_needs():
    code = """
from sketch import command_line
from sketch.backend import estimator, installation
installation.check = lambda: (2, 99)
def load(tf): raise ImportError("cannot import name x")
estimator.load = load
command_line.run(lambda: __import__("sketch.backend.setup"))
"""
    told = refusal([sys.executable, '-c', code])
    assert 'lacks what Estimator needs (cannot import name x); install 2.15.1 on' in told

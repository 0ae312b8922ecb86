"""Training on two devices, and by two processes that are workers of one cluster."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from conftest import NARROW, NARROW_NAME, ROOT, options, variables

import train
from sketch.data import input_pipeline
from sketch.errors import InputError
from sketch.reporting import results
from sketch.runs import folders
from sketch.training.workers import workers_of_tf_config

NAME = f'{NARROW_NAME}_momentum0.5'
# 24 images in batches of 8: 3 steps an epoch.
SETTINGS = [*NARROW, '--batch-norm-momentum', '0.5', '--measure', 'test']
# Steps so short that the weights stay what they were: what the moving statistics end with is then
# a matter of which images came, in which order and which share of a batch, and of nothing else.
STILL = ['--learning-rate', '1e-9', '--epochs', '2']
STILL_NAME = NAME.replace('_batch8', '_batch8_rate1e-09') + '_2e'
TWO_DEVICES = """
from sketch.backend.setup import tf
cpu = tf.config.list_physical_devices('CPU')[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import train
train.main()
"""
# The chief goes on after the training, as if it measured a large data set. TensorFlow would miss
# the heartbeats of a worker that has ended after 10 s.
LONG_AFTER = """
import time, train
train.main()
time.sleep(13)
"""


@pytest.fixture
def start(small_dataset, tmp_path):
    """Return a function that starts a training; `cluster` and `index` make it part of one."""

    def call(place, *arguments, cluster=None, index=0, code=None):
        root = tmp_path / place
        root.mkdir(exist_ok=True)
        program = ['-c', code] if code else ['train.py']
        environment = dict(os.environ)
        if cluster:
            task = {'type': 'worker', 'index': index}
            config = {'cluster': {'worker': cluster}, 'task': task}
            environment['TF_CONFIG'] = json.dumps(config)
        return subprocess.Popen(
            [sys.executable, '-u', *program, *options(small_dataset, root, *SETTINGS, *arguments)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return call


def addresses(count):
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    names = [f'127.0.0.1:{server.getsockname()[1]}' for server in sockets]
    for server in sockets:
        server.close()
    return names


def finish(running):
    printed, _ = running.communicate(timeout=200)
    assert running.returncode == 0, printed
    return printed


def test_divided_batches_give_the_statistics_of_one_device(
    start, small_dataset, tmp_path, monkeypatch
):
    cluster = addresses(2)
    chief = start('workers', *STILL, cluster=cluster, code=LONG_AFTER)
    finish(start('workers', *STILL, cluster=cluster, index=1))
    devices = start('devices', *STILL, '--devices', 'all', code=TWO_DEVICES)
    still = [*SETTINGS, *STILL]
    train.main(options(small_dataset, tmp_path / 'one', *still))
    order = input_pipeline.epoch_order
    monkeypatch.setattr(input_pipeline, 'epoch_order', lambda n, seed, e: order(n, seed + 1, e))
    train.main(options(small_dataset, tmp_path / 'other', *still))
    finish(devices)
    assert 'task:1' not in finish(chief)  # that the other worker has ended is no error
    expected = variables(tmp_path / 'one' / STILL_NAME)
    assert expected['global_step'] == 6
    for place in ('devices', 'workers'):
        found = variables(tmp_path / place / STILL_NAME)
        assert found.keys() == expected.keys()
        assert found['global_step'] == 6
        # The mean over a batch is the mean of its parts' means, up to the rounding of float32
        # sums of 70,000 and 35,000 values (seen: 2e-4).
        name = 'ConvNet/batch_normalization/moving_mean'
        np.testing.assert_allclose(found[name], expected[name], rtol=5e-4)
        # The variance is the mean of the parts' variances, which have 4 images each, not 8.
        name = 'ConvNet/batch_normalization/moving_variance'
        np.testing.assert_allclose(found[name], expected[name], rtol=0.1)
        # A plain Estimator has evaluated it.
        (row,) = results.read(tmp_path / place / 'results.csv')
        assert (row['step'], row['metric'], row['split']) == ('6', 'accuracy', 'test')
    assert not list((tmp_path / 'workers').rglob('tmp_worker*'))
    # It tells other images apart: those of another shuffle, with the same weights, are further off.
    other = variables(tmp_path / 'other' / STILL_NAME)
    name = 'ConvNet/batch_normalization/moving_mean'
    assert np.abs(other[name] / expected[name] - 1).max() > 1e-3


def test_a_signal_or_a_death_ends_all_workers_and_the_same_command_resumes(start, tmp_path):
    def start_both():
        cluster = addresses(2)
        both = [start('m', '--epochs', '110', cluster=cluster, index=index) for index in (0, 1)]
        return cluster, *both

    # 1. A signal to one worker ends both after the same step.
    _, chief, worker = start_both()
    before = []
    while not before or 'step 30 of' not in before[-1]:
        before.append(next(worker.stdout))
    worker.send_signal(signal.SIGINT)
    printed = [running.communicate(timeout=100)[0] for running in (chief, worker)]
    codes = [running.returncode for running in (chief, worker)]
    assert codes == [128 + signal.SIGTERM, 128 + signal.SIGINT], printed
    folder = tmp_path / 'm' / f'{NAME}_110e'
    step = int(variables(folder)['global_step'])
    assert 30 < step < 120
    assert f'stopped at step {step}, saved' in printed[0].splitlines()[-1]
    assert 'stopped with the chief' in printed[1].splitlines()[-1]
    assert not list(folder.glob('tmp_worker*'))
    # Until then the loss has fallen: in the last 15 of 30 steps to 0.5 with one worker as with two
    # (another order of the images changes that by 0.1); an untrained network has 1.1.
    losses = [re.findall(r'loss ([\d.]+)', text)[5:10] for text in (printed[0], ''.join(before))]
    assert np.array(losses, float).mean() < 0.8

    # 2. A worker dies past the checkpoint that is saved 200 steps later.
    cluster, chief, worker = start_both()
    next(line for line in chief.stdout if f'resumes at step {step} of 330' in line)
    steps = (re.search(r'step (\d+) of 330, loss', line) for line in chief.stdout)
    next(found for found in steps if found and int(found[1]) >= step + 204)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    printed, _ = chief.communicate(timeout=60)
    if chief.returncode != 0:  # it may have been at its end before it noticed
        assert chief.returncode == 2, printed
        assert f'worker {cluster[1]} died' in printed
    assert folders.step_of(folders.latest(folder)) >= step + 200

    # 3. The same command ends the training, and measures even if the chief died at that.
    cluster, *both = start_both()
    for running in both:
        finish(running)
    assert variables(folder)['global_step'] == 330
    table = tmp_path / 'm' / 'results.csv'
    table.unlink()
    finish(start('m', '--epochs', '110', cluster=cluster))
    assert [row['step'] for row in results.read(table)] == ['330']


@pytest.mark.parametrize(
    'config',
    [
        'no json',
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a", "b"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:65536"]}, "task": {"type": "worker", "index": 0}}',
        '[' * 100_000,
    ],
)
def test_a_wrong_tf_config(monkeypatch, config):
    monkeypatch.setenv('TF_CONFIG', config)
    with pytest.raises(InputError, match='TF_CONFIG: give'):
        workers_of_tf_config()


def test_workers_of_tf_config(monkeypatch):
    monkeypatch.delenv('TF_CONFIG', raising=False)
    assert workers_of_tf_config() is None
    workers = {'chief': ['a:1'], 'worker': ['b:1', 'c:1']}
    for task, index in (('chief', 0), 0), (('worker', 0), 1), (('worker', 1), 2):
        text = json.dumps({'cluster': workers, 'task': dict(zip(('type', 'index'), task))})
        monkeypatch.setenv('TF_CONFIG', text)
        found = workers_of_tf_config()
        assert found == (['a:1', 'b:1', 'c:1'], index)
        assert found.is_chief == (index == 0)
    for alone in (
        {},
        {'environment': 'cloud'},
        {'cluster': {'master': ['a:1']}, 'task': {'type': 'master', 'index': 0}},
        {'cluster': {'worker': ['a:1']}, 'task': {'type': 'worker', 'index': 0}},
    ):
        monkeypatch.setenv('TF_CONFIG', json.dumps(alone))
        assert workers_of_tf_config() is None


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--batch-size', '7'], 'batch size 7: not divisible by 2 devices'),
        (['--epochs', '1', '2'], '--epochs: with TF_CONFIG'),
    ],
)
def test_what_a_cluster_cannot_do(small_dataset, tmp_path, monkeypatch, arguments, words):
    task = {'type': 'worker', 'index': 0}
    config = {'cluster': {'worker': addresses(2)}, 'task': task}
    monkeypatch.setenv('TF_CONFIG', json.dumps(config))
    with pytest.raises(InputError, match=words):
        train.main(options(small_dataset, tmp_path, *SETTINGS, *arguments))

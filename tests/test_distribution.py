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
from conftest import NARROW, NARROW_NAME, ROOT, variables

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
import sys
sys.path.insert(0, sys.argv.pop(1))
from sketch.backend.setup import tf
cpu = tf.config.list_physical_devices('CPU')[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import train
train.main(sys.argv[1:])
"""
OTHER_ORDER = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from sketch.data import input_pipeline
order = input_pipeline.epoch_order
input_pipeline.epoch_order = lambda images, seed, epoch: order(images, seed + 1, epoch)
import train
train.main(sys.argv[1:])
"""

# The chief goes on after the training, as if it measured a large data set.
LONG_AFTER = """
import sys, time
sys.path.insert(0, sys.argv.pop(1))
import train
train.main(sys.argv[1:])
time.sleep(20)
"""


@pytest.fixture
def start(small_dataset, tmp_path):
    """Return a function that starts a training; `cluster` and `index` make it part of one."""

    def call(place, *arguments, cluster=None, index=0, code=None):
        root = tmp_path / place
        root.mkdir(exist_ok=True)
        common = ['--data', small_dataset.folder, '--checkpoints', root]
        common += ['--results', root / 'results.csv', *SETTINGS, *arguments]
        program = ['-c', code, str(ROOT)] if code else [str(ROOT / 'train.py')]
        environment = dict(os.environ)
        if cluster:
            task = {'type': 'worker', 'index': index}
            config = {'cluster': {'worker': cluster}, 'task': task}
            environment['TF_CONFIG'] = json.dumps(config)
        return subprocess.Popen(
            [sys.executable, '-u', *program, *map(str, common)],
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


def test_divided_batches_give_the_statistics_of_one_device(start, tmp_path):
    cluster = addresses(2)
    finish(start('one', *STILL))
    finish(start('devices', *STILL, '--devices', 'all', code=TWO_DEVICES))
    started = [start('workers', *STILL, cluster=cluster, index=index) for index in (0, 1)]
    for worker in started:
        finish(worker)
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
    finish(start('other', *STILL, '--seed', '0', code=OTHER_ORDER))
    other = variables(tmp_path / 'other' / STILL_NAME)
    name = 'ConvNet/batch_normalization/moving_mean'
    assert np.abs(other[name] / expected[name] - 1).max() > 1e-3


def test_the_loss_falls_as_with_one_worker(start):
    def losses(*running):
        """Those of batches 3, 6, ..., 30, each the mean over the workers' parts of it."""
        found = [re.findall(r'loss ([\d.]+)', finish(machine)) for machine in running]
        return np.array(found, float).mean(axis=0)

    arguments, cluster = ['--epochs', '10'], addresses(2)
    one = losses(start('one', *arguments))
    workers = [start('workers', *arguments, cluster=cluster, index=index) for index in (0, 1)]
    two = losses(*workers)
    assert len(one) == len(two) == 10
    # Two steps in, the weights are still close; normalised by 4 images each and not by 8, the loss
    # of the same batch differs (seen: 0.03, and 0.02 with another seed).
    assert two[0] == pytest.approx(one[0], abs=0.1)
    # Later the weights differ too. Noise is what another order of the images changes the mean of
    # the last five by (seen: 0.13 and 0.05); an untrained network would be off by 0.6.
    assert one[5:].mean() < 0.7
    assert two[5:].mean() == pytest.approx(one[5:].mean(), abs=0.2)


def test_a_worker_that_has_ended_is_no_error(start):
    cluster = addresses(2)
    chief = start('ended', '--epochs', '2', cluster=cluster, code=LONG_AFTER)
    finish(start('ended', '--epochs', '2', cluster=cluster, index=1))
    printed = finish(chief)  # TensorFlow would miss the worker's heartbeats after 10 s
    assert 'accuracy' in printed
    assert 'task:1' not in printed


def test_a_worker_that_dies_ends_the_others_and_the_same_command_resumes(start, tmp_path):
    cluster = addresses(2)
    arguments = ['--epochs', '80']
    chief, worker = (start('m', *arguments, cluster=cluster, index=index) for index in (0, 1))
    # Past the checkpoint at step 200.
    next(line for line in chief.stdout if 'step 204 of' in line)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    printed, _ = chief.communicate(timeout=60)
    if chief.returncode != 0:  # it may have been at its end before it noticed
        assert chief.returncode == 2, printed
        assert f'worker {cluster[1]} died' in printed
    folder = tmp_path / 'm' / f'{NAME}_80e'
    assert folders.step_of(folders.latest(folder)) >= 200
    cluster = addresses(2)
    workers = [start('m', *arguments, cluster=cluster, index=index) for index in (0, 1)]
    for running in workers:
        finish(running)
    assert variables(folder)['global_step'] == 240
    # As if the chief had died while it evaluated: it resumes there, without the others.
    table = tmp_path / 'm' / 'results.csv'
    table.unlink()
    finish(start('m', *arguments, cluster=cluster))
    assert [row['step'] for row in results.read(table)] == ['240']


def test_a_signal_to_one_worker_ends_all_at_the_same_step(start, tmp_path):
    cluster, arguments = addresses(2), ['--epochs', '4000']
    workers = [start('m', *arguments, cluster=cluster, index=index) for index in (0, 1)]
    next(line for line in workers[1].stdout if 'step 30 of' in line)
    workers[1].send_signal(signal.SIGINT)
    printed = [worker.communicate(timeout=100)[0] for worker in workers]
    codes = [worker.returncode for worker in workers]
    assert codes == [128 + signal.SIGTERM, 128 + signal.SIGINT], printed
    folder = tmp_path / 'm' / f'{NAME}_4000e'
    step = folders.step_of(folders.latest(folder))
    assert 30 < step < 12_000
    assert f'stopped at step {step}, saved' in printed[0].splitlines()[-1]
    assert 'stopped with the chief' in printed[1].splitlines()[-1]
    assert not list(folder.glob('tmp_worker*'))
    # Resuming from such a checkpoint is tested where a worker dies.
    assert variables(folder)['global_step'] == step


@pytest.mark.parametrize(
    'config',
    [
        'no json',
        '[]',
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a", "b"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
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
        {'cluster': {'chief': ['a:1']}, 'task': {'type': 'chief', 'index': 0}},
        {'cluster': {'master': ['a:1']}, 'task': {'type': 'master', 'index': 0}},
        {'cluster': {'worker': ['a:1']}, 'task': {'type': 'worker', 'index': 0}},
    ):
        monkeypatch.setenv('TF_CONFIG', json.dumps(alone))
        assert workers_of_tf_config() is None


def test_a_batch_that_cannot_be_shared(start):
    cluster = addresses(2)
    running = start('m', '--epochs', '1', '--batch-size', '7', cluster=cluster)
    printed, _ = running.communicate(timeout=60)
    assert running.returncode == 2
    assert 'batch size 7: not divisible by 2 devices' in printed.splitlines()[-1]


def test_one_epoch_count_at_a_time(start):
    running = start('m', '--epochs', '1', '2', cluster=addresses(2))
    printed, _ = running.communicate(timeout=60)
    assert running.returncode == 2
    assert '--epochs: with TF_CONFIG' in printed.splitlines()[-1]

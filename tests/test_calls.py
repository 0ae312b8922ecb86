"""The scripts called as functions, as a notebook does: what they return, and what they leave."""

import json
import os
import random
import signal
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from conftest import NARROW, NARROW_NAME
from tensorflow.python.framework import config

import create_dataset
import load
import mAP
import plots
import search
import train
from sketch.backend.setup import tf
from sketch.errors import InputError
from tools import precise_bn

FOLDER = f'{NARROW_NAME}_deterministic_1e'
ALONE = {'cluster': {'worker': ['a:1']}, 'task': {'type': 'worker', 'index': 0}}


def calls(files, out):
    """Return the calls in a folder as functions, in the order of the pipeline."""
    results = ['--results', f'{out}/results.csv']
    paths = ['--data', f'{out}', *results]
    found = ['--data', f'{out}', '--checkpoint', f'{out}/{FOLDER}', '--out', f'{out}/search.png']
    trained = [*NARROW, '--deterministic', '--epochs', '1', '--checkpoints', f'{out}']
    sizes = {'classes': 3, 'train': 8, 'test': 4, 'size': 96, 'workers': 2}
    names = files / 'categories.txt'
    return [
        lambda: create_dataset.construct_from_scratch(files / 'files', names, out, **sizes),
        lambda: train.main([*paths, *trained]),
        lambda: load.main([*paths, f'{out}/{FOLDER}']),
        lambda: precise_bn.main(['--data', f'{out}', f'{out}/{FOLDER}']),
        lambda: mAP.main([*paths, f'{out}/{FOLDER}', '--k', '3', 'all']),
        lambda: search.main([*found, '--examples', 'random']),
        lambda: plots.main([*results, '--out', f'{out}/figures']),
    ]


def state():
    """Return what the caller's own code depends on, but for random numbers."""
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    graph = tf.compat.v1.get_default_graph()
    return {
        'signals': {number: signal.getsignal(number) for number in signal.valid_signals()},
        'wakeup': wakeup,
        'environment': dict(os.environ),
        'folder': os.getcwd(),
        'graph': (graph, len(graph.get_operations()), tf.executing_eagerly()),
        'determinism': config.is_op_determinism_enabled(),
        'matplotlib': dict(matplotlib.rcParams),
    }


def next_random_numbers():
    """Take a number from each stream that the caller may have seeded."""
    weight = tf.keras.initializers.GlorotUniform()((1, 1)).numpy()
    return random.random(), np.random.random(), float(tf.random.uniform([])), float(weight[0, 0])


def plain(returned, out):
    """Return what a call returned, less the folder that it worked in and the time."""
    rows = returned if isinstance(returned, list) else [returned]
    rows = [{**row, 'time': None} if isinstance(row, dict) else str(row) for row in rows]
    return json.loads(json.dumps(rows, default=str).replace(str(out), 'OUT'))


@pytest.fixture
def determinism():
    """The function that turns determinism on, which no later test finds turned on."""
    yield config.enable_op_determinism
    config.disable_op_determinism()


def test_called_twice(sample_files, tmp_path, monkeypatch, determinism):
    monkeypatch.setenv('TF_CONFIG', json.dumps(ALONE))
    returned = []
    for out in (tmp_path / 'one', tmp_path / 'two'):
        returned.append([])
        for call in calls(sample_files, out):
            tf.keras.utils.set_random_seed(11)
            expected = [next_random_numbers() for _ in range(2)]
            before = state()
            tf.keras.utils.set_random_seed(11)
            assert next_random_numbers() == expected[0]
            returned[-1].append(plain(call(), out))
            assert state() == before
            assert next_random_numbers() == expected[1]
        determinism()  # the second time by the caller, who keeps it
    assert returned[0] == returned[1]
    (manifest,), trained, loaded, (precise,), measured, found, drawn = returned[0]
    assert manifest['settings']['classes'] == 3
    assert {row['metric'] for row in trained} == {row['metric'] for row in loaded} == {'accuracy'}
    assert 'precise-bn' in precise
    assert {row.get('k') for row in measured} >= {3, 11}
    assert found[0].keys() >= {'category', 'key_id'}
    assert 'OUT/figures/figure_3.png' in drawn
    assert all(Path(name.replace('OUT', str(out))).is_file() for name in drawn)


@pytest.mark.parametrize('script', [create_dataset, train, load, precise_bn, mAP, search, plots])
def test_a_wrong_call_raises(script):
    with pytest.raises(InputError, match='--nonsense'):
        script.main(['--nonsense'])

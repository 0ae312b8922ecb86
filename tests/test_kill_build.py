"""Builds killed at random moments: what the next run ends with is what an undisturbed one gives."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT
from test_create_dataset import contents

KILLS = 20


@pytest.fixture
def start(sample_files):
    """Return a function that starts a build into a folder."""

    def call(out):
        command = [sys.executable, str(ROOT / 'create_dataset.py'), '--out', str(out)]
        command += ['--files', str(sample_files / 'files'), '--workers', '2', '--size', '64']
        command += ['--categories', str(sample_files / 'categories.txt')]
        command += ['--classes', '8', '--train', '15', '--test', '5']
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)

    return call


def test_sigkill_at_random_times(start, tmp_path):
    started = time.monotonic()
    assert start(tmp_path / 'whole').wait() == 0
    duration = time.monotonic() - started
    random = np.random.default_rng(0)
    out = tmp_path / 'killed'
    finished = 0
    for moment in random.uniform(0.3, 1.05, KILLS) * duration:
        build = start(out)
        time.sleep(moment)
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()
        if (out / 'dataset.json').exists():
            # Whatever calls itself finished has to be the whole thing.
            finished += 1
            found = contents(out)
            for name in list(found):
                if name.startswith('.dataset-building'):
                    del found[name]
            assert found == contents(tmp_path / 'whole')
            shutil.rmtree(out)
    assert finished < KILLS, 'no build was killed before its end'
    assert start(out).wait() == 0
    assert contents(out) == contents(tmp_path / 'whole')


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_workers_do_not_outlive_a_build_killed_by_its_process_id(start, tmp_path, number):
    out = tmp_path / 'out'
    for _ in range(3):
        build = start(out)
        while not (out / '.dataset-building' / 'new' / 'training').exists():
            assert build.poll() is None, 'the build ended before it could be killed'
            time.sleep(0.01)
        build.send_signal(number)  # to this process alone, not to its workers
        build.wait()
        time.sleep(1)
    assert start(out).wait() == 0

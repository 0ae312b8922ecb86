"""Builds killed at random moments: what the next run ends with is what an undisturbed one gives."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
from conftest import ROOT
from test_create_dataset import contents

KILLS = 20


def test_sigkill_at_random_times(sample_files, tmp_path):
    def start(out):
        command = [sys.executable, str(ROOT / 'create_dataset.py'), '--out', str(out)]
        command += ['--files', str(sample_files / 'files'), '--workers', '2', '--size', '64']
        command += ['--categories', str(sample_files / 'categories.txt')]
        command += ['--classes', '8', '--train', '15', '--test', '5']
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)

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

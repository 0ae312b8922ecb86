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

KILLS = 8


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
    out, finished = tmp_path / 'killed', 0
    for moment in random.uniform(0.3, 1.05, KILLS) * duration:
        build = start(out)
        time.sleep(moment)
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()
        if (out / 'dataset.json').exists():
            # Whatever calls itself finished has to be the whole thing.
            finished += 1
            shutil.rmtree(out / '.dataset-building', ignore_errors=True)
            assert contents(out) == contents(tmp_path / 'whole')
            shutil.rmtree(out)
    assert finished < KILLS, 'no build was killed before its end'
    assert start(out).wait() == 0
    assert contents(out) == contents(tmp_path / 'whole')


def test_a_script_without_a_main_guard(sample_files, tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(
        f'import sys; sys.path.insert(0, {str(ROOT)!r})\n'
        'import multiprocessing; multiprocessing.set_start_method("spawn", force=True)\n'
        'import create_dataset\n'
        f'create_dataset.construct_from_scratch({str(sample_files / "files")!r}, '
        f'{str(sample_files / "categories.txt")!r}, {str(tmp_path / "out")!r}, 2, 3, 2)\n'
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    remedy = "call it below `if __name__ == '__main__':`"
    assert f'InputError: construct_from_scratch: {remedy}' in ended.stderr  # of a worker
    assert ended.stderr.splitlines()[-1].endswith(remedy)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_workers_do_not_outlive_a_build_killed_by_its_process_id(start, tmp_path, number):
    out = tmp_path / 'out'
    build = start(out)
    while not (out / '.dataset-building' / 'new' / 'training').exists():
        assert build.poll() is None, 'the build ended before it could be killed'
        time.sleep(0.01)
    build.send_signal(number)  # to this process alone, not to its workers
    build.wait()
    time.sleep(1)
    assert start(out).wait() == 0

"""One process, and one thread, at a time."""

import subprocess
import sys

import pytest
from conftest import ROOT, full_disk

from sketch import locks
from sketch.errors import InputError

HOLD = """
import sys, time
from sketch import locks
with locks.exclusive(sys.argv[1], 'results', wait=True):
    print('held', flush=True)
    sys.stdin.read()
"""


def hold(folder):
    """Start a process that takes the lock and keeps it until its input ends."""
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    return subprocess.Popen([sys.executable, '-c', HOLD, folder], cwd=ROOT, text=True, **pipes)


def test_another_process_is_refused_and_named(tmp_path):
    with hold(tmp_path) as holder:
        assert holder.stdout.readline() == 'held\n'
        with (
            pytest.raises(InputError, match=f'process {holder.pid} on .* works on its results'),
            locks.exclusive(tmp_path, 'results'),
        ):
            pass
        with locks.exclusive(tmp_path, 'training'):  # another lock
            holder.stdin.close()
            holder.wait()
    with locks.exclusive(tmp_path, 'results'):
        pass


def test_who_waits_says_for_whom(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path)  # one lock through links
    with locks.exclusive(tmp_path, 'results'):
        with (
            pytest.raises(InputError, match='another thread'),
            locks.exclusive(tmp_path / 'link', 'results'),
        ):
            pass
        waiting = hold(tmp_path / 'link')
        assert 'works on its results; waiting' in waiting.stderr.readline()
    assert waiting.stdout.readline() == 'held\n'
    waiting.communicate('')


def test_many_processes_take_turns_and_leave_nothing(tmp_path):
    code = """
import sys
from pathlib import Path
from sketch import locks
file = Path(sys.argv[1]) / 'count'
for _ in range(60):
    with locks.exclusive(sys.argv[1], 'results', wait=True):
        file.write_text(str(int(file.read_text()) + 1))
"""
    (tmp_path / 'count').write_text('0')
    command = [sys.executable, '-c', code, tmp_path]
    running = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert (tmp_path / 'count').read_text() == '240'
    assert [path.name for path in tmp_path.iterdir()] == ['count']


def test_a_folder_that_cannot_be_locked(tmp_path):
    (tmp_path / '.results.lock').mkdir()
    with (
        # As one left by another user's process: the file, and what to do with it.
        pytest.raises(InputError, match=r'/\.results\.lock: cannot be opened .*; remove it if'),
        locks.exclusive(tmp_path, 'results'),
    ):
        pass
    refused = pytest.raises(InputError, match=r'cannot be locked \(File too large\); choose')
    with full_disk(0), refused, locks.exclusive(tmp_path, 'training'):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ['.results.lock']

"""Locks: one process at a time works in a folder on one thing.

A lock is a file of its own, FOLDER/.NAME.lock, that says who holds it. lockf works over NFS, where
flock on a folder does not. The holder removes the file; one that is killed leaves it, unlocked.
"""

import contextlib
import errno
import fcntl
import os
import socket
import sys
import threading
import time
from pathlib import Path

from sketch.errors import InputError

NAMES = ('dataset', 'download', 'results', 'differences', 'training')
POLL_SECONDS = 0.05
PATIENCE = 2  # seconds of waiting before a line says for whom

_by_threads = {}  # path -> threading.Lock: lockf keeps out other processes, but no other threads
_guard = threading.Lock()


@contextlib.contextmanager
def exclusive(folder, name, wait=False):
    """Hold the lock of a folder until the block or the process ends.

    Args:
        folder: existing; through whatever links it is named, it has one lock.
        name: of what is done there, one of NAMES.
        wait: until another holder releases it; otherwise raise.

    Raises:
        InputError: another process or thread holds it and wait is false, or the folder cannot be
            locked.
    """
    path = Path(folder).resolve() / f'.{name}.lock'
    with _guard:
        of_threads = _by_threads.setdefault(path, threading.Lock())
    # While this process holds the lock, it must not open the file: closing it would release it.
    waiting = _Waiting(folder, name, wait)
    waiting.until(lambda: of_threads.acquire(blocking=False), lambda: 'another thread')
    try:
        handle = _locked(path, folder, waiting)
        try:
            _sign(handle, folder)
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
            os.close(handle)
    finally:
        of_threads.release()


def is_lock(path):
    """Return whether a path is the file of a lock."""
    return path.name in {f'.{name}.lock' for name in NAMES}


def _locked(path, folder, waiting):
    """Return the handle of a lock's file, locked."""
    while True:
        handle = _opened(path, folder)
        try:
            waiting.until(lambda: _lock(handle, folder), lambda: _holder(handle))  # noqa: B023
            if _is_at(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _opened(path, folder):
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if not os.path.lexists(path):
            raise _unlockable(folder, error) from None
        # Left by a process of another user that was killed: nobody holds it, but it is not ours.
        raise InputError(
            f'{path}: cannot be opened ({error.strerror}); remove it if no process works there'
        ) from None


def _sign(handle, folder):
    """Write into a lock's file who holds it."""
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f'process {os.getpid()} on {socket.gethostname()}'.encode())
    except OSError as error:
        raise _unlockable(folder, error) from None


def _lock(handle, folder):
    """Take the lock of an open file; return whether it was free."""
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # POSIX has both for a lock that is held
        return False
    except OSError as error:
        if error.errno == errno.ESTALE:  # over NFS: the file was removed; another is tried
            return True
        raise _unlockable(folder, error) from None
    return True


class _Waiting:
    """Waits for a holder to release a lock, and says so once."""

    def __init__(self, folder, name, wait):
        self.folder, self.name, self.wait = folder, name, wait
        self.line_at = time.monotonic() + PATIENCE

    def until(self, acquire, holder):
        """Call `acquire` until it returns True; `holder` tells who is waited for."""
        while not acquire():
            busy = f'{self.folder}: {holder()} works on its {self.name}'
            if not self.wait:
                raise InputError(f'{busy}; wait until it has ended')
            if time.monotonic() > self.line_at:
                self.line_at = float('inf')
                print(f'{busy}; waiting', file=sys.stderr)
            time.sleep(POLL_SECONDS)


def _is_at(handle, path):
    """Return whether an open file is still at a path: the holder before removes its own."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _holder(handle):
    """Return who holds a lock, as its open file says."""
    return os.pread(handle, 200, 0).decode(errors='replace') or 'another process'


def _unlockable(folder, error):
    return InputError(
        f'{folder}: cannot be locked ({error.strerror}); choose a folder that can be written to'
    )

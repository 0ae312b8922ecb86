"""Files that are either whole or not there, and folders that one process has to itself."""

import contextlib
import fcntl
import json
import os
from pathlib import Path

from sketch.errors import InputError


def write_bytes(path, content):
    """Write a file beside its place and rename it into it."""
    path = Path(path)
    beside = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        with open(beside, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_text(path, text):
    """Write a UTF-8 text file, as write_bytes does."""
    write_bytes(path, text.encode())


def write_json(path, content):
    """Write JSON, one value a line, keys in the order given."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + '\n')


@contextlib.contextmanager
def exclusive(folder, what, wait=False):
    """Hold a folder for oneself, until the block or the process ends.

    Raises:
        InputError: another process holds it, unless told to wait for that one.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise InputError(f'{folder}: another {what} is at work in this folder') from None
        yield
    finally:
        os.close(handle)

"""Lets standard error through, but for lines that C++ code writes and that no switch turns off."""

import contextlib
import os
import shutil
import subprocess
import sys


@contextlib.contextmanager
def without_lines(pattern):
    """Hide lines of standard error that match a pattern while the block runs.

    It works on the file descriptor, where C++ code writes. Another process filters: all other
    lines are shown even if this process is killed in the block. Without `grep` all lines are shown.

    Args:
        pattern: extended regular expression, as grep -E takes it.
    """
    grep = shutil.which('grep')
    try:
        real = os.dup(2) if grep else None
    except OSError:  # standard error is closed
        real = None
    if real is None:
        yield
        return
    _flush()
    # A session of its own: Ctrl-C is for this process.
    filtering = subprocess.Popen(
        [grep, '-E', '-v', '-a', '--line-buffered', pattern],
        stdin=subprocess.PIPE,
        stdout=real,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.dup2(filtering.stdin.fileno(), 2)
    filtering.stdin.close()
    try:
        yield
    finally:
        _flush()
        os.dup2(real, 2)
        os.close(real)
        filtering.wait()


def _flush():
    if sys.stderr:
        sys.stderr.flush()

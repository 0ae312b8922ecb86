"""How the benchmarks measure: the fastest of a few calls, and memory."""

import functools
import importlib.util
import multiprocessing
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path


def seconds(function, *arguments, repeats=3, **keywords):
    """Return the time of the fastest of a few calls: other processes only add time."""
    shortest = float('inf')
    for _ in range(repeats):
        started = time.perf_counter()
        function(*arguments, **keywords)
        shortest = min(shortest, time.perf_counter() - started)
    return shortest


def in_new_process(function, *arguments):
    """Return what a function of a module returns in a new interpreter.

    It begins without TensorFlow's state, allocated memory or busy threads.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as process:
        return process.submit(function, *arguments).result()


def megabytes(line='VmHWM', process='self'):
    """Return the most resident memory of a process so far; None where Linux does not tell.

    Args:
        line: of Linux's status of the process; VmRSS is the present memory.
        process: its number.
    """
    # Not ru_maxrss: a new process starts with its parent's.
    try:
        status = Path(f'/proc/{process}/status').read_text()
    except OSError:
        return None
    return int(re.search(rf'{line}:\s+(\d+)', status)[1]) / 1024


@functools.cache
def has_peer(module):
    """Return whether a peer is installed; if not, say so once, in one line."""
    found = importlib.util.find_spec(module) is not None
    if not found:
        remedy = 'pip install -r requirements-benchmarks.txt'
        print(f'{module} is not installed; its values are left out ({remedy})', file=sys.stderr)
    return found

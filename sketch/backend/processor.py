"""What the processor can do, and how much of it this process may use."""

import os
from pathlib import Path


def has(*features, cpuinfo='/proc/cpuinfo'):
    """Return whether Linux reports one of these features (avx512f); False on other systems."""
    try:
        return not set(features).isdisjoint(Path(cpuinfo).read_text(errors='replace').split())
    except OSError:
        return False


def cores():
    """Return how many cores this process may use: clusters give it some of the machine's."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

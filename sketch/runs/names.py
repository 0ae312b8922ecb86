"""The names of networks and runs, for what loads TensorFlow and what does not."""

import re

TITLES = {'n1': 'skNet', 'n2': 'skResNet'}


def series(name):
    """Return a run's name without its epoch count: checkpoints_n1_10e -> checkpoints_n1."""
    return re.sub(r'_[\d.]+e$', '', name)


def epochs_in(name):
    """Return the epoch count that a run's name ends with, None without one."""
    match = re.search(r'[_-](\d+(?:\.\d+)?)e$', name)
    return float(match.group(1)) if match else None

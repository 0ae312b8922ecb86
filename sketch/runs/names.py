"""The names of checkpoint folders: checkpoints_<net>[_<mark>...]_<epochs>e."""

import os
import re


def printable(name):
    """Return a file's name with bytes that are not UTF-8 written as escapes."""
    return os.fsencode(name).decode(errors='backslashreplace')


def number_text(value):
    """Return a number as one writes it, without an exponent and with at most 12 decimals."""
    return f'{value:.12f}'.rstrip('0').rstrip('.')


def series(name):
    """Return a run's name without its epochs: checkpoints_n1_10e -> checkpoints_n1."""
    return re.sub(r'_[\d.]+e$', '', name)


def epochs_in(name):
    """Return the number of epochs at the end of a run's name, None without one."""
    match = re.search(r'[_-](\d+(?:\.\d+)?)e$', name)
    return float(match.group(1)) if match else None


def epochs_text(epochs):
    """Return a number of epochs in words: untrained, 0.5 epochs, 1 epoch."""
    if epochs == 0:
        return 'untrained'
    return f'{number_text(epochs)} epoch' + 's' * (epochs != 1)

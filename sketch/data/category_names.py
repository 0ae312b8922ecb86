"""The list of category names, and the random choice of some."""

from pathlib import Path

import numpy as np

from sketch.data.dataset import is_folder_name
from sketch.errors import InputError


def read_categories(path):
    """Return the names in a categories file, in file order.

    Raises:
        InputError: the file is missing, empty or not UTF-8; a name repeats or cannot be a folder's.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except FileNotFoundError:
        raise InputError(f'{path}: no such file; give --categories, one name per line') from None
    except UnicodeDecodeError as error:
        raise InputError(f'{path}: not UTF-8 text at byte {error.start}') from None
    seen = {}
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name:
            continue
        if not is_folder_name(name):
            raise InputError(f'{path}: line {number}: {name!r} cannot be the name of a folder')
        if name in seen:
            raise InputError(
                f'{path}: line {number}: {name!r} is also on line {seen[name]}; remove one'
            )
        seen[name] = number
    if not seen:
        raise InputError(f'{path}: contains no category names')
    return list(seen)


def choose_categories(names, classes, seed, source):
    """Return `classes` of the names in random order; their labels are 0, 1, 2, ..."""
    if classes > len(names):
        raise InputError(f'{source}: {len(names)} categories, fewer than --classes {classes}')
    return [names[index] for index in np.random.default_rng(seed).permutation(len(names))[:classes]]

"""The list of category names, and the random choice of some."""

import difflib
from pathlib import Path

import numpy as np

from sketch.data.dataset import is_folder_name
from sketch.errors import InputError


def default_file():
    """Return the Path of categories.txt in the current folder, or else of the project's own."""
    here = Path('categories.txt')
    return here if here.exists() else Path(__file__).parents[2] / here


def read_categories(path):
    """Return the names in a categories file, in file order.

    Raises:
        InputError: the file is missing, empty or not UTF-8; a name repeats or cannot be a folder's.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except FileNotFoundError:
        raise InputError(f'{path}: no such file; give one with a name per line') from None
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


def names_to_choose_from(path, only):
    """Return the names in a categories file or, if `only` has some, those.

    Raises:
        InputError: as of read_categories, or one of `only` is not in the file.
    """
    names = read_categories(path)
    if not only:
        return names
    unknown = [name for name in only if name not in names]
    if unknown:
        in_parts = all(part.strip() in names for part in unknown[0].split(','))
        hint = '; separate names by spaces' if in_parts else _near(unknown[0], names)
        raise InputError(f'{path}: has no category {unknown[0]!r}{hint}')
    return list(dict.fromkeys(only))


def _near(name, names):
    """Return ' (did you mean X?)' for the known name that is most like a wrong one, or ''."""
    by_lower = {known.lower(): known for known in names}
    found = difflib.get_close_matches(name.lower(), by_lower, 1)
    return f' (did you mean {by_lower[found[0]]!r}?)' if found else ''


def choose_categories(names, classes, seed, source):
    """Return `classes` of the names in random order; their labels are 0, 1, 2, ..."""
    if classes > len(names):
        raise InputError(f'{source}: {len(names)} categories, fewer than the {classes} to choose')
    return [names[index] for index in np.random.default_rng(seed).permutation(len(names))[:classes]]

"""Finds the file of a category's drawings in a folder, whatever its form, and opens it.

Forms are `.bin`, simplified `.ndjson`, raw `.ndjson`, and the last two as `.ndjson.gz`; if there
are several, the first of these counts. Names may be as downloads have them: `alarm%20clock.bin`,
`full_binary_alarm clock.bin`, `full_raw_alarm clock.ndjson`, accents composed or not.
"""

import itertools
import re
import shlex
import unicodedata
from pathlib import Path
from urllib.parse import unquote

from sketch.data.ndjson import NdjsonFile, is_raw
from sketch.data.quickdraw import DrawingFile
from sketch.errors import InputError

BIN, NDJSON, GZIPPED = ENDINGS = '.bin', '.ndjson', '.ndjson.gz'
# Of files from the data set's bucket.
PREFIX = re.compile(r'(full_(binary|simplified|raw|numpy_bitmap)|sketchrnn)_')
# What else people have of a category, by its ending.
OTHERS = {
    '.npy': "the data set's small bitmaps, without strokes",
    '.npz': "Sketch-RNN's strokes, without key_ids",
    '.csv': "Kaggle's table",
    '.bin.part': 'an unfinished download',
    '.bin.gz': 'compressed; unpack it',
    '.zip': 'compressed; unpack it',
}
SHOWN = 20  # names of categories in a message


def open_drawings(path, category=None):
    """Return the drawings of a file: DrawingFile or NdjsonFile, which have the same interface.

    Args:
        path: with one of ENDINGS.
        category: what the lines of an .ndjson file must be of; None takes any.

    Raises:
        InputError: the file is corrupt.
    """
    path = Path(path)
    return DrawingFile(path) if path.suffix == BIN else NdjsonFile(path, category)


def taken_files(folder, categories, names=()):
    """Return {category: Path of its drawings}; print which files are left aside.

    Args:
        folder: Path of the files.
        categories: chosen ones.
        names: what they were chosen from; those with a file are offered if one has none.

    Raises:
        InputError: as of find_files, or a category has no file.
    """
    found = find_files(folder, categories)
    missing = [category for category in categories if category not in found]
    if missing:
        raise InputError(
            f'{folder / missing[0]}.bin: missing ({len(missing)} of {len(categories)} chosen are), '
            f'and no .ndjson{_instead(folder, missing[0])}; download it, or '
            + _choice(list(find_files(folder, names)))
        )
    for category, (path, *others) in found.items():
        if others:
            aside = ', '.join(other.name for other in others)
            print(f'{path}: taken for {category}; left aside: {aside}')
    return {category: paths[0] for category, paths in found.items()}


def find_files(folder, categories):
    """Return {category: Paths} of those that a folder has; the first Path is the one that counts.

    Raises:
        InputError: the folder does not exist, or two files have the name of a category.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f'{folder}: no such folder; give the folder of the files of drawings')
    by_name = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith(ENDINGS) and path.is_file():
            by_name.setdefault(_plain(path.name), []).append(path)
    found = {}
    for category in categories:
        paths = [
            path for ending in ENDINGS for path in by_name.get(_plain(f'{category}{ending}'), [])
        ]
        # The file with the very name comes before one with a name like it.
        own = {f'{category}{ending}' for ending in ENDINGS}
        ranked = sorted((_form(path), path.name not in own, path) for path in paths)
        for _, alike in itertools.groupby(ranked, key=lambda rank: rank[0]):
            (_, has_other_name, path), *others = alike
            if has_other_name and others:
                other = others[0][-1]
                raise InputError(f'{path} and {other}: both are of {category!r}; remove one')
        if ranked:
            found[category] = [path for *_, path in ranked]
    return found


def _form(path):
    """Return 0 for .bin, 1 for simplified, 2 for raw drawings; 2 more for compressed ones."""
    if path.suffix == BIN:
        return 0
    return (2 if is_raw(path) else 1) + 2 * path.name.endswith(GZIPPED)


def _instead(folder, category):
    """Return what the folder has of a category in a form that is not read, as text or ''."""
    for path in sorted(folder.iterdir()):
        name = _plain(path.name)
        for ending, what in OTHERS.items():
            if name.startswith(f'{_plain(category)}.') and name.endswith(ending):
                return f' ({path.name} is {what})'
    return ''


def _choice(there):
    """Return what to do about a missing file if these categories have theirs."""
    if not there:
        return 'remove its name from the categories file'
    more = f' and {len(there) - SHOWN} more' if len(there) > SHOWN else ''
    return f'choose from those that are there (categories_only): {shlex.join(there[:SHOWN])}{more}'


def _plain(name):
    """Return the name that a file would have in the project's own words."""
    return unicodedata.normalize('NFC', PREFIX.sub('', unquote(name), count=1))

"""Finds the file of a category's drawings in a folder, whatever its form, and opens it.

Forms are `.bin`, simplified `.ndjson` and raw `.ndjson`; if there are several, the first of these
counts. Names may be as downloads have them: `alarm%20clock.bin`, `full_binary_alarm clock.bin`,
`full_raw_alarm clock.ndjson`, accents composed or not.
"""

import itertools
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote

from sketch.data.ndjson import NdjsonFile, is_raw
from sketch.data.quickdraw import DrawingFile
from sketch.errors import InputError

BIN, NDJSON = '.bin', '.ndjson'
PREFIX = re.compile(r'full_(binary|simplified|raw)_')  # of files from the data set's bucket


def open_drawings(path, category=None):
    """Return the drawings of a file: DrawingFile or NdjsonFile, which have the same interface.

    Args:
        path: with the ending .bin or .ndjson.
        category: what the lines of an .ndjson file must be of; None takes any.

    Raises:
        InputError: the file is corrupt.
    """
    path = Path(path)
    return NdjsonFile(path, category) if path.suffix == NDJSON else DrawingFile(path)


def taken_files(folder, categories):
    """Return {category: Path of its drawings}; print which files are left aside.

    Raises:
        InputError: as of find_files, or a category has no file.
    """
    found = find_files(folder, categories)
    missing = [category for category in categories if category not in found]
    if missing:
        raise InputError(
            f'{folder / missing[0]}.bin: missing ({len(missing)} of {len(categories)} chosen are), '
            'and no .ndjson; download it, or remove its name from the categories file'
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
        if path.suffix in (BIN, NDJSON) and path.is_file():
            by_name.setdefault(_plain(path.name), []).append(path)
    found = {}
    for category in categories:
        paths = [
            path
            for ending in (BIN, NDJSON)
            for path in by_name.get(_plain(f'{category}{ending}'), [])
        ]
        # The file with the very name comes before one with a name like it.
        ranked = sorted((_form(path), path.stem != category, path) for path in paths)
        for _, alike in itertools.groupby(ranked, key=lambda rank: rank[0]):
            (_, has_other_name, path), *others = alike
            if has_other_name and others:
                other = others[0][-1]
                raise InputError(f'{path} and {other}: both are of {category!r}; remove one')
        if ranked:
            found[category] = [path for *_, path in ranked]
    return found


def _form(path):
    """Return 0 for .bin, 1 for simplified, 2 for raw drawings."""
    return 0 if path.suffix == BIN else 2 if is_raw(path) else 1


def _plain(name):
    """Return the name that a file would have in the project's own words."""
    return unicodedata.normalize('NFC', PREFIX.sub('', unquote(name), count=1))

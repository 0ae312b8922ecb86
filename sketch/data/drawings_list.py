"""drawings.csv, the list of a data set's drawings: split, category and key_id of each image.

Every data set has one. From the same drawings the list makes the same data set anywhere.
"""

import hashlib
from pathlib import Path

import numpy as np

from sketch import tables
from sketch.data.dataset import DRAWINGS, FOLDERS, is_folder_name, read_manifest
from sketch.data.drawing import key_id_of
from sketch.errors import InputError

COLUMNS = ['split', 'category', 'key_id']


def read(path):
    """Return the drawings of a drawings.csv: {category: {split: key_ids}}, in label order.

    Raises:
        InputError: the file is not such a list, its categories differ in number, or it has no test
            drawings.
    """
    listed, seen = {}, set()
    for number, row in _rows(path):
        place = f'{path}: line {number}'
        if set(row) != set(COLUMNS):
            raise InputError(f'{place}: not the columns {",".join(COLUMNS)}')
        if row['split'] not in FOLDERS:
            raise InputError(f'{place}: the split is neither {" nor ".join(FOLDERS)}')
        if not is_folder_name(row['category']):
            raise InputError(f'{place}: {row["category"]!r} cannot be the name of a folder')
        key_id = _key_id(row['key_id'], place)
        if (row['category'], key_id) in seen:
            raise InputError(f'{place}: {key_id} of {row["category"]} is there twice')
        seen.add((row['category'], key_id))
        parts = listed.setdefault(row['category'], {split: [] for split in FOLDERS})
        parts[row['split']].append(key_id)
    if not listed:
        raise InputError(f'{path}: lists no drawings')
    first = next(iter(listed))
    for split in FOLDERS:
        for category, parts in listed.items():
            lacks = split == 'test' and not parts[split]
            if len(parts[split]) != len(listed[first][split]) or lacks:
                least = ', at least 1' if lacks else ''
                raise InputError(
                    f'{path}: {len(parts[split])} {split} drawings of {category}, '
                    f'{len(listed[first][split])} of {first}; all need the same number{least}'
                )
    return listed


def read_to_build(path, out):
    """Return `read(path)`, the drawings of a data set that will be made in the folder `out`.

    Raises:
        InputError: as of `read`; or the list is the drawings.csv of `out`, in an order or a form
            that the data set would replace by its own.
    """
    listed, given = read(path), Path(path)
    is_replaced = given.resolve() == (out / DRAWINGS).resolve()
    if is_replaced and given.read_bytes() != text(listed).encode():
        raise InputError(
            f'{path}: the data set would replace it by one in another order; give it another '
            'name, or make the data set in another folder'
        )
    return listed


def size_beside(path):
    """Return the pixels a side of the data set in whose folder a list lies; None in another one."""
    try:
        manifest = read_manifest(Path(path).parent)
    except InputError:  # another program's dataset.json
        return None
    return manifest['settings']['size'] if manifest else None


def text(listed):
    """Return the text of a drawings.csv.

    Args:
        listed: {category: {split: key_ids}}, as of `read`.
    """
    rows = [
        [split, category, key_id]
        for split in FOLDERS
        for category, parts in listed.items()
        for key_id in sorted(map(str, parts[split]))
    ]
    return tables.text(COLUMNS, rows)


def read_key_ids(path):
    """Return the key_ids of a file, uint64: one per line, or the column key_id of a CSV table.

    Raises:
        InputError: a line has no key_id.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').split('\n')
    except UnicodeDecodeError as error:
        raise InputError(f'{path}: not UTF-8 text at byte {error.start}') from None
    if 'key_id' in lines[0]:
        found = [
            _key_id(row.get('key_id'), f'{path}: line {number}') for number, row in _rows(path)
        ]
    else:
        found = [
            _key_id(line.strip(), f'{path}: line {number}')
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
    return np.array(found, np.uint64)


def digest(path):
    """Return a hash of a file's bytes, text."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _rows(path):
    """Return the number and the dict of each line of a CSV table."""
    try:
        return tables.read(path)[1].items()
    except ValueError as error:
        raise InputError(f'{path}: {error}') from None


def _key_id(text, place):
    key_id = key_id_of(text)
    if key_id is None:
        raise InputError(f'{place}: {(text or "")[:30]!r} is not a key_id')
    return key_id

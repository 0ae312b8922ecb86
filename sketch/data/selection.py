"""Which drawings of a category become images: at random, or those of a list.

The list is drawings.csv, which every data set has: split, category and key_id of each image. From
the same drawings it makes the same data set anywhere.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketch import tables
from sketch.data.dataset import FOLDERS, is_folder_name
from sketch.data.drawing import key_id_of
from sketch.errors import InputError

COLUMNS = ['split', 'category', 'key_id']


class Selection(NamedTuple):
    """What `choose` goes by, of one category."""

    train: int  # images
    test: int
    seed: int
    recognized_only: bool = False
    excluded: np.ndarray = None  # uint64, key_ids that are not used
    listed: dict = None  # {split: key_ids}, exactly these


def choose(drawings, path, name, selection):
    """Return the indices of the drawings to take: {split: int64 array}.

    A key_id that occurs twice counts once, at its first place. The choice depends on the positions
    in the file, the seed and the category's name only, not on the file's form.

    Args:
        drawings: of drawing_files.open_drawings.
        path: of its file, for errors.
        name: of the category.
        selection: Selection.

    Raises:
        InputError: the file has too few drawings, or not those of the list.
    """
    key_ids = drawings.key_ids
    if selection.listed is not None:
        return _listed(key_ids, path, selection.listed)
    usable = np.sort(np.unique(key_ids, return_index=True)[1])
    if selection.recognized_only:
        usable = usable[drawings.recognized[usable]]
    if selection.excluded is not None:
        usable = usable[~np.isin(key_ids[usable], selection.excluded)]
    train, test = selection.train, selection.test
    if len(usable) < train + test:
        what = 'recognized drawings' if selection.recognized_only else 'drawings'
        less = ' that are not excluded' if selection.excluded is not None else ''
        raise InputError(
            f'{path}: {len(usable)} {what}{less}, fewer than {train} for training and {test} for '
            'testing'
        )
    # With the name in the seed, a category's choice does not depend on the other categories.
    random = np.random.default_rng([selection.seed, *name.encode()])
    chosen = random.choice(usable, train + test, replace=False)
    return {'train': chosen[:train], 'test': chosen[train:]}


def _listed(key_ids, path, listed):
    distinct, first = np.unique(key_ids, return_index=True)
    indices, missing = {}, []
    for split, wanted in listed.items():
        wanted = np.array(wanted, np.uint64)
        places = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
        has = distinct[places] == wanted if len(distinct) else np.zeros(len(wanted), bool)
        missing += wanted[~has].tolist()
        indices[split] = first[places] if len(distinct) else []
    if missing:
        raise InputError(
            f'{path}: lacks {len(missing)} of the listed drawings, the first is {missing[0]}; '
            'take the file that the list was made from'
        )
    return indices


def read_list(path):
    """Return the drawings of a drawings.csv: {category: {split: key_ids}}, in label order.

    Raises:
        InputError: the file is not such a list, or its categories differ in number.
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
            if len(parts[split]) != len(listed[first][split]) or not parts[split]:
                raise InputError(
                    f'{path}: {len(parts[split])} {split} drawings of {category}, '
                    f'{len(listed[first][split])} of {first}; all need the same number, at least 1'
                )
    return listed


def table(listed):
    """Return the rows of a drawings.csv, below its titles.

    Args:
        listed: {category: {split: key_ids}}, as of read_list.
    """
    return [
        [split, category, key_id]
        for split in FOLDERS
        for category, parts in listed.items()
        for key_id in sorted(map(str, parts[split]))
    ]


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
    """Return a hash of a file's content, text."""
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

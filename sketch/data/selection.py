"""Which drawings of a category become images: at random, or those of a list."""

from typing import NamedTuple

import numpy as np

from sketch.errors import InputError


class Selection(NamedTuple):
    """What `choose` goes by, of one category."""

    train: int  # images
    test: int
    seed: int  # of the choice
    recognized_only: bool = False
    excluded: np.ndarray = None  # uint64, key_ids that are not used
    listed: dict = None  # {split: key_ids}, exactly these
    source: str = ''  # the file of `excluded` or `listed`, for errors


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
        return _listed(key_ids, path, selection)
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


def _listed(key_ids, path, selection):
    distinct, first = np.unique(key_ids, return_index=True)
    indices, missing = {}, []
    for split, wanted in selection.listed.items():
        wanted = np.array(wanted, np.uint64)
        places = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
        has = distinct[places] == wanted if len(distinct) else np.zeros(len(wanted), bool)
        missing += wanted[~has].tolist()
        indices[split] = first[places] if len(distinct) else []
    if missing:
        raise InputError(
            f'{selection.source}: {len(missing)} of its drawings are not in {path}, the first is '
            f'{missing[0]}; the list is cut, or was made from another file'
        )
    return indices

"""Builds a data set in a hidden folder and renames it into place when it is complete.

    OUT/.dataset-building/new/   where the build writes; the manifest, written last, completes it
    OUT/.dataset-building/old/   what a forced build replaces; deleted at the end

Whenever a build dies, `recover` either finishes the renames of a complete data set or deletes an
unfinished one. A data set without a manifest never counts as finished.
"""

import shutil

from sketch.data.dataset import FOLDERS, LABELS, MANIFEST, SHEET
from sketch.errors import InputError

PARTS = (*FOLDERS.values(), LABELS, SHEET)  # all but the manifest


def begin(out):
    """Return a new empty folder to build in."""
    new = _staging(out) / 'new'
    new.mkdir(parents=True)
    return new


def recover(out):
    """Finish or remove what a killed build left in OUT."""
    if (_staging(out) / 'new' / MANIFEST).exists():
        publish(out)
    discard_unfinished(out)


def discard_unfinished(out):
    """Remove the build folder, unless a complete data set in it waits for `recover`."""
    if _staging(out).exists() and not (_staging(out) / 'new' / MANIFEST).exists():
        shutil.rmtree(_staging(out))


def publish(out):
    """Rename a complete data set into place: the old manifest moves first, the new one last."""
    new, old = _staging(out) / 'new', _staging(out) / 'old'
    old.mkdir(exist_ok=True)
    if (out / MANIFEST).exists():
        (out / MANIFEST).rename(old / MANIFEST)
    for part in PARTS:
        if not (new / part).exists():
            continue  # renamed before an interruption
        if (out / part).exists():
            if not (old / MANIFEST).exists():
                raise InputError(f'{out / part}: appeared during the build, move it away')
            (out / part).rename(old / part)
        (new / part).rename(out / part)
    (new / MANIFEST).rename(out / MANIFEST)
    discard_unfinished(out)


def _staging(out):
    return out / '.dataset-building'

"""A data set is built beside its place and renamed into it, so that no half-made one can be seen.

    OUT/.dataset-building/new/   where the build writes; its manifest, last of all, makes it whole
    OUT/.dataset-building/old/   what a forced build has replaced, deleted at the end

Whatever the moment at which a build dies, `recover` either finishes the renames of a whole new
data set or deletes an unfinished one. A data set without a manifest is never taken for finished.
"""

import shutil

from sketch.errors import InputError

MANIFEST = 'dataset.json'
LABELS = 'conversion_labels.json'
SHEET = 'dataset.png'
PARTS = ('training', 'testing', LABELS, SHEET)


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
    """Remove the build folder, unless a whole data set in it waits for the next `recover`."""
    if _staging(out).exists() and not (_staging(out) / 'new' / MANIFEST).exists():
        shutil.rmtree(_staging(out))


def publish(out):
    """Rename a whole new data set into place, the old one's manifest leaving first, ours last."""
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

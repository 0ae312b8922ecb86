"""Builds a data set in a hidden folder and renames it into place when it is complete.

    OUT/.dataset-building/new/   where the build writes; the manifest, written last, completes it
    OUT/.dataset-building/old/   what a forced build replaces; deleted at the end

Whenever a build dies, `recover` either finishes the renames of a complete data set or deletes an
unfinished one. A data set without a manifest never counts as finished.
"""

import contextlib
import os
import re
import shutil
from pathlib import Path

from sketch.data.dataset import DRAWINGS, FOLDERS, LABELS, MANIFEST, SHEET, read_manifest
from sketch.data.drawings_list import digest
from sketch.data.image_digest import digest_of, file_hash
from sketch.errors import InputError

PARTS = (*FOLDERS.values(), LABELS, SHEET, DRAWINGS)  # all but the manifest
# How to call settings that are hashes.
DIFFERENT = {
    'names_sha256': 'other names to choose from',
    'excluded_sha256': 'other drawings to exclude',
    'drawings_sha256': 'another list of drawings',
}
LITTER = ('.DS_Store', 'Thumbs.db')


def existing_manifest(out, settings, force):
    """Return the manifest of a finished data set in OUT, None if OUT is free.

    Raises:
        InputError: OUT has a data set with other settings, or files that this script did not make
            and would replace.
    """
    manifest = read_manifest(out)
    if manifest is None:
        for part in PARTS:
            if (out / part).exists() and not _is_given_list(out / part, settings):
                raise InputError(
                    f'{out / part}: not a finished data set of create_dataset.py (no {MANIFEST} '
                    'beside it); move it away, or give another folder'
                )
        return None
    if force:
        check_own(out, manifest)
    found = manifest['settings']
    different = [key for key in {**found, **settings} if found.get(key) != settings.get(key)]
    if different and not force:
        values = ', '.join(
            DIFFERENT.get(key) or f'{key} {found.get(key)} not {settings.get(key)}'
            for key in different
        )
        raise InputError(
            f'{out / MANIFEST}: made with {values}; give another folder, or force its replacement'
        )
    return manifest


def _is_given_list(path, settings):
    """Return whether a file is the list to build from: the data set will have the same."""
    given = settings.get('drawings_sha256')
    return path.name == DRAWINGS and path.is_file() and given == digest(path)


@contextlib.contextmanager
def whole_or_absent(out):
    """Give the block an empty folder to fill with a data set; rename it into OUT at the end.

    If the block fails, nothing is left of it.

    Raises:
        InputError: the files cannot be written, or what is unfinished cannot be removed.
    """
    new = _staging(out) / 'new'
    try:
        try:
            new.mkdir(parents=True)
            yield new
            publish(out)
        finally:
            discard_unfinished(out)
    except OSError as error:
        place = Path(os.fsdecode(error.filename or out))
        place = out if _staging(out) in place.parents else place
        told = 'the unfinished data set was removed'
        if _staging(out).exists():
            told = f'{_staging(out)} is left, and the next build finishes or removes it'
        raise InputError(f'{place}: {error.strerror}; {told}') from None


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
        check_own(out, read_manifest(out))
        (out / MANIFEST).rename(old / MANIFEST)
    for part in PARTS:
        if not (new / part).exists():
            continue  # renamed before an interruption
        if (out / part).exists():
            if (old / MANIFEST).exists():
                (out / part).rename(old / part)
            elif part != DRAWINGS or (out / part).read_bytes() != (new / part).read_bytes():
                raise InputError(f'{out / part}: appeared during the build, move it away')
        (new / part).rename(out / part)
    (new / MANIFEST).rename(out / MANIFEST)


def check_own(out, manifest):
    """Raise InputError if a data set's folders hold what create_dataset.py did not put there."""
    for split, part in FOLDERS.items():
        names, count = list(manifest['categories']), manifest['settings'][split]
        foreign = _foreign(out / part, names, count)
        written = manifest['content'][split]
        if foreign is None and _is_edited(out / part, names, count, written):
            foreign = out / part
        if foreign is not None:
            raise _not_own(foreign)
    table = out / DRAWINGS
    if table.exists() and manifest['content']['drawings'] != file_hash(table.read_bytes()).hex():
        raise _not_own(table)


def _not_own(path):
    return InputError(
        f'{path}: create_dataset.py did not make all of this, and a forced build would delete '
        'it; move it away'
    )


def _foreign(folder, categories, count):
    """Return a path below a split's folder that is not of its data set, None without one."""
    for category in _entries(folder):
        if category.name not in categories or not category.is_dir():
            return category
        images = _entries(category)
        for image in images:
            if not re.fullmatch(r'\d+\.png', image.name) or not image.is_file():
                return image
        if len(images) > count:
            return category
    return None


def _is_edited(folder, categories, count, written):
    """Return whether all images of a split are there, but not as once written."""
    images = [(label, path) for label, name in enumerate(categories)
              for path in _entries(folder / name)]  # fmt: skip
    return len(images) == count * len(categories) and written != digest_of(
        (label, path.name, file_hash(path.read_bytes())) for label, path in images
    )


def _entries(folder):
    """Return what is in a folder, without the files that operating systems leave there."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        path
        for path in paths
        if path.is_dir() or not (path.name.startswith('._') or path.name in LITTER)
    ]


def _staging(out):
    return out / '.dataset-building'

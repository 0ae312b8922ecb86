"""The checkpoint folder of a training: made ready, resumed, and cleaned at the end.

The caller holds the folder's lock (locks.exclusive).
"""

import dataclasses
import shutil
from pathlib import Path

from sketch import locks
from sketch.errors import InputError
from sketch.runs import checkpoints, folders, training_images
from sketch.runs import settings as run_settings
from sketch.runs.names import series


def prepare(folder, settings, target, pixels=None):
    """Make a folder ready for training; return the checkpoint to resume from, None without one.

    A new folder starts with the nearest earlier checkpoint of the same run, if there is one. In an
    existing folder the latest intact checkpoint counts. A corrupt one is reported and removed.

    Args:
        folder: Path, existing.
        settings: Settings of the training.
        target: the step at which it ends.
        pixels: of the training images, as training_images.save takes them.

    Raises:
        InputError: the folder was trained with other settings, or train.py did not make it.
        OSError: a checkpoint cannot be read; it is left as it is.
    """
    found = run_settings.load(folder)
    if found is not None and found.differences(settings):
        raise InputError(
            f'{folder}: trained with {found.differences(settings)}; train in another '
            'folder, or remove it'
        )
    if (folder / folders.PREPARING).exists():
        _empty(folder)
    elif found is None and not all(map(locks.is_lock, folder.iterdir())):
        raise InputError(f'{folder}: has no {run_settings.FILE}; train in another folder')
    if not (folder / run_settings.FILE).exists():
        _start(folder, settings, target, pixels)
        return folders.latest(folder)
    while (prefix := folders.latest(folder)) is not None and not _intact(prefix):
        folders.remove(prefix)
    if prefix is None:
        _empty(folder)
        _start(folder, settings, target, pixels)
        if folders.latest(folder) is None:
            print(f'{folder}: no intact checkpoint; restarting from scratch')
    if not (folder / training_images.FILE).exists():  # the digest of the data set is the same
        training_images.save(folder, pixels)
    return folders.latest(folder)


def keep_only_last(folder):
    """Delete all but the latest checkpoint of a finished folder."""
    name = Path(folders.latest(folder)).name
    folders.name_latest(folder, name)
    for index in folder.glob('model.ckpt-*.index'):
        if index.stem != name:
            folders.remove(index.with_suffix(''))


def _intact(prefix):
    """Return whether a checkpoint is intact; report it if not.

    Raises:
        OSError: a file is there and cannot be read. That is no corruption.
    """
    try:
        checkpoints.read_variables(prefix)
    except InputError as error:
        for path in folders.files(prefix):
            with open(path, 'rb') as file:
                while file.read(1 << 20):
                    pass
        print(f'{error}: removed')
        return False
    return True


def _start(folder, settings, target, pixels):
    earlier = _earlier_checkpoint(folder, settings, target)  # may refuse: then nothing is left
    (folder / folders.PREPARING).touch()
    if earlier is not None:
        print(f'{folder}: starts from {earlier}')
        for file in folders.files(earlier):
            shutil.copy(file, folder)
        folders.name_latest(folder, Path(earlier).name)
    training_images.save(folder, pixels)
    run_settings.save(folder, settings)
    (folder / folders.PREPARING).unlink()


def _empty(folder):
    """Remove everything in a folder except the mark that it is unfinished."""
    (folder / folders.PREPARING).touch()
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != folders.PREPARING and not locks.is_lock(path):
            path.unlink()


def _earlier_checkpoint(folder, settings, target):
    """Return the intact checkpoint of the same run with the most steps up to a target, or None."""
    run = series(folder.name)
    earlier = []
    for other in sorted(folder.parent.glob('checkpoints_*e')):
        if series(other.name) != run:
            continue
        prefix, found = folders.latest(other), run_settings.load(other)
        if not prefix or found is None:
            continue
        found = dataclasses.replace(found, epochs=settings.epochs)
        if differences := found.differences(settings):
            print(f'{other}: not used, it was trained with {differences}')
        elif folders.step_of(prefix) <= target:
            earlier.append(prefix)
    for prefix in sorted(earlier, key=folders.step_of, reverse=True):
        try:
            checkpoints.read_variables(prefix)
            return prefix
        except InputError as error:
            print(f'{error}: not used')
    return None

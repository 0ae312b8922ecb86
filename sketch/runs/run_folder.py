"""The checkpoint folder of a run in training: begun, continued, and cleaned at the end.

Whoever calls these holds the folder's lock (atomic.exclusive).
"""

import dataclasses
import shutil
from pathlib import Path

from sketch import atomic
from sketch.errors import InputError
from sketch.runs import checkpoints
from sketch.runs.names import series
from sketch.tensorflow_setup import tf

PREPARING = '.preparing'  # there while a folder is being begun: what it holds is not a run yet


def begin_or_go_on(folder, settings, target):
    """Make a folder ready to train in; return the checkpoint to go on from, None without any.

    A new folder begins with the nearest earlier checkpoint of the same run, if there is one. Of
    one that was trained in before, the newest whole checkpoint counts; damaged ones are removed,
    which is said.

    Args:
        folder: Path, existing.
        settings: Settings that it is trained with.
        target: the step it shall end at.

    Raises:
        InputError: the folder was trained with other settings, or is not one of train.py.
        OSError: a checkpoint cannot be read; it is left as it is.
    """
    found = checkpoints.load_settings(folder)
    if found is not None and found != settings:
        raise InputError(
            f'{folder}: trained with {found.differences(settings)}; give another '
            '--checkpoints, or remove it'
        )
    if (folder / PREPARING).exists():
        _empty(folder)
    elif found is None and any(folder.iterdir()):
        raise InputError(f'{folder}: has no {checkpoints.SETTINGS}; give another --checkpoints')
    if not (folder / checkpoints.SETTINGS).exists():
        _begin(folder, settings, target)
    prefix = checkpoints.latest(folder)
    while prefix is not None:
        try:
            checkpoints.read_shapes(prefix)
            break
        except InputError as error:
            _read_all(prefix)
            print(f'{error}: removed')
        tf.compat.v1.train.remove_checkpoint(prefix)
        prefix = checkpoints.latest(folder)
        if prefix is None:
            print(f'{folder}: no whole checkpoint is left, the run begins anew')
            _empty(folder)
            _begin(folder, settings, target)
            prefix = checkpoints.latest(folder)
    return prefix


def keep_only_last(folder):
    """Delete all but the newest checkpoint of a finished folder."""
    name = Path(checkpoints.latest(folder)).name
    checkpoints.name_latest(folder, name)
    for index in folder.glob('model.ckpt-*.index'):
        if index.stem != name:
            tf.compat.v1.train.remove_checkpoint(str(index.with_suffix('')))


def _read_all(prefix):
    """Raise OSError if a file of a checkpoint is there and cannot be read, which is no damage."""
    for path in Path(prefix).parent.glob(f'{Path(prefix).name}.*'):
        with open(path, 'rb') as file:
            while file.read(1 << 20):
                pass


def _begin(folder, settings, target):
    (folder / PREPARING).touch()
    earlier = _earlier_checkpoint(folder, settings, target)
    if earlier is not None:
        print(f'{folder}: goes on from {earlier}')
        for file in Path(earlier).parent.glob(f'{Path(earlier).name}.*'):
            shutil.copy(file, folder)
        checkpoints.name_latest(folder, Path(earlier).name)
    atomic.write_json(folder / checkpoints.SETTINGS, dataclasses.asdict(settings))
    (folder / PREPARING).unlink()


def _empty(folder):
    """Remove all that a folder holds, its mark of being unfinished last."""
    (folder / PREPARING).touch()
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != PREPARING:
            path.unlink()


def _earlier_checkpoint(folder, settings, target):
    """Return the whole checkpoint of the same run nearest below a step, None without any."""
    run = series(folder.name)
    earlier = []
    for other in sorted(folder.parent.glob(f'{run}_*e')):
        prefix, found = checkpoints.latest(other), checkpoints.load_settings(other)
        if series(other.name) != run or not prefix or found is None:
            continue
        found = dataclasses.replace(found, epochs=settings.epochs)
        if found != settings:
            print(f'{other}: not continued, it was trained with {found.differences(settings)}')
        elif checkpoints.step_of(prefix) <= target:
            earlier.append(prefix)
    for prefix in sorted(earlier, key=checkpoints.step_of, reverse=True):
        try:
            checkpoints.read_shapes(prefix)
            return prefix
        except InputError as error:
            print(f'{error}: not continued')
    return None

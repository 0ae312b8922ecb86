"""Checkpoint folders: which there are, and the files of the checkpoints in them.

TensorFlow names a checkpoint by the prefix of its files: FOLDER/model.ckpt-STEP. Importing this
loads no TensorFlow.
"""

import math
import re
from pathlib import Path

from sketch import atomic
from sketch.backend.patterns import PATTERN
from sketch.errors import InputError
from sketch.runs import settings as run_settings
from sketch.runs.names import epochs_in, number_text, series

WEIGHTS = Path(__file__).parents[2] / 'weights'  # published checkpoint folders
PREPARING = '.preparing'  # there while train.py makes a folder: its content is not a run yet
STATE = 'checkpoint'  # the file in which TensorFlow keeps the name of the latest checkpoint


def find(root):
    """Return the folders checkpoints_* in a folder that hold a checkpoint, by net and epochs.

    Raises:
        InputError: there is none.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'{root}: no such folder; give the one in which train.py made its folders')
    folders = [path for path in root.glob('checkpoints_*') if latest(path)]
    if not folders:
        raise InputError(f'{root}: no folder checkpoints_* with a checkpoint; run train.py first')
    return sorted(folders, key=lambda path: (series(path.name), epochs_in(path.name) or 0))


def one(named, unfinished):
    """Return the folder that is named or, for None, the one in the current folder with most epochs.

    Arguments and errors as of `chosen`.
    """
    if named:
        return chosen([named], None, unfinished)[0]
    return max(chosen([], '.', unfinished), key=_epochs)


def chosen(named, root, unfinished):
    """Return the folders to work on: those named, else those that `find` finds.

    Args:
        named: Paths.
        root: where to look if none is named.
        unfinished: take unfinished trainings, too. Without it one that is named is an error, and
            one that is found is reported and left out.

    Raises:
        InputError: a folder that is named holds no checkpoint, two have one name, or none is left.
    """
    named = [located(folder) for folder in named]
    by_name = {}
    for folder in named:
        other = by_name.setdefault(folder.resolve().name, folder)
        if other.resolve() != folder.resolve():
            raise InputError(
                f'{other} and {folder}: runs of one name would replace the results of each other; '
                'rename one of the folders'
            )
        if require_latest(folder) and not unfinished and (state := _unfinished(folder)):
            raise InputError(f'{state}; resume it with train.py, or allow unfinished ones')
    if named:
        return named
    finished = []
    for folder in find(root):
        if not unfinished and (state := _unfinished(folder)):
            print(f'{state}; skipped, as unfinished ones are not allowed')
        else:
            finished.append(folder)
    if not finished:
        raise InputError(
            f'{root}: every training in it is unfinished; resume one with train.py, or allow '
            'unfinished ones'
        )
    return finished


def located(folder):
    """Return the Path of a folder that is named.

    Of one in weights/ the name alone is enough. A file or the prefix of the folder's latest
    checkpoint stands for the folder.

    Raises:
        InputError: a file or the prefix of another checkpoint.
    """
    named = re.fullmatch(rf'{STATE}|(.+\.ckpt-\d+)(\..+)?', folder.name)
    if named and not folder.is_dir() and (prefix := latest(folder.parent)):
        if named[1] not in (None, Path(prefix).name):
            raise InputError(
                f'{folder}: of this folder only the latest checkpoint can be used, '
                f'{Path(prefix).name}; give {folder.parent}, or move the others away'
            )
        return folder.parent
    published = WEIGHTS / folder
    is_name = Path(folder.name) == folder
    return published if is_name and not folder.exists() and published.is_dir() else folder


def require_latest(folder):
    """Return the prefix of a folder's latest checkpoint.

    Raises:
        InputError: there is no such folder, or no checkpoint in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f'{folder}: no such folder; name one that train.py made')
    prefix = latest(folder)
    if prefix is None:
        raise InputError(f'{folder}: no checkpoint in it; name a folder that train.py made')
    if set(Path(prefix).name) & PATTERN:
        raise InputError(f'{prefix}: TensorFlow takes its name for a pattern; rename its files')
    return prefix


def latest(folder):
    """Return the prefix of a folder's latest checkpoint, None without one.

    A folder that is being prepared has none. The file `checkpoint` says which it is. Only the
    last part of its paths counts: the folder may have been moved or copied. Without that file the
    step in the file names decides.
    """
    folder = Path(folder)
    if (folder / PREPARING).exists():
        return None
    # A checkpoint that lacks a file is corrupt, not absent: it counts here. What macOS keeps beside
    # a file, ._NAME, is none.
    names = {
        match.group(1)
        for path in folder.glob('[!.]*.ckpt-*')
        if (match := re.fullmatch(r'(.+\.ckpt-\d+)\.(index|data-\d+-of-\d+)', path.name))
    }
    name = _name_in_state(folder) if names else None
    if name not in names:
        name = max(names, key=step_of, default=None)
    return str(folder / name) if name else None


def name_latest(folder, name):
    """Make `name` the one checkpoint that TensorFlow sees in a folder.

    TensorFlow's own function writes absolute paths; a moved folder must stay valid.
    """
    text = f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n'
    atomic.write_text(Path(folder) / STATE, text)


def files(prefix):
    """Return the Paths of a checkpoint's files. In TensorFlow's function a prefix is a pattern."""
    prefix = Path(prefix)
    return sorted(p for p in prefix.parent.iterdir() if p.name.startswith(f'{prefix.name}.'))


def remove(prefix):
    """Delete a checkpoint."""
    for path in files(prefix):
        path.unlink()


def step_of(prefix):
    """Return the step in a checkpoint's file name."""
    return int(str(prefix).rsplit('-', 1)[1])


def _name_in_state(folder):
    """Return the name of the latest checkpoint by the file `checkpoint`, None if it has none."""
    try:
        state = (folder / STATE).read_text(encoding='utf-8', errors='replace')
    except FileNotFoundError:
        return None
    named = re.search(r'^model_checkpoint_path: "(?:.*/)?([^/"]+)"', state, re.MULTILINE)
    return named and named.group(1)


def _epochs(folder):
    """Return the epochs that a folder's checkpoint has."""
    settings, step = run_settings.load(folder), step_of(latest(folder))
    if settings is not None and not settings.is_finished(step):
        return settings.epochs_after(step)
    epochs = epochs_in(folder.name) if settings is None else settings.epochs
    return -math.inf if epochs is None else epochs


def _unfinished(folder):
    """Return the line that tells how far an unfinished training is, None if it is finished."""
    settings, step = run_settings.load(folder), step_of(latest(folder))
    if settings is None or settings.is_finished(step):
        return None
    return (
        f'{folder}: unfinished, at step {step} of {settings.last_step} '
        f'({number_text(settings.epochs_after(step))} of {number_text(settings.epochs)} epochs)'
    )

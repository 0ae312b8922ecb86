"""Files and folders that are written whole or not at all."""

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from sketch.errors import InputError


def write_bytes(path, content):
    """Write a file under a temporary name beside its place, then rename it.

    A link stays a link: the file that it leads to is replaced.
    """
    path = Path(path).resolve()
    beside = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        with open(beside, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_text(path, text):
    """Write a UTF-8 text file, as write_bytes does."""
    write_bytes(path, text.encode())


def write_json(path, value):
    """Write JSON: one value a line, keys in the order given."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + '\n')


def read_json(path):
    """Return the value that a JSON file has.

    Raises:
        ValueError: it is not JSON, or not UTF-8.
        OSError: it cannot be read.
    """
    try:
        # Editors may leave a byte order mark.
        return json.loads(Path(path).read_text(encoding='utf-8-sig'))
    except RecursionError:
        raise ValueError('nested too deeply') from None


def check_place(path, what):
    """Raise InputError if a file cannot be written, before the work; its folder may be missing.

    Args:
        path: of the file.
        what: to give instead, in the error.
    """
    path = Path(path).resolve()
    # A file is replaced, not rewritten.
    if path.is_dir() or not receives_files(path.parent):
        raise InputError(f'{path}: cannot be written; give another {what}')


def receives_files(folder):
    """Return whether files can be written into a folder, or the folder can be made."""
    place = Path(folder).resolve()
    while not place.exists():
        place = place.parent
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


@contextlib.contextmanager
def new_folder(path, replace=False):
    """Give the block a hidden folder beside `path` to fill, and rename it to `path` at the end.

    If the block fails, nothing is left, and what is to be replaced stays. A process that is killed
    leaves the hidden folder; one killed between the two renames, the earlier folder in it.

    Args:
        path: of the folder.
        replace: whether it may exist.

    Raises:
        InputError: `path` exists and is not to be replaced, or no folder; or its parent is none.
    """
    path = Path(path).resolve() if replace else Path(path)
    parent = path.resolve().parent
    if os.path.lexists(path) and not (replace and path.is_dir()):
        raise InputError(f'{path}: exists; give another folder, or move it away')
    if not parent.is_dir():
        raise InputError(f'{path}: {parent} is no folder; make it, or give another folder')
    building = Path(tempfile.mkdtemp(prefix=f'.{path.name}-', dir=parent))
    try:
        yield building
        building.chmod(0o755)
        with tempfile.TemporaryDirectory(prefix=f'.{path.name}-', dir=parent) as place:
            earlier = Path(place) / path.name
            if path.exists():
                path.rename(earlier)
            try:
                building.rename(path)
            except BaseException:
                if earlier.exists():
                    earlier.rename(path)
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)

"""Files and folders that are written whole or not at all."""

import contextlib
import errno
import json
import os
import shutil
import tempfile
from pathlib import Path

from sketch.errors import InputError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BLOCK = 4096  # bytes that a disk must have left: the least that a file takes
TEMPORARY = 2**22  # bytes of an evaluation's event file, which has the graph, and some to spare


def write_bytes(path, content):
    """Write a file under a temporary name beside its place, then rename it.

    A link stays a link: the file that it leads to is replaced.

    Raises:
        OSError: it cannot be written; names `path`.
    """
    place = Path(path).resolve()
    beside = place.with_name(f'.{place.name}.{os.getpid()}')
    try:
        with open(beside, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, place)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


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

    It tries: a disk may be full.

    Args:
        path: of the file.
        what: to give instead, in the error.
    """
    place = Path(path).resolve()
    # A file is replaced, not rewritten.
    if place.is_dir() or not receives_files(place.parent):
        raise InputError(f'{path}: cannot be written; give another {what}')


def receives_files(folder, size=BLOCK):
    """Return whether a file of `size` bytes can be written into a folder.

    A missing folder counts as the one that it would be made in.
    """
    place = Path(folder).resolve()
    try:
        while not place.exists():
            place = place.parent
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(size))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def room_at(place, remedy):
    """Raise InputError with `place` and `remedy` if the block fails because a disk is full.

    The block may write to a hidden place, and by TensorFlow, whose errors have the system's words.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        full = [os.strerror(number) for number in DISK_FULL if os.strerror(number) in str(error)]
        if not full:
            raise
        raise InputError(f'{place}: {full[0]}; {remedy}') from None


@contextlib.contextmanager
def room_for_temporary_files():
    """Raise InputError if there is no room for the temporary files of a block; try it first."""
    place, remedy = tempfile.gettempdir(), 'make room there, or set TMPDIR to another folder'
    if not receives_files(place, TEMPORARY):
        raise InputError(f'{place}: no room for temporary files; {remedy}')
    with room_at(place, remedy):
        yield


@contextlib.contextmanager
def made_folder(path):
    """Make a folder and its missing parents for a block; remove those that it leaves empty."""
    path = Path(path)
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield path
    finally:
        for folder in new:
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextlib.contextmanager
def new_folder(path, replace=False):
    """Give the block a hidden folder beside `path` to fill, and rename it to `path` at the end.

    If the block fails, nothing is left, and what is to be replaced stays. A process that is killed
    leaves the hidden folder; one killed between the two renames, the earlier folder in it.

    Args:
        path: of the folder.
        replace: whether it may exist.

    Raises:
        InputError: `path` exists and is not to be replaced, or no folder; its parent is none, or
            cannot be written to; or the disk is full.
    """
    path = Path(path).resolve() if replace else Path(path)
    parent = path.resolve().parent
    if os.path.lexists(path) and not (replace and path.is_dir()):
        raise InputError(f'{path}: exists; give another folder, or move it away')
    if not parent.is_dir():
        raise InputError(f'{path}: {parent} is no folder; make it, or give another folder')
    if not receives_files(parent):
        raise InputError(f'{path}: {parent} cannot be written to; give another folder')
    building = Path(tempfile.mkdtemp(prefix=f'.{path.name}-', dir=parent))
    try:
        with room_at(path, 'make room there'):
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

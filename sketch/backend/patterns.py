"""Paths that TensorFlow takes as they are: it reads the path of a checkpoint as a pattern.

Importing this loads no TensorFlow.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

PATTERN = set('*?[]{}\\')  # characters of a pattern, as in a shell

_links = {}  # folder -> link to it


def literal(path):
    """Return a path, as text, that TensorFlow does not read as a pattern.

    It may lead through a symbolic link in a temporary folder. The link is removed when the process
    ends.

    Args:
        path: of an existing folder, or the prefix of a checkpoint in one.
    """
    path = Path(path)
    folder, name = (path, '') if path.is_dir() else (path.parent, path.name)
    if _is_plain(folder):
        return str(path)
    folder = folder.resolve()
    if folder not in _links:
        place = tempfile.gettempdir()
        place = tempfile.mkdtemp(dir=place if _is_plain(place) else '/tmp')
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        _links[folder] = Path(place) / 'folder'
        _links[folder].symlink_to(folder)
    return str(_links[folder] / name)


def _is_plain(path):
    """Return whether a path has no character of a pattern and is UTF-8."""
    try:
        return not set(os.fsencode(path).decode()) & PATTERN
    except UnicodeDecodeError:
        return False

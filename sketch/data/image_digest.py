"""The digest of a data set's images: file names alone can stay when pixels change.

<data set>/.content-train.json, .content-test.json keep the digest of a split and the state of its
files (name, size, times, inode). While the state is the same, the files are not read again.
"""

import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from sketch import atomic
from sketch.data.image_file import decode
from sketch.errors import InputError


def file_hash(content):
    """Return the hash of a file's bytes, bytes."""
    return hashlib.blake2b(content, digest_size=16).digest()


def digest_of(files):
    """Return the digest of images in order, text.

    Args:
        files: iterable of (label, file name without folder, file_hash of its bytes).
    """
    digest = hashlib.sha256()
    for label, name, value in files:
        digest.update(b'%d/%s/%s\n' % (label, os.fsencode(name), value))
    return digest.hexdigest()[:32]


def checked_digest(paths, labels, cache, title):
    """Check that all images are intact 8-bit grey PNGs of one square size, unless that is known.

    Args:
        paths: file names as bytes.
        labels: integers.
        cache: Path of the file that keeps what is known. It may be impossible to write.
        title: of the progress bar.

    Returns:
        The digest of the images, and their side in pixels.

    Raises:
        InputError: an image is corrupt, not 8-bit grey, or not of the size of the others.
    """
    files = _state(paths, labels)  # before they are read: one that changes meanwhile is told
    known = _read(cache, files)
    if known is not None:
        return known
    with ThreadPoolExecutor() as pool:
        checked = list(tqdm(pool.map(_check, paths), title, len(paths), leave=False, delay=2))
    size = _common_size(paths, np.array([sides for sides, _ in checked]))
    names = map(os.path.basename, paths)
    digest = digest_of(
        (label, name, value) for label, name, (_, value) in zip(labels, names, checked)
    )
    with contextlib.suppress(OSError):  # a read-only data set is read each time
        state = _bound(files, digest, size)
        atomic.write_json(cache, {'state': state, 'content': digest, 'size': size})
    return digest, size


def _state(paths, labels):
    """Return a hash of names, labels, sizes, times and inodes: it changes when a file does."""
    digest = hashlib.sha256()
    for path, label in zip(paths, labels):
        status = os.stat(path)
        times = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        digest.update(b'%d/%s/%d/%d/%d/%d\n' % (label, os.path.basename(path), *times))
    return digest.hexdigest()


def _bound(files, digest, size):
    """Return a hash of the files' state and what is known of them: an edited cache is told."""
    return hashlib.sha256(f'{files}/{digest}/{size}'.encode()).hexdigest()


def _read(cache, files):
    """Return (digest, side) from a cache file; None if it is absent, or files have changed."""
    try:
        known = atomic.read_json(cache)
        digest, size = known['content'], known['size']
        return (digest, size) if known['state'] == _bound(files, digest, size) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check(path):
    """Decode one image; return its (width, height) and the hash of its bytes."""
    with open(path, 'rb') as file:
        content = file.read()
    return decode(path, content).shape[::-1], file_hash(content)


def _common_size(paths, sizes):
    """Return the side of square images that all have one size."""
    width = int(np.median(sizes))
    other = np.flatnonzero((sizes != width).any(axis=1))
    if len(other):
        first = os.fsdecode(paths[other[0]])
        got = 'x'.join(map(str, sizes[other[0]]))
        raise InputError(f'{first}: {got} pixels among images of {width}x{width}')
    return width

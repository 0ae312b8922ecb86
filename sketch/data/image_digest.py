"""The digest of a data set's images: file names alone can stay when pixels change.

<data set>/.content-train.json, .content-test.json keep what is known of a split and the state of
its files (name, size, times, inode). While the state is the same, the files are not read again.
"""

import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from sketch import atomic
from sketch.data.image_file import decode
from sketch.errors import InputError


class Checked(NamedTuple):
    """What is known of the images of a split."""

    digest: str  # of labels, names and files
    size: int  # side in pixels
    pixels: np.ndarray  # uint64 (images,), a hash of each image's pixels


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


def checked(paths, labels, cache, title):
    """Check that all images are intact 8-bit grey PNGs of one square size, unless that is known.

    Args:
        paths: file names as bytes.
        labels: integers.
        cache: Path of the file that keeps what is known. It may be impossible to write.
        title: of the progress bar.

    Returns:
        Checked.

    Raises:
        InputError: an image is corrupt, not 8-bit grey, or not of the size of the others.
    """
    files = _state(paths, labels)  # before they are read: one that changes meanwhile is told
    known = _read(cache, files)
    if known is not None:
        return known
    with ThreadPoolExecutor() as pool:
        read = list(tqdm(pool.map(_check, paths), title, len(paths), leave=False, delay=2))
    sides, values, hashes = zip(*read)
    found = Checked(
        digest_of(zip(labels, map(os.path.basename, paths), values)),
        _common_size(paths, np.array(sides)),
        np.frombuffer(b''.join(hashes), '<u8'),
    )
    with contextlib.suppress(OSError):  # a read-only data set is read each time
        known = {**found._asdict(), 'pixels': found.pixels.tobytes().hex()}
        atomic.write_json(cache, {'state': _bound(files, **known), **known})
    return found


def _state(paths, labels):
    """Return a hash of names, labels, sizes, times and inodes: it changes when a file does."""
    digest = hashlib.sha256()
    for path, label in zip(paths, labels):
        status = os.stat(path)
        times = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        digest.update(b'%d/%s/%d/%d/%d/%d\n' % (label, os.path.basename(path), *times))
    return digest.hexdigest()


def _bound(files, digest, size, pixels):
    """Return a hash of the files' state and what is known of them: an edited cache is told."""
    return hashlib.sha256(f'{files}/{digest}/{size}/{pixels}'.encode()).hexdigest()


def _read(cache, files):
    """Return Checked from a cache file; None if it is absent, or files have changed."""
    try:
        known = atomic.read_json(cache)
        if known.pop('state') != _bound(files, **known):
            return None
        return Checked(**{**known, 'pixels': np.frombuffer(bytes.fromhex(known['pixels']), '<u8')})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _check(path):
    """Decode one image; return its (width, height), the hash of its bytes, and of its pixels."""
    with open(path, 'rb') as file:
        content = file.read()
    pixels = decode(path, content)
    of_pixels = hashlib.blake2b(pixels.tobytes(), digest_size=8).digest()
    return pixels.shape[::-1], file_hash(content), of_pixels


def _common_size(paths, sizes):
    """Return the side of square images that all have one size."""
    distinct, counts = np.unique(sizes, axis=0, return_counts=True)
    common = distinct[counts.argmax()]
    other = np.flatnonzero((sizes != common).any(axis=1))
    if len(other) or common[0] != common[1]:
        first = other[0] if len(other) else 0
        told = '{}x{} pixels'.format(*sizes[first])
        told += ' among images of {}x{}'.format(*common) if len(other) else ', not square'
        raise InputError(f'{os.fsdecode(paths[first])}: {told}; give all images one square size')
    return int(common[0])

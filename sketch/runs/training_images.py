"""Which images a network was trained on, kept beside its settings: hashes of their pixels.

<checkpoint folder>/training_images.npy: uint64 (training images,), sorted; 8 bytes an image.
"""

import io
from pathlib import Path

import numpy as np

from sketch import atomic
from sketch.errors import InputError

FILE = 'training_images.npy'


def save(folder, pixels):
    """Write the file: `pixels`, uint64 (images,), of dataset.Split; None if they are unknown."""
    if pixels is None:
        return
    content = io.BytesIO()
    np.save(content, np.sort(pixels))
    atomic.write_bytes(Path(folder) / FILE, content.getvalue())


def load(folder):
    """Return the hashes in a folder, None if they are unknown.

    Raises:
        InputError: the file is corrupt.
    """
    path = Path(folder) / FILE
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (ValueError, EOFError):
        found = None
    if not isinstance(found, np.ndarray) or found.dtype != np.uint64 or found.ndim != 1:
        raise InputError(f'{path}: corrupt; restore it, or remove it if it cannot be')
    return found

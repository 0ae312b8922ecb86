"""Opens a data set that create_dataset.py (or the paper's author) made: images and labels.

No image is kept in memory here. Every file is checked once, so that a corrupt one is reported
before hours of training and not after.
"""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from sketch.errors import InputError

# What a data set's folder holds.
MANIFEST = 'dataset.json'
LABELS = 'conversion_labels.json'
SHEET = 'dataset.png'
FOLDERS = {'train': 'training', 'test': 'testing'}  # by split


@dataclass(frozen=True)
class Split:
    """The training or the test set, ordered by label and file name.

    Attributes:
        name: 'train' or 'test'.
        paths: array (images,) of file names as bytes.
        labels: int32 array (images,), 0 to classes - 1.
    """

    name: str
    paths: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.paths)


@dataclass(frozen=True)
class Dataset:
    """A data set on disk.

    Attributes:
        folder: where it is.
        categories: names in label order.
        size: side of the images in pixels.
        train, test: the two Splits; None if not asked for.
    """

    folder: Path
    categories: tuple
    size: int
    train: Split
    test: Split

    @property
    def classes(self):
        """The number of categories."""
        return len(self.categories)

    @property
    def digest(self):
        """A hash over labels and file names: which images these are."""
        content = hashlib.sha256()
        for split in (self.train, self.test):
            for path, label in zip(split.paths, split.labels):
                content.update(b'%d/%s\n' % (label, os.path.basename(path)))
        return content.hexdigest()[:16]


def open_dataset(folder, splits=('train', 'test')):
    """Return the Dataset in a folder.

    A folder without dataset.json (the author's) must hold training/, testing/ and
    conversion_labels.json. Its files are counted, and the counts printed.

    Args:
        folder: the --out of create_dataset.py.
        splits: which of 'train' and 'test' to open and check.

    Raises:
        InputError: something is missing, corrupt, or not of one size.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    expected = manifest['settings'] if manifest else {}
    categories = _categories(folder)
    opened = {'train': None, 'test': None}
    for name in splits:
        place = folder / FOLDERS[name]
        opened[name] = _list_split(name, place, categories, expected.get(name))
    if not manifest:
        counts = ' and '.join(f'{len(split)} {name}' for name, split in opened.items() if split)
        print(f'{folder}: no {MANIFEST}; counted {counts} images')
    sizes = {_check_images(split) for split in opened.values() if split}
    if len(sizes) > 1:
        raise InputError(f'{folder}: training and test images differ in size: {sorted(sizes)}')
    return Dataset(folder, categories, sizes.pop(), **opened)


def read_manifest(folder):
    """Return the content of a folder's dataset.json, None without one.

    Raises:
        InputError: create_dataset.py did not write it.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
        manifest['settings']['train'], manifest['settings']['test']
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f'{path}: not a manifest of create_dataset.py; move it away, or build again'
        ) from None
    return manifest


def check_queries(dataset):
    """Raise InputError if no test image has another one of its category to find."""
    if np.bincount(dataset.test.labels).max() < 2:
        raise InputError(
            f'{dataset.folder}: no category has 2 test images, so no query has a relevant image; '
            'make the data set with a larger --test'
        )


def _categories(folder):
    path = folder / LABELS
    remedy = 'make the data set with create_dataset.py, or name its folder with --data'
    try:
        labels = json.loads(path.read_text(encoding='utf-8'))
        categories = tuple(sorted(labels, key=lambda name: int(labels[name])))
        consecutive = [int(labels[name]) for name in categories] == list(range(len(labels)))
    except FileNotFoundError:
        raise InputError(f'{path}: no such file; {remedy}') from None
    except (ValueError, TypeError):
        raise InputError(f'{path}: not a table of category -> label; {remedy}') from None
    if not categories or not consecutive:
        raise InputError(f'{path}: labels are not 0, 1, 2, ...; {remedy}')
    return categories


def _list_split(name, folder, categories, expected):
    paths, labels = [], []
    for label, category in enumerate(categories):
        try:
            files = sorted(os.listdir(folder / category))
        except FileNotFoundError:
            raise InputError(f'{folder / category}: no such folder; build it again') from None
        files = [file for file in files if file.endswith('.png')]
        if not files or len(files) != (expected or len(files)):
            raise InputError(
                f'{folder / category}: {len(files)} images'
                + (f', {expected} expected' if expected else '')
                + '; build the data set again'
            )
        paths += [os.fsencode(folder / category / file) for file in files]
        labels += [label] * len(files)
    return Split(name, np.array(paths), np.array(labels, np.int32))


def _check_images(split):
    """Check that all PNGs of a split are intact (by checksum) and square; return the side."""
    with ThreadPoolExecutor() as pool:
        checked = tqdm(
            pool.map(_size_of, split.paths, chunksize=256),
            f'checking {split.name} images',
            len(split),
            leave=False,
            delay=2,
        )
        sizes = np.array(list(checked))
    width = int(np.median(sizes))
    other = np.flatnonzero((sizes != width).any(axis=1))
    if len(other):
        first = os.fsdecode(split.paths[other[0]])
        got = 'x'.join(map(str, sizes[other[0]]))
        raise InputError(f'{first}: {got} pixels among images of {width}x{width}')
    return width


def _size_of(path):
    try:
        with Image.open(path, formats=['PNG']) as image:
            image.verify()
            return image.size
    except (OSError, SyntaxError) as error:
        raise InputError(f'{os.fsdecode(path)}: not an intact PNG image ({error})') from None

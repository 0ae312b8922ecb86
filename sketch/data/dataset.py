"""Opens a data set that create_dataset.py (or the paper's author) made: which images, which labels.

No image is loaded here; every file is checked once, so that a damaged one is named before hours
of training rather than after.
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

from sketch.data import staging
from sketch.errors import InputError


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
        folder: where it lies.
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
        """How many categories."""
        return len(self.categories)

    @property
    def digest(self):
        """Which images these are: a hash over categories and file names."""
        content = hashlib.sha256()
        for split in (self.train, self.test):
            for path, label in zip(split.paths, split.labels):
                content.update(b'%d/%s\n' % (label, os.path.basename(path)))
        return content.hexdigest()[:16]


def open_dataset(folder, splits=('train', 'test')):
    """Return the Dataset in a folder.

    A folder without dataset.json (the author's) is taken if it holds training/, testing/ and
    conversion_labels.json; its files are counted and the counts printed.

    Args:
        folder: what create_dataset.py called --out.
        splits: which of 'train' and 'test' to open and check.

    Raises:
        InputError: something is missing, damaged, or not of one size.
    """
    folder = Path(folder)
    expected = _expected_counts(folder)
    categories = _categories(folder)
    opened = {'train': None, 'test': None}
    for name, part in (('train', 'training'), ('test', 'testing')):
        if name in splits:
            opened[name] = _list_split(name, folder / part, categories, expected.get(name))
    if not expected:
        counts = ' and '.join(f'{len(split)} {name}' for name, split in opened.items() if split)
        print(f'{folder}: no {staging.MANIFEST}; counted {counts} images')
    sizes = {_check_images(split) for split in opened.values() if split}
    if len(sizes) > 1:
        raise InputError(f'{folder}: training and test images differ in size: {sorted(sizes)}')
    return Dataset(folder, categories, sizes.pop(), **opened)


def _expected_counts(folder):
    """Return images per category of each split by the manifest, {} without a manifest."""
    path = folder / staging.MANIFEST
    if not path.exists():
        return {}
    try:
        settings = json.loads(path.read_text(encoding='utf-8'))['settings']
        return {'train': settings['train'], 'test': settings['test']}
    except (ValueError, KeyError, TypeError):
        raise InputError(f'{path}: not a manifest of create_dataset; build it again') from None


def _categories(folder):
    path = folder / staging.LABELS
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
    """Check that all PNGs of a split are whole (by their checksums) and square; return the side."""
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
        raise InputError(f'{os.fsdecode(path)}: not a whole PNG image ({error})') from None

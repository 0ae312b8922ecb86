"""Opens a data set that create_dataset.py (or the paper's author) made: images and labels.

No image is kept in memory here. Every file is checked once (image_digest.py), so that a corrupt
one is reported before hours of training and not after.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sketch import atomic
from sketch.data.image_digest import checked
from sketch.errors import InputError

# What a data set's folder holds.
MANIFEST = 'dataset.json'
LABELS = 'conversion_labels.json'
SHEET = 'dataset.png'
DRAWINGS = 'drawings.csv'
OTHERS = ('.jpg', '.jpeg', '.gif', '.bmp', '.webp', '.tif', '.tiff')  # images that are not PNGs
FOLDERS = {'train': 'training', 'test': 'testing'}  # by split


@dataclass(frozen=True)
class Split:
    """The training or the test set, ordered by label and file name.

    Attributes:
        name: 'train' or 'test'.
        paths: array (images,) of file names as bytes.
        labels: int32 array (images,), 0 to classes - 1.
        pixels: uint64 array (images,), a hash of each image's pixels.
    """

    name: str
    paths: np.ndarray
    labels: np.ndarray
    pixels: np.ndarray = None

    def __len__(self):
        return len(self.paths)


@dataclass(frozen=True)
class Dataset:
    """A data set on disk.

    Attributes:
        folder: where it is.
        categories: names in label order.
        size: side of the images in pixels.
        digest: of all images, with their labels and names; text.
        train, test: the two Splits; None if not asked for.
    """

    folder: Path
    categories: tuple
    size: int
    digest: str
    train: Split
    test: Split

    @property
    def classes(self):
        """The number of categories."""
        return len(self.categories)

    @property
    def names_digest(self):
        """A hash over labels and file names: which images, not what they show."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            for path, label in zip(split.paths, split.labels):
                digest.update(b'%d/%s\n' % (label, os.path.basename(path)))
        return digest.hexdigest()[:16]


def open_dataset(folder, splits=('train', 'test')):
    """Return the Dataset in a folder.

    A folder without dataset.json (the author's) must hold training/, testing/ and
    conversion_labels.json. Its files are counted, and the counts printed.

    Args:
        folder: that create_dataset.py filled.
        splits: which of 'train' and 'test' to open and check.

    Raises:
        InputError: something is missing, corrupt, or not of one size; a split to open was made
            without images.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    expected = manifest['settings'] if manifest else {}
    categories = _categories(folder)
    opened = {'train': None, 'test': None}
    for name in splits:
        place = folder / FOLDERS[name]
        if expected.get(name) == 0:
            raise InputError(
                f'{place}: the data set was made without {name}ing images, for tests alone; give '
                'another, or measure the test images only'
            )
        opened[name] = _list_split(name, place, categories, expected.get(name))
    if not manifest:
        counts = ' and '.join(f'{len(split)} {name}' for name, split in opened.items() if split)
        print(f'{folder}: no {MANIFEST}; counted {counts} images')
    written = manifest['content'] if manifest else {}
    digest, size = _digest(folder, categories, opened, written)
    return Dataset(folder, categories, size, digest, **opened)


def read_manifest(folder):
    """Return the content of a folder's dataset.json, None without one.

    Raises:
        InputError: create_dataset.py did not write it.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest = atomic.read_json(path)
        settings, digests = manifest['settings'], manifest['content']
        least = {'classes': 1, 'train': 0, 'test': 1, 'size': 1}
        valid = all(type(settings[key]) is int and settings[key] >= least[key] for key in least)
        valid &= all(isinstance(digests[key], str) for key in (*FOLDERS, 'drawings'))
        valid &= isinstance(manifest['categories'], dict)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        valid = False
    if not valid:
        raise InputError(f'{path}: not a manifest of create_dataset.py; move it away')
    return manifest


def check_whole(folder, manifest):
    """Raise InputError if a data set lacks labels, drawings.csv or images; none is opened."""
    categories = _categories(folder)
    for name, place in FOLDERS.items():
        if expected := manifest['settings'][name]:
            _list_split(name, folder / place, categories, expected)
    if not (folder / DRAWINGS).exists():
        raise InputError(f'{folder / DRAWINGS}: no such file; build the data set again')


def is_folder_name(name):
    """Return whether a category of this name can have a folder."""
    return name not in ('', '.', '..') and not set(name) & set('/\\\0')


def check_queries(dataset):
    """Raise InputError if no test image has another one of its category to find."""
    if np.bincount(dataset.test.labels).max() < 2:
        raise InputError(
            f'{dataset.folder}: no category has 2 test images, so no query has a relevant image; '
            'make the data set with more test images'
        )


def _categories(folder):
    path = folder / LABELS
    remedy = 'make the data set with create_dataset.py, or give the folder of one'
    try:
        labels = {name: int(str(label)) for name, label in atomic.read_json(path).items()}
    except FileNotFoundError:
        raise InputError(f'{path}: no such file; {remedy}') from None
    except (ValueError, AttributeError):
        raise InputError(f'{path}: not a table of category -> label; {remedy}') from None
    categories = tuple(sorted(labels, key=labels.get))
    consecutive = [labels[name] for name in categories] == list(range(len(labels)))
    for name in categories:
        if not is_folder_name(name):
            raise InputError(f'{path}: {name!r} cannot be the name of a folder; {remedy}')
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
        files = [file for file in files if not file.startswith('.')]
        others = [file for file in files if expected is None and file.lower().endswith(OTHERS)]
        if others:
            raise InputError(
                f'{folder / category / others[0]}: not a PNG image; save all as 8-bit grey '
                'PNGs, or remove it'
            )
        files = [file for file in files if file.lower().endswith('.png')]
        if not files or len(files) != (expected or len(files)):
            raise InputError(
                f'{folder / category}: {len(files)} images'
                + (f', {expected} expected' if expected else '')
                + '; build the data set again'
            )
        place = os.fsencode(folder / category)  # joining Paths takes a second per 50,000 files
        paths += [os.path.join(place, os.fsencode(file)) for file in files]
        labels += [label] * len(files)
    return Split(name, np.array(paths), np.array(labels, np.int32))


def _digest(folder, categories, opened, written):
    """Return the digest of all images, and their side in pixels; complete what is opened.

    A split that is not as create_dataset.py made it is reported.

    Args:
        folder: of the data set.
        categories: names in label order.
        opened: {name: Split, or None if its images are not needed}.
        written: {name: digest} by the manifest, which spares reading a split that is not needed.
    """
    digests, sizes = [], set()
    for name, split in opened.items():
        if split is None and name in written:
            digests.append(written[name])
            continue
        images = split or _list_split(name, folder / FOLDERS[name], categories, None)
        cache = folder / f'.content-{name}.json'
        found = checked(images.paths, images.labels, cache, f'checking {name} images')
        if written.get(name, found.digest) != found.digest:
            print(f'{folder / FOLDERS[name]}: its images are no longer those of {MANIFEST}')
        if split:
            opened[name] = replace(split, pixels=found.pixels)
        digests.append(found.digest)
        sizes.add(found.size)
    if len(sizes) > 1:
        raise InputError(f'{folder}: training and test images differ in size: {sorted(sizes)}')
    return hashlib.sha256(''.join(digests).encode()).hexdigest()[:16], sizes.pop()

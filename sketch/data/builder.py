"""Draws the images of a data set, one category per worker process."""

import functools
import io
import os
import threading
import time
import zlib
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from tqdm import tqdm

from sketch import atomic
from sketch.data import quickdraw, raster
from sketch.data.contact_sheet import contact_sheet
from sketch.data.content import content_digest, file_hash
from sketch.data.dataset import FOLDERS, LABELS, MANIFEST, SHEET
from sketch.errors import InputError

PARENT_POLL = 0.1  # seconds


def build(target, files, chosen, settings, workers):
    """Fill a folder with a data set, the manifest last; return the manifest.

    Args:
        target: Path, existing and empty.
        files: Path of the `.bin` files.
        chosen: category names in label order.
        settings: dict with train, test, size and seed; it goes into the manifest.
        workers: processes; None is one per core.

    Raises:
        InputError: a file is corrupt or has too few drawings.
    """
    work = functools.partial(
        build_category,
        files=files,
        target=target,
        **{key: settings[key] for key in ('train', 'test', 'size', 'seed')},
    )
    count = min(workers or os.cpu_count(), len(chosen))
    with ProcessPoolExecutor(count, None, _exit_with_parent, (os.getpid(),)) as pool:
        try:
            bar = tqdm(pool.map(work, chosen), 'drawing', len(chosen), unit=' categories')
            facts, pixels, files_written = zip(*bar)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    labels = {name: label for label, name in enumerate(chosen)}
    content = {
        split: content_digest(
            (label, *file) for label, written in enumerate(files_written) for file in written[part]
        )
        for split, part in FOLDERS.items()
    }
    known = {image for part in pixels for image in part['training']}
    manifest = {
        'settings': settings,
        # The paper keeps such images; so does this code. Comparisons of accuracy may need to know.
        'test_images_equal_to_a_training_image': sum(
            image in known for part in pixels for image in part['testing']
        ),
        'categories': dict(zip(chosen, facts)),
        'content': content,
    }
    contact_sheet(target / FOLDERS['train'], chosen).save(target / SHEET)
    atomic.write_json(target / LABELS, labels)
    atomic.write_json(target / MANIFEST, manifest)
    return manifest


def _exit_with_parent(parent):
    """Exit this worker process soon after its parent dies; it would hold the folder's lock."""

    def watch():
        while os.getppid() == parent:
            time.sleep(PARENT_POLL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def build_category(name, files, target, train, test, size, seed):
    """Choose, draw and save one category's images.

    Returns:
        What the manifest says about the category, {folder: a hash of each image's pixels}, and
        {folder: (file name, hash of its bytes) of each image, by name}.
    """
    path = files / f'{name}.bin'
    # With the name in the seed, a category's choice does not depend on the other categories.
    random = np.random.default_rng([seed, *name.encode()])
    with quickdraw.DrawingFile(path) as drawings:
        distinct = np.sort(np.unique(drawings.key_ids, return_index=True)[1])
        if len(distinct) < train + test:
            raise InputError(
                f'{path}: {len(distinct)} drawings, fewer than {train} for training and {test} '
                'for testing'
            )
        chosen = random.choice(distinct, train + test, replace=False)
        pixels, written = {}, {}
        for part, indices in zip(FOLDERS.values(), (chosen[:train], chosen[train:])):
            folder = target / part / name
            folder.mkdir(parents=True)
            pixels[part], written[part] = [], []
            for index in indices:
                drawing = drawings[index]
                image = raster.draw(drawing.strokes, size)
                # Drawings are long runs of two tones: run-length compression takes half the time
                # and gives almost the same file size.
                encoded = io.BytesIO()
                image.save(encoded, 'PNG', compress_type=zlib.Z_RLE)
                path_of_image = folder / f'{drawing.key_id}.png'
                path_of_image.write_bytes(encoded.getvalue())
                pixels[part].append(file_hash(image.tobytes()))
                written[part].append((path_of_image.name, file_hash(encoded.getvalue())))
            written[part].sort()
        facts = {
            'drawings': len(drawings),
            'repeated_key_ids': len(drawings) - len(distinct),
            'bytes': path.stat().st_size,
        }
    return facts, pixels, written

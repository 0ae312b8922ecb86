"""Draws the images of a data set, one category per worker process."""

import functools
import io
import multiprocessing
import os
import threading
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
from tqdm import tqdm

from sketch import atomic
from sketch.backend.processor import cores
from sketch.data import drawings_list, raster, staging
from sketch.data.contact_sheet import contact_sheet
from sketch.data.dataset import DRAWINGS, FOLDERS, LABELS, MANIFEST, SHEET
from sketch.data.drawing_files import open_drawings
from sketch.data.image_digest import digest_of, file_hash
from sketch.data.selection import choose
from sketch.errors import InputError

PARENT_POLL = 0.1  # seconds
GUARD = "call it below `if __name__ == '__main__':`"


def check_caller():
    """Raise InputError if this is a spawned worker, whose script called for a build again."""
    if getattr(multiprocessing.current_process(), '_inheriting', False):
        raise InputError(f'construct_from_scratch: {GUARD}')


def build(out, files, selections, settings, workers):
    """Make a data set in a folder, or leave the folder as it was; return the manifest.

    Args:
        out: Path of the folder, which exists.
        files: {category: Path of its drawings}, in label order.
        selections: {category: selection.Selection}.
        settings: dict with train, test, size and seed; it goes into the manifest.
        workers: processes; None is one per core.

    Raises:
        InputError: a file is corrupt or has too few drawings, a worker was killed, or the images
            cannot be written.
    """
    try:
        with staging.whole_or_absent(out) as target:
            return _fill(target, files, selections, settings, workers)
    except BrokenProcessPool:
        reason = 'a worker was killed (out of memory?); try fewer workers'
        if multiprocessing.get_start_method() != 'fork':
            reason += f'; in a script, construct_from_scratch: {GUARD}'
        raise InputError(f'{out}: {reason}') from None


def _fill(target, files, selections, settings, workers):
    """Draw all images, then write what tells of them, the manifest last."""
    chosen = list(files)
    work = functools.partial(build_category, target=target, size=settings['size'])
    count = min(workers or cores(), len(chosen))
    with ProcessPoolExecutor(count, None, _exit_with_parent, (os.getpid(),)) as pool:
        try:
            drawn = pool.map(work, chosen, files.values(), map(selections.get, chosen))
            bar = tqdm(drawn, 'drawing', len(chosen), unit=' categories')
            facts, pixels, files_written = zip(*bar)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    _tell_excluded(facts, selections[chosen[0]])
    labels = {name: label for label, name in enumerate(chosen)}
    digests = {
        split: digest_of(
            (label, *file) for label, written in enumerate(files_written) for file in written[part]
        )
        for split, part in FOLDERS.items()
    }
    listed = {
        name: {
            split: [file.removesuffix('.png') for file, _ in written[part]]
            for split, part in FOLDERS.items()
        }
        for name, written in zip(chosen, files_written)
    }
    table = drawings_list.text(listed)
    atomic.write_text(target / DRAWINGS, table)
    digests['drawings'] = file_hash(table.encode()).hex()
    known = {image for part in pixels for image in part['training']}
    manifest = {
        'settings': settings,
        # The paper keeps such images; so does this code. Comparisons of accuracy may need to know.
        'test_images_equal_to_a_training_image': sum(
            image in known for part in pixels for image in part['testing']
        ),
        'categories': dict(zip(chosen, facts)),
        'content': digests,
    }
    shown = FOLDERS['train' if settings['train'] else 'test']
    contact_sheet(target / shown, chosen).save(target / SHEET)
    atomic.write_json(target / LABELS, labels)
    atomic.write_json(target / MANIFEST, manifest)
    return manifest


def _tell_excluded(facts, selection):
    """Print how many of the excluded key_ids there are; none is a mistake of the user's.

    Raises:
        InputError: there is none.
    """
    if selection.excluded is None:
        return
    found, wanted = sum(fact['excluded'] for fact in facts), len(np.unique(selection.excluded))
    if wanted and not found:
        raise InputError(
            f'{selection.source}: none of its {wanted} key_ids is among the drawings of the chosen '
            'categories; were they rounded, as by a spreadsheet? Give them as they were written'
        )
    print(f'{selection.source}: {found} of its {wanted} key_ids are among the drawings: left out')


def _exit_with_parent(parent):
    """Exit this worker process soon after its parent dies; it would hold the folder's lock."""

    def watch():
        while os.getppid() == parent:
            time.sleep(PARENT_POLL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def build_category(name, path, selection, target, size):
    """Choose, draw and save one category's images.

    Args:
        name: of the category.
        path: of its file of drawings.
        selection: selection.Selection.
        target: Path of the data set.
        size: side of the images in pixels.

    Returns:
        What the manifest says about the category, {folder: a hash of each image's pixels}, and
        {folder: (file name, hash of its bytes) of each image, by name}.
    """
    with open_drawings(path, name) as drawings:
        chosen = choose(drawings, path, name, selection)
        pixels, written = {}, {}
        for split, part in FOLDERS.items():
            folder = target / part / name
            folder.mkdir(parents=True)
            pixels[part], written[part] = [], []
            for index in np.sort(chosen[split]):  # the order of the file is the fastest
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
        distinct = np.unique(drawings.key_ids)
        facts = {
            'drawings': len(drawings),
            'repeated_key_ids': len(drawings) - len(distinct),
            'bytes': path.stat().st_size,
        }
        if selection.excluded is not None:
            facts['excluded'] = int(np.isin(distinct, selection.excluded).sum())
    return facts, pixels, written

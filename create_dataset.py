"""Makes the paper's data set: random categories, random drawings, 128x128 images (section 2).

    python create_dataset.py --files files --categories categories.txt --download

Takes a folder of QuickDraw `.bin` files, one per category, and a text file of category names, one
a line; --download fetches the files of the categories it has chosen. Leaves in --out:
training/<category>/<key_id>.png and testing/<category>/<key_id>.png (8-bit grey, black on white),
conversion_labels.json (category -> label, in the order drawn), dataset.png (a few drawings of each
category) and dataset.json (every setting; written last, so a folder without it is unfinished). The
same files, names and seed give the same bytes, whatever the number of workers.
"""

import functools
import hashlib
import json
import os
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sketch import atomic, command_line
from sketch.data import quickdraw, raster, staging
from sketch.data.contact_sheet import contact_sheet
from sketch.errors import InputError

BUCKET = 'https://storage.googleapis.com/quickdraw_dataset/full/binary'
CLASSES = 100  # the paper's
SIZES = range(63, raster.CANVAS + 1)  # 63 is the smallest image that either network can take


def construct_from_scratch(
    files='files',
    categories='categories.txt',
    out='.',
    classes=None,
    train=1000,
    test=50,
    size=128,
    seed=0,
    workers=None,
    force=False,
    categories_only=None,
    download=False,
    mirror=BUCKET,
):
    """Build the data set and return its manifest, the content of OUT/dataset.json.

    Args:
        files: folder of `<category>.bin` files.
        categories: text file of category names; empty lines are skipped.
        out: folder to fill. A data set of the same settings found there is kept; nothing but what
            this function made is ever touched.
        classes: how many categories to draw from the list; None is 100, or all of
            categories_only.
        train, test: drawings per category, sampled uniformly without replacement from all drawings
            of its file; key_ids that occur twice count once, at their first place.
        size: side of the images in pixels, 63 to 256.
        seed: of every random choice.
        workers: processes; None is one per core.
        force: replace a data set of other settings.
        categories_only: names to draw from, instead of the whole list.
        download: fetch what is missing or damaged of the chosen files.
        mirror: URL to fetch from.

    Raises:
        InputError: names the file and the remedy; OUT is left as it was.
    """
    files, out = Path(files), Path(out)
    if size not in SIZES:
        raise InputError(f'size {size}: must be from {SIZES[0]} to {SIZES[-1]} pixels')
    names = read_categories(categories)
    if categories_only:
        unknown = [name for name in categories_only if name not in names]
        if unknown:
            raise InputError(f'{categories}: no category {unknown[0]!r} in it')
        names = list(dict.fromkeys(categories_only))
    settings = {
        'classes': classes or (len(names) if categories_only else CLASSES),
        'train': train,
        'test': test,
        'size': size,
        'seed': seed,
        'names': len(names),
        'names_sha256': hashlib.sha256('\n'.join(names).encode()).hexdigest(),
    }
    out.mkdir(parents=True, exist_ok=True)
    with atomic.exclusive(out, 'create_dataset'):
        staging.recover(out)
        existing = existing_manifest(out, settings, force)
        if existing is not None and not force:
            print(f'{out / staging.MANIFEST}: kept, it has these settings (--force rebuilds it)')
            return existing
        chosen = choose_categories(names, settings['classes'], seed, categories)
        if download:
            _download(chosen, files, mirror)
        check_files(chosen, files)
        try:
            started = time.monotonic()
            manifest = _build(staging.begin(out), files, chosen, settings, workers)
            staging.publish(out)
        except OSError as error:
            place = os.fspath(error.filename or out)
            raise InputError(f'{place}: {error.strerror}; nothing unfinished is left') from None
        except BrokenProcessPool:
            raise InputError(
                f'{out}: a worker was killed, perhaps for want of memory; try fewer --workers'
            ) from None
        finally:
            staging.discard_unfinished(out)
    seconds, images = time.monotonic() - started, len(chosen) * (train + test)
    print(f'{out}: {images} images in {seconds:.1f} s, {images / seconds:.0f} images/s')
    return manifest


def read_categories(path):
    """Return the names in a categories file, in file order.

    Raises:
        InputError: no names, a name twice, or a name that cannot be a folder's.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8').splitlines()
    except FileNotFoundError:
        raise InputError(f'{path}: no such file; give --categories, one name a line') from None
    except UnicodeDecodeError as error:
        raise InputError(f'{path}: not UTF-8 text at byte {error.start}') from None
    seen = {}
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name:
            continue
        if name in ('.', '..') or set(name) & set('/\\\0'):
            raise InputError(f'{path}: line {number}: {name!r} cannot be the name of a folder')
        if name in seen:
            raise InputError(f'{path}: line {number}: {name!r} again, first on line {seen[name]}')
        seen[name] = number
    if not seen:
        raise InputError(f'{path}: no category names in it')
    return list(seen)


def choose_categories(names, classes, seed, source):
    """Return `classes` of the names in the order drawn."""
    if classes > len(names):
        raise InputError(f'{source}: {len(names)} categories, fewer than --classes {classes}')
    return [names[index] for index in np.random.default_rng(seed).permutation(len(names))[:classes]]


def check_files(chosen, files):
    """Raise InputError unless the `.bin` file of every chosen category is there."""
    if not files.is_dir():
        raise InputError(f'{files}: no such folder; give --files, the folder of .bin files')
    missing = [name for name in chosen if not (files / f'{name}.bin').is_file()]
    if missing:
        raise InputError(
            f'{files / missing[0]}.bin: missing (of {len(chosen)} chosen, {len(missing)} are); '
            'fetch it with --download, or leave its name out of the categories file'
        )


def _download(chosen, files, mirror):
    from sketch.data.download import fetch  # requests is slow to load and seldom needed

    failed = fetch(chosen, files, mirror)
    for reason in failed.values():
        print(reason, file=sys.stderr)
    if failed:
        raise InputError(
            f'{files}: {len(failed)} of {len(chosen)} files could not be fetched; run the same '
            'command again to go on'
        )


def existing_manifest(out, settings, force):
    """Return the manifest of a finished data set in OUT, or None if there is nothing in the way.

    Raises:
        InputError: what is there has other settings, or was not made by this script.
    """
    path = out / staging.MANIFEST
    if not path.exists():
        for part in staging.PARTS:
            if (out / part).exists():
                raise InputError(
                    f'{out / part}: not a finished data set of create_dataset (no '
                    f'{staging.MANIFEST} beside it); move it away or give another --out'
                )
        return None
    try:
        manifest = json.loads(path.read_text())
        found = manifest['settings']
    except (ValueError, KeyError, TypeError):
        raise InputError(f'{path}: not a manifest of create_dataset; move it away') from None
    different = [key for key in settings if found.get(key) != settings[key]]
    if different and not force:
        values = ', '.join(f'{key} {found.get(key)} not {settings[key]}' for key in different)
        raise InputError(f'{path}: made with {values}; give another --out, or --force to replace')
    return manifest


def build_category(name, files, target, train, test, size, seed):
    """Choose, draw and save one category's images.

    Returns:
        What the manifest says of the category, and {part: a hash of each image's pixels}.
    """
    path = files / f'{name}.bin'
    # The name is part of the seed: what one category gives does not depend on the others.
    random = np.random.default_rng([seed, *name.encode()])
    with quickdraw.DrawingFile(path) as drawings:
        distinct = np.sort(np.unique(drawings.key_ids, return_index=True)[1])
        if len(distinct) < train + test:
            raise InputError(
                f'{path}: {len(distinct)} drawings, fewer than {train} for training and {test} '
                'for testing'
            )
        chosen = random.choice(distinct, train + test, replace=False)
        pixels = {}
        for part, indices in (('training', chosen[:train]), ('testing', chosen[train:])):
            folder = target / part / name
            folder.mkdir(parents=True)
            pixels[part] = []
            for index in indices:
                drawing = drawings[index]
                image = raster.draw(drawing.strokes, size)
                # Two tones and long rows: runs alone compress almost as well, in half the time.
                image.save(folder / f'{drawing.key_id}.png', compress_type=zlib.Z_RLE)
                pixels[part].append(hashlib.blake2b(image.tobytes(), digest_size=16).digest())
        facts = {
            'drawings': len(drawings),
            'repeated_key_ids': len(drawings) - len(distinct),
            'bytes': path.stat().st_size,
        }
    return facts, pixels


def _build(target, files, chosen, settings, workers):
    """Fill the target folder, the manifest last."""
    work = functools.partial(
        build_category,
        files=files,
        target=target,
        **{key: settings[key] for key in ('train', 'test', 'size', 'seed')},
    )
    with ProcessPoolExecutor(min(workers or os.cpu_count(), len(chosen))) as pool:
        try:
            bar = tqdm(pool.map(work, chosen), 'drawing', len(chosen), unit=' categories')
            facts, pixels = zip(*bar)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    labels = {name: label for label, name in enumerate(chosen)}
    known = {image for part in pixels for image in part['training']}
    manifest = {
        'settings': settings,
        # The paper keeps such images, and so does this; whoever compares accuracies may care.
        'test_images_equal_to_a_training_image': sum(
            image in known for part in pixels for image in part['testing']
        ),
        'categories': dict(zip(chosen, facts)),
    }
    contact_sheet(target / 'training', chosen).save(target / staging.SHEET)
    atomic.write_json(target / staging.LABELS, labels)
    atomic.write_json(target / staging.MANIFEST, manifest)
    return manifest


def main(argv=None):
    """Parse the command line and build."""
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add('--files', type=Path, default=Path('files'), help='folder of <category>.bin files')
    add('--categories', type=Path, default=Path('categories.txt'), help='names, one a line')
    add('--out', type=Path, default=Path('.'), help='folder to fill')
    count, natural = command_line.positive_int, command_line.natural_int
    add('--classes', type=count, help='categories to draw (default: 100, or all that are named)')
    add('--categories-only', nargs='+', metavar='NAME', help='draw from these only')
    add('--train', type=count, default=1000, help='training drawings per category')
    add('--test', type=count, default=50, help='test drawings per category')
    add('--size', type=int, default=128, help='side of the images in pixels, 63 to 256')
    add('--seed', type=natural, default=0, help='of every random choice')
    add('--workers', type=count, default=os.cpu_count(), help='processes')
    add('--force', action='store_true', help='replace a data set of other settings')
    add('--download', action='store_true', help='fetch the chosen files into --files first')
    add('--mirror', default=BUCKET, metavar='URL', help='where <category>.bin is fetched from')
    options = vars(arguments.parse_args(argv))
    manifest = construct_from_scratch(**options)
    settings = manifest['settings']
    print(
        f'{options["out"]}: {settings["classes"]} categories, '
        f'{settings["classes"] * settings["train"]} training and '
        f'{settings["classes"] * settings["test"]} test images of '
        f'{settings["size"]}x{settings["size"]}; '
        f'{manifest["test_images_equal_to_a_training_image"]} test images equal a training image; '
        f'see {options["out"] / staging.SHEET}'
    )


if __name__ == '__main__':
    command_line.run(main)

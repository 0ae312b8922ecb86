"""Makes the paper's data set: random categories, random drawings, 128x128 images (section 2).

    python create_dataset.py --files files --categories categories.txt --download

Takes a folder of QuickDraw files, one per category, and a text file with one category name per
line. A file is `.bin`, or `.ndjson` with simplified or raw drawings. --download fetches the `.bin`
files of the chosen categories. Fills --out with training/<category>/<key_id>.png and
testing/<category>/<key_id>.png (8-bit grey, black on white), conversion_labels.json (category ->
label, in the order chosen), dataset.png (a few drawings of each category), drawings.csv (which
drawings they are; --drawings makes the same data set of it) and dataset.json (all settings; written
last, so a folder without it is unfinished). The same files, names and seed give the same bytes,
whatever the number of workers.
"""

import hashlib
import multiprocessing
import os
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from sketch import command_line, locks, tables
from sketch.data import builder, category_names, drawing_files, raster, selection, staging
from sketch.data.dataset import DRAWINGS, MANIFEST, SHEET
from sketch.errors import InputError
from sketch.networks.registry import NETWORKS
from sketch.runs.settings import Default

BUCKET = 'https://storage.googleapis.com/quickdraw_dataset/full/binary'
GUARD = "call it below `if __name__ == '__main__':`"
# Pixels that a network can take.
SIZES = range(min(network.smallest for network in NETWORKS.values()), raster.CANVAS + 1)


def construct_from_scratch(
    files='files',
    categories=None,
    out='.',
    classes=None,
    train=Default.train,
    test=Default.test,
    size=Default.size,
    seed=Default.seed,
    workers=None,
    force=False,
    categories_only=None,
    download=False,
    mirror=BUCKET,
    recognized_only=False,
    exclude=None,
    drawings=None,
):
    """Build the data set and return its manifest, the content of OUT/dataset.json.

    Args:
        files: folder of the categories' files (sketch/data/drawing_files.py has their names).
        categories: text file of category names; empty lines are skipped. None is categories.txt in
            the current folder, or beside this script.
        out: folder to fill. A data set with the same settings is kept. Nothing that this function
            did not make is touched.
        classes: number of categories to choose. None chooses all of categories_only; without
            categories_only it chooses 100, or all of a shorter list.
        train, test: images per category, of drawings sampled uniformly without replacement from
            its file. A key_id that occurs twice counts once, at its first place.
        size: side of the images in pixels, 63 to 256 (skNet takes 91 or more).
        seed: of every random choice.
        workers: processes; None is one per core.
        force: replace a data set with other settings.
        categories_only: names to choose from, instead of the whole list.
        download: fetch the chosen files that are missing or corrupt.
        mirror: http or https URL to fetch from.
        recognized_only: choose from the drawings that the game recognized.
        exclude: file of key_ids that are not used, one per line, or a table with that column.
        drawings: drawings.csv of a data set, to make exactly that one: it decides categories and
            drawings, train and test; nothing is chosen.

    Raises:
        InputError: names the file and the remedy. OUT is left as it was.
    """
    if getattr(multiprocessing.current_process(), '_inheriting', False):
        # A spawned worker imports the calling script, which called this function again.
        raise InputError(f'construct_from_scratch: {GUARD}')
    # 1. The names, and the settings that decide every byte.
    files, out = Path(files), Path(out)
    for name, count in (('classes', classes), ('train', train), ('test', test)):
        if count is not None and count < 1:
            raise InputError(f'{name} {count}: must be at least 1')
    if seed < 0:
        raise InputError(f'seed {seed}: must not be negative')
    if size not in SIZES:
        raise InputError(f'size {size}: must be from {SIZES[0]} to {SIZES[-1]} pixels')
    listed = None
    if drawings is not None:
        given = {
            'classes': classes,
            'categories_only': categories_only,
            'exclude': exclude,
            'recognized_only': recognized_only,
        }
        listed = _read_list(drawings, out, [name for name, value in given.items() if value])
        names = list(listed)
        classes = len(names)
        train, test = (len(ids) for ids in next(iter(listed.values())).values())
    else:
        categories = categories or _default_categories()
        names = _names_to_choose_from(categories, categories_only)
        if classes is None:
            classes = len(names) if categories_only else min(Default.classes, len(names))
    settings = {
        'classes': classes,
        'train': train,
        'test': test,
        'size': size,
        'seed': seed,
        'names': len(names),
        'names_sha256': hashlib.sha256('\n'.join(names).encode()).hexdigest(),
        **({'recognized_only': True} if recognized_only else {}),
        **({'excluded_sha256': selection.digest(exclude)} if exclude else {}),
        **({'drawings_sha256': selection.digest(drawings)} if listed else {}),
    }
    excluded = selection.read_key_ids(exclude) if exclude else None
    out.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(out, 'dataset'):
        staging.recover(out)
        existing = staging.existing_manifest(out, settings, force)
        if existing is not None and not force:
            print(f'{out / MANIFEST}: kept, it has these settings (--force rebuilds it)')
            return existing
        # 2. The categories, and their files.
        source = '--categories-only' if categories_only else categories
        chosen = names if listed else category_names.choose_categories(names, classes, seed, source)
        if download:
            from sketch.data.download import fetch  # requests is slow to load and seldom needed

            fetch(chosen, files, mirror)
        found = _found(chosen, files)
        # 3. The drawings, as images.
        selections = {
            name: selection.Selection(
                train, test, seed, recognized_only, excluded, listed and listed[name]
            )
            for name in chosen
        }
        return _build_and_publish(out, found, selections, settings, workers)


def _default_categories():
    here = Path('categories.txt')
    return here if here.exists() else Path(__file__).with_name(here.name)


def _names_to_choose_from(categories, categories_only):
    names = category_names.read_categories(categories)
    if not categories_only:
        return names
    unknown = [name for name in categories_only if name not in names]
    if unknown:
        in_parts = all(part.strip() in names for part in unknown[0].split(','))
        hint = '; separate names by spaces' if in_parts else command_line.near(unknown[0], names)
        raise InputError(f'{categories}: has no category {unknown[0]!r}{hint}')
    return list(dict.fromkeys(categories_only))


def _read_list(path, out, given):
    """Return the drawings of a list; refuse what would contradict it or be replaced."""
    if given:
        raise InputError(f'drawings: leave out {", ".join(given)}; the list decides')
    listed = selection.read_list(path)
    if Path(path).resolve() == (out / DRAWINGS).resolve():
        written = tables.text(selection.COLUMNS, selection.table(listed))
        if Path(path).read_bytes() != written.encode():
            raise InputError(
                f'{path}: the data set would replace it by one in another order; give it another '
                'name, or another --out'
            )
    return listed


def _found(chosen, files):
    """Return {category: Path of its drawings}; InputError if one is missing.

    Prints which files are left aside if a category has several.
    """
    found = drawing_files.find_files(files, chosen)
    missing = [name for name in chosen if name not in found]
    if missing:
        raise InputError(
            f'{files / missing[0]}.bin: missing ({len(missing)} of {len(chosen)} chosen are), '
            'and no .ndjson; fetch it with --download, or remove its name from the categories file'
        )
    for name, (path, *others) in found.items():
        if others:
            aside = ', '.join(other.name for other in others)
            print(f'{path}: taken for {name}; left aside: {aside}')
    return {name: paths[0] for name, paths in found.items()}


def _build_and_publish(out, files, selections, settings, workers):
    """Build beside OUT and rename into it; return the manifest."""
    try:
        started = time.monotonic()
        manifest = builder.build(staging.begin(out), files, selections, settings, workers)
        staging.publish(out)
    except OSError as error:
        place = os.fspath(error.filename or out)
        raise InputError(
            f'{place}: {error.strerror}; the unfinished data set was removed'
        ) from None
    except BrokenProcessPool:
        reason = 'a worker was killed (out of memory?); try fewer --workers'
        if multiprocessing.get_start_method() != 'fork':
            reason += f'; in a script, construct_from_scratch: {GUARD}'
        raise InputError(f'{out}: {reason}') from None
    finally:
        staging.discard_unfinished(out)
    seconds = time.monotonic() - started
    images = len(files) * (settings['train'] + settings['test'])
    print(f'{out}: {images} images in {seconds:.1f} s, {images / seconds:.0f} images/s')
    for network in NETWORKS.values():
        if settings['size'] < network.smallest:
            smallest = f'{network.smallest}x{network.smallest}'
            print(f'{out}: {network.title} takes larger images only, from {smallest} on')
    return manifest


def parse_arguments(argv):
    """Return the parsed command line."""
    arguments = command_line.parser(__doc__)
    count, natural = command_line.positive_int, command_line.natural_int

    source = arguments.add_argument_group('drawings')
    add = source.add_argument
    add(
        '--files',
        metavar='FOLDER',
        type=Path,
        default=Path('files'),
        help='folder of <category>.bin or .ndjson files',
    )
    add(
        '--categories',
        metavar='FILE',
        type=Path,
        help='names, one per line (default: categories.txt, here or beside this script)',
    )
    add('--categories-only', nargs='+', metavar='NAME', help='choose from these categories only')
    add(
        '--recognized-only',
        action='store_true',
        help='choose from the drawings that the game recognized',
    )
    add('--exclude', metavar='FILE', type=Path, help='key_ids not to use, one per line')
    add(
        '--drawings',
        metavar='FILE',
        type=Path,
        help='drawings.csv of a data set, to make exactly that one',
    )
    add('--download', action='store_true', help='fetch the chosen files into --files first')
    add('--mirror', default=BUCKET, metavar='URL', help='where <category>.bin is fetched from')

    data = arguments.add_argument_group('data set')
    add = data.add_argument
    add(
        '--out',
        metavar='FOLDER',
        type=command_line.output_folder,
        default=Path('.'),
        help='folder to fill',
    )
    add(
        '--classes',
        metavar='N',
        type=count,
        help=f'categories to choose (default: {Default.classes}, or all if there are fewer or '
        '--categories-only names them)',
    )
    add(
        '--train',
        metavar='N',
        type=count,
        default=Default.train,
        help='training images per category',
    )
    add('--test', metavar='N', type=count, default=Default.test, help='test images per category')
    add(
        '--size',
        metavar='N',
        type=int,
        default=Default.size,
        help=f'side of the images in pixels, {SIZES[0]} to {SIZES[-1]}',
    )
    add(
        '--seed',
        metavar='N',
        type=natural,
        default=Default.seed,
        help='seed of every random choice',
    )
    add('--force', action='store_true', help='replace a data set with other settings')

    machine = arguments.add_argument_group('machine')
    machine.add_argument(
        '--workers', metavar='N', type=count, default=os.cpu_count(), help='worker processes'
    )
    return arguments.parse_args(argv)


def main(argv=None):
    """Parse the command line, build, and return the manifest."""
    options = parse_arguments(argv)
    manifest = construct_from_scratch(**vars(options))
    settings = manifest['settings']
    print(
        f'{options.out}: {settings["classes"]} categories, '
        f'{settings["classes"] * settings["train"]} training and '
        f'{settings["classes"] * settings["test"]} test images of '
        f'{settings["size"]}x{settings["size"]}; '
        f'{manifest["test_images_equal_to_a_training_image"]} test images equal a training image; '
        f'see {options.out / SHEET}'
    )
    return manifest


if __name__ == '__main__':
    command_line.run(main)

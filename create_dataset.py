"""Makes the paper's data set: random categories, random drawings, 128x128 images (section 2).

    python create_dataset.py --files files --categories categories.txt --download

Takes a folder of QuickDraw files, one per category, and a text file with one category name per
line. A file is `.bin`, or `.ndjson` or `.ndjson.gz` with simplified or raw drawings. --download
fetches the `.bin` files of the chosen categories. Fills --out with
training/<category>/<key_id>.png and testing/<category>/<key_id>.png (8-bit grey, black on white),
conversion_labels.json (category -> label, in the order chosen), dataset.png (a few drawings of each
category), drawings.csv (which drawings they are; --drawings makes the same data set of it) and
dataset.json (all settings; written last, so a folder without it is unfinished). The same files,
names and seed give the same bytes, whatever the number of workers.
"""

import hashlib
import time
from pathlib import Path

from sketch import atomic, command_line, locks
from sketch.backend.processor import cores
from sketch.data import builder, category_names, drawing_files, drawings_list, raster, staging
from sketch.data.dataset import MANIFEST, SHEET, check_whole
from sketch.data.selection import Selection
from sketch.errors import InputError
from sketch.networks.registry import NETWORKS
from sketch.runs.settings import Default

BUCKET = 'https://storage.googleapis.com/quickdraw_dataset/full/binary'
# Pixels that a network can take.
SIZES = range(min(network.smallest for network in NETWORKS.values()), raster.CANVAS + 1)


def construct_from_scratch(
    files='files',
    categories=None,
    out='.',
    classes=None,
    train=None,
    test=None,
    size=None,
    seed=None,
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
            its file. A key_id that occurs twice counts once, at its first place. None is 1000 and
            50; without training images the data set serves tests alone.
        size: side of the images in pixels, 63 to 256 (skNet takes 91 or more). None is that of the
            data set in whose folder the list `drawings` lies, else 128.
        seed: of every random choice; None is 0.
        workers: processes; None is one per core.
        force: replace a data set with other settings.
        categories_only: names to choose from, instead of the whole list.
        download: fetch the chosen files that are missing or corrupt.
        mirror: http or https URL to fetch from.
        recognized_only: choose from the drawings that the game recognized.
        exclude: file of key_ids that are not used, one per line, or a table with that column. Some
            must be among the drawings.
        drawings: drawings.csv of a data set, to make exactly that one: it decides categories and
            drawings, train and test; nothing is chosen. Numbers given must be the list's.

    Raises:
        InputError: names the file and the remedy. OUT is left as it was.
    """
    builder.check_caller()
    files, out = Path(files), Path(out)
    for name, count, least in (
        ('classes', classes, 1),
        ('train', train, 0),
        ('test', test, 1),
        ('workers', workers, 1),
    ):
        if count is not None and count < least:
            raise InputError(f'{name} {count}: must be at least {least}')
    if seed is not None and seed < 0:
        raise InputError(f'seed {seed}: must not be negative')
    if size is not None and size not in SIZES:
        raise InputError(f'size {size}: must be from {SIZES[0]} to {SIZES[-1]} pixels')
    # 1. The names to choose from, or a list that leaves no choice.
    listed = None
    if drawings is not None:
        listed = drawings_list.read_to_build(drawings, out)
        names = list(listed)
        counts = {split: len(ids) for split, ids in listed[names[0]].items()}
        decided = {'classes': len(names), **counts}
        given = {
            'classes': classes,
            'train': train,
            'test': test,
            'seed': None if seed == Default.seed else seed,
            'categories_only': categories_only,
            'exclude': exclude,
            'recognized_only': recognized_only or None,
        }
        contradicting = [
            name for name, value in given.items() if value not in (None, decided.get(name))
        ]
        if contradicting:
            told = ', '.join(f'{name} {number}' for name, number in decided.items())
            raise InputError(
                f'drawings: leave out {", ".join(contradicting)}; the list decides: {told}'
            )
        classes, train, test = decided.values()
        size = size or drawings_list.size_beside(drawings)
    else:
        categories = categories or category_names.default_file()
        names = category_names.names_to_choose_from(categories, categories_only)
        if classes is None:
            classes = len(names) if categories_only else min(Default.classes, len(names))
    # 2. The settings that decide every byte.
    numbers = {'train': train, 'test': test, 'size': size, 'seed': seed}
    for name, number in numbers.items():
        numbers[name] = getattr(Default, name) if number is None else number
    train, test, size, seed = numbers.values()
    settings = {
        'classes': classes,
        **numbers,
        'names': len(names),
        'names_sha256': hashlib.sha256('\n'.join(names).encode()).hexdigest(),
        **({'recognized_only': True} if recognized_only else {}),
        **({'excluded_sha256': drawings_list.digest(exclude)} if exclude else {}),
        **({'drawings_sha256': drawings_list.digest(drawings)} if listed else {}),
    }
    excluded = drawings_list.read_key_ids(exclude) if exclude else None
    with atomic.made_folder(out), locks.exclusive(out, 'dataset'):
        staging.recover(out)
        existing = staging.existing_manifest(out, settings, force)
        if existing is not None and not force:
            try:
                check_whole(out, existing)
            except InputError as error:
                raise InputError(f'{error} (--force rebuilds it)') from None
            print(f'{out / MANIFEST}: kept, it has these settings (--force rebuilds it)')
            return existing
        # 3. The categories, and their files.
        source = 'categories_only' if categories_only else categories
        chosen = names if listed else category_names.choose_categories(names, classes, seed, source)
        if download:
            from sketch.data.download import fetch  # requests is slow to load and seldom needed

            fetch(chosen, files, mirror)
        found = drawing_files.taken_files(files, chosen, () if listed else names)
        # 4. The drawings, as images.
        selections = {
            name: Selection(
                *(train, test, seed, recognized_only, excluded),
                listed=listed and listed[name],
                source=str(exclude or drawings or ''),
            )
            for name in chosen
        }
        started = time.monotonic()
        manifest = builder.build(out, found, selections, settings, workers)
    seconds, images = time.monotonic() - started, classes * (train + test)
    print(f'{out}: {images} images in {seconds:.1f} s, {images / seconds:.0f} images/s')
    for network in NETWORKS.values():
        if size < network.smallest:
            smallest = f'{network.smallest}x{network.smallest}'
            print(f'{out}: {network.title} takes larger images only, from {smallest} on')
    return manifest


def parse_arguments(argv):
    """Return the parsed command line."""
    arguments = command_line.parser(__doc__)
    count = command_line.positive_int

    source = arguments.add_argument_group('drawings')
    add = source.add_argument
    add(
        '--files',
        metavar='FOLDER',
        type=command_line.path,
        default=Path('files'),
        help='folder of <category>.bin, .ndjson or .ndjson.gz files',
    )
    add(
        '--categories',
        metavar='FILE',
        type=command_line.path,
        help='names, one per line (default: categories.txt, here or beside this script)',
    )
    add('--categories-only', nargs='+', metavar='NAME', help='choose from these categories only')
    add(
        '--recognized-only',
        action='store_true',
        help='choose from the drawings that the game recognized',
    )
    add(
        '--exclude', metavar='FILE', type=command_line.path, help='key_ids not to use, one per line'
    )
    add(
        '--drawings',
        metavar='FILE',
        type=command_line.path,
        help='drawings.csv of a data set, to make exactly that one',
    )
    add('--download', action='store_true', help='fetch the chosen files into --files first')
    add('--mirror', default=BUCKET, metavar='URL', help='where <category>.bin is fetched from')

    data = arguments.add_argument_group('data set')
    data.add_argument(
        '--out', type=command_line.output_folder, default=Path('.'), help='folder to fill'
    )
    data.add_argument(
        '--classes',
        type=count,
        help=f'categories to choose (default: {Default.classes}, or all if there are fewer or '
        '--categories-only names them)',
    )
    data.add_argument(
        '--train',
        type=command_line.natural_int,
        help=f'training images per category; 0 makes a test set only (default: {Default.train})',
    )
    data.add_argument(
        '--test', type=count, help=f'test images per category (default: {Default.test})'
    )
    data.add_argument(
        '--size',
        metavar='N',
        type=int,
        help=f'side of the images in pixels, {SIZES[0]} to {SIZES[-1]} (default: that of the '
        f'data set in whose folder --drawings lies, else {Default.size})',
    )
    data.add_argument(
        '--seed',
        type=command_line.natural_int,
        help=f'seed of every random choice (default: {Default.seed})',
    )
    data.add_argument('--force', action='store_true', help='replace a data set with other settings')

    machine = arguments.add_argument_group('machine')
    machine.add_argument('--workers', type=count, default=cores(), help='worker processes')
    return arguments.parse_args(argv)


def main(argv=None):
    """Parse the command line, build, and return the manifest."""
    options = parse_arguments(argv)
    manifest = construct_from_scratch(**vars(options))
    settings = manifest['settings']
    sheet = options.out / SHEET
    print(
        f'{options.out}: {settings["classes"]} categories, '
        f'{settings["classes"] * settings["train"]} training and '
        f'{settings["classes"] * settings["test"]} test images of '
        f'{settings["size"]}x{settings["size"]}; '
        f'{manifest["test_images_equal_to_a_training_image"]} test images equal a training image'
        + (f'; see {sheet}' if sheet.exists() else '')
    )
    return manifest


if __name__ == '__main__':
    command_line.run(main)

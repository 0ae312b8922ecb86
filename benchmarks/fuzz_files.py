"""Feeds mutated files to whatever reads them: each is read, or refused in one line.

    python -m benchmarks.fuzz_files --mutations 2000

Makes a small data set and an untrained network, and takes each kind of file that a script reads
(benchmarks/fuzz_parser.py takes the drawings). Bytes are changed, inserted, removed, repeated or
cut off; values of JSON and cells of CSV are also replaced by hostile ones. The exit status is 1 if
a reader raised anything but InputError or OSError, or if a message had several lines. The last line
of each traceback is printed; --only prints whole tracebacks.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import create_dataset
import train
from benchmarks.fuzz_parser import mutate
from sketch.data import category_names, raster, selection, staging
from sketch.data.dataset import open_dataset
from sketch.data.drawing_files import open_drawings
from sketch.data.image_file import read_image
from sketch.data.query_image import read_query
from sketch.errors import InputError
from sketch.evaluation.features import feature_vectors
from sketch.reporting import points, results
from sketch.runs import folders
from sketch.runs import settings as run_settings
from sketch.runs.checkpoints import open_checkpoint, read_variables
from tools import synthetic

HOSTILE = (
    *(None, True, -1, 0, 1.5, 10**400, float('nan'), float('inf'), 2**70, '', '$x$', 'a/b', '..'),
    *('\0', '\ud800', '1e999', '-', [], {}, [[]], [1, 2, 3, 4], {'a': 1}, 'n1', 'x' * 10_000),
)


def mutate_json(random, content):
    """Return JSON with one value, anywhere in it, replaced by a hostile one."""
    tree = json.loads(content)
    places, stack = [], [tree]
    while stack:
        node = stack.pop()
        keys = node if isinstance(node, dict) else range(len(node))
        places += [(node, key) for key in keys]
        stack += [node[key] for key in keys if isinstance(node[key], (dict, list))]
    node, key = places[random.integers(len(places))]
    node[key] = HOSTILE[random.integers(len(HOSTILE))]
    return json.dumps(tree).encode()


def mutate_ndjson(random, content):
    """Return lines of JSON, in one of which a value is replaced by a hostile one."""
    lines = content.splitlines()
    line = random.integers(len(lines))
    lines[line] = mutate_json(random, lines[line])
    return b'\n'.join(lines) + b'\n'


def mutate_csv(random, content):
    """Return CSV with one cell replaced by a hostile one."""
    lines = [line.split(b',') for line in content.splitlines()]
    line = lines[random.integers(1, len(lines))]
    hostile = str(HOSTILE[random.integers(len(HOSTILE))])
    line[random.integers(len(line))] = hostile.encode(errors='surrogatepass')
    return b'\n'.join(b','.join(line) for line in lines) + b'\n'


def prepare(folder):
    """Make a data set and an untrained network; return {title: (file, its reader)}."""
    synthetic.main(['--out', str(folder), '--drawings', '12'])
    source = {'files': folder / 'files', 'categories': folder / 'categories.txt'}
    numbers = {'classes': 2, 'train': 2, 'test': 2, 'size': 96, 'workers': 1}
    create_dataset.construct_from_scratch(**source, out=folder, **numbers)
    dataset = open_dataset(folder)
    table = folder / 'results.csv'
    common = ['--data', str(folder), '--checkpoints', str(folder), '--results', str(table)]
    train.main(
        [
            *common,
            *[
                '--net',
                'n1',
                '--filters',
                '2',
                '2',
                '2',
                '2',
                '--epochs',
                '0',
                '--eval-every-epoch',
            ],
        ]
    )
    (run,) = folders.find(folder)
    checkpoint, image = open_checkpoint(run, dataset), dataset.test.paths[0]
    write_ndjson(folder)
    feature_vectors(checkpoint, dataset.test, dataset.size)

    def draw_results():
        rows = results.read(table)
        with contextlib.redirect_stdout(io.StringIO()):
            points.measured(table)
            results.record(folder / 'copy.csv', rows)

    readers = {
        'categories.txt': (source['categories'], category_names.read_categories),
        'dataset.json': (folder / 'dataset.json', lambda _: rebuild(folder)),
        'conversion_labels.json': (folder / 'conversion_labels.json', lambda _: reopen(folder)),
        'the record of checked images': (folder / '.content-test.json', lambda _: reopen(folder)),
        'image of a data set': (Path(image.decode()), read_image),
        'query image': (Path(image.decode()), lambda path: read_query(path, 96)),
        'simplified.ndjson': (folder / 'simplified.ndjson', decode_all),
        'raw.ndjson': (folder / 'raw.ndjson', decode_all),
        'drawings.csv': (folder / 'drawings.csv', read_lists),
        'results.csv': (table, lambda _: draw_results()),
        'settings.json': (run / run_settings.FILE, lambda _: open_checkpoint(run, dataset)),
        'checkpoint': (run / folders.STATE, lambda _: folders.newest(run)),
        'fc1_test.npz': (
            run / 'fc1_test.npz',
            lambda _: feature_vectors(checkpoint, dataset.test, dataset.size),
        ),
    }
    for ending in ('.index', '.data-00000-of-00001'):
        path = Path(checkpoint.prefix + ending)
        readers[f'model.ckpt{ending}'] = (path, lambda _: read_variables(checkpoint.prefix))
    return readers


def write_ndjson(folder):
    """Write some drawings as simplified.ndjson and, with times, as raw.ndjson."""
    random = np.random.default_rng(0)
    for form, times in (('simplified', []), ('raw', [0])):
        lines = []
        for key_id in range(5):
            strokes = [
                [*stroke.T.tolist(), *(times and [list(range(len(stroke)))])]
                for stroke in synthetic.drawing('star', random)
            ]
            entry = {'word': 'star', 'recognized': True, 'key_id': str(key_id), 'drawing': strokes}
            lines.append(json.dumps(entry) + '\n')
        (folder / f'{form}.ndjson').write_text(''.join(lines))


def decode_all(path):
    """Read a file of drawings, and decode and draw each."""
    with open_drawings(path, 'star') as drawings:
        for index in range(len(drawings)):
            raster.draw(drawings[index].strokes, 96)


def read_lists(path):
    """Read a drawings.csv as --drawings and as --exclude do."""
    with contextlib.suppress(InputError):
        selection.read_key_ids(path)
    selection.read_list(path)


def reopen(folder):
    """Open a data set without its record of checked training images."""
    (folder / '.content-train.json').unlink(missing_ok=True)
    open_dataset(folder)


def rebuild(folder):
    """Read a manifest in all the ways that create_dataset.py does."""
    staging.existing_manifest(folder, {'train': 2}, force=True)
    open_dataset(folder)


def fuzz(path, reader, mutations, random):
    """Mutate a file and read it; return how many ended how, and the tracebacks by last line."""
    original, counts, defects = path.read_bytes(), Counter(), {}
    structured = {'.json': mutate_json, '.ndjson': mutate_ndjson, '.csv': mutate_csv}.get(
        path.suffix
    )
    for number in range(mutations):
        by_structure = structured and number % 2
        path.write_bytes((structured if by_structure else mutate)(random, original))
        try:
            reader(path)
            counts['read'] += 1
        except (InputError, OSError) as refused:
            counts['refused'] += 1
            if '\n' in str(refused):
                defects.setdefault('a message of several lines', str(refused))
        except Exception as error:
            counts['defect'] += 1
            defects.setdefault(f'{type(error).__name__}: {error}'[:120], traceback.format_exc())
    path.write_bytes(original)
    return counts, defects


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--mutations', type=int, default=2000, help='of each kind of file')
    arguments.add_argument('--seed', type=int, default=0)
    arguments.add_argument('--only', help='the kinds whose title has this text')
    options = arguments.parse_args()
    random = np.random.default_rng(options.seed)
    warnings.simplefilter('ignore')
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            readers = prepare(Path(folder))
        for title, (path, reader) in readers.items():
            if options.only and options.only not in title:
                continue
            with contextlib.redirect_stdout(io.StringIO()):
                counts, defects = fuzz(path, reader, options.mutations, random)
            found |= defects
            print(f'{title}: {dict(counts)}', flush=True)
            for line, where in defects.items():
                print(f'    {line}\n{where}' if options.only else f'    {line}')
    sys.exit(bool(found))


if __name__ == '__main__':
    main()

"""Mutated files of every kind that a script reads: each is read, or refused in one line.

FUZZ_SECONDS=3600 python -m pytest tests/test_fuzz.py tries more of them, so long in all.
test_quickdraw.py mutates .bin files; test_ndjson.py and test_image_file.py have hostile files.
"""

import contextlib
import itertools
import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import NARROW

import train
from sketch.data import drawings_list, query_image, staging
from sketch.data.dataset import open_dataset
from sketch.errors import InputError
from sketch.evaluation.features import feature_vectors
from sketch.reporting import points, results
from sketch.runs import checkpoints, folders

SECONDS = float(os.environ.get('FUZZ_SECONDS', 5))
HOSTILE = (
    *(None, True, -1, 0, 1.5, 10**400, float('nan'), float('inf'), 2**70, '', '$x$', 'a/b', '..'),
    *('\0', '\ud800', '1e999', '-', [], {}, [[]], [1, 2, 3, 4], {'a': 1}, 'n1', 'x' * 10_000),
)


def with_hostile_bytes(random, content):
    """Return content with bytes changed, inserted, removed or repeated; sometimes it is cut."""
    content = bytearray(content)
    for _ in range(random.integers(1, 5)):
        at, length = int(random.integers(len(content) + 1)), int(random.integers(1, 20))
        new = (random.bytes(length), b'', content[at : at + 10 * length] * 2)[random.integers(3)]
        content[at : at + int(random.choice([0, length]))] = new
    return bytes(content[: random.integers(len(content) + 1)] if random.random() < 0.2 else content)


def with_hostile_value(random, content, suffix):
    """Return JSON or CSV with one value, anywhere in it, replaced."""
    hostile = HOSTILE[random.integers(len(HOSTILE))]
    if suffix == '.csv':
        cells = re.split(b'([,\n])', content)  # every other one is a comma or the end of a line
        cells[2 * random.integers(len(cells) // 2)] = str(hostile).encode(errors='surrogatepass')
        return b''.join(cells)
    tree = json.loads(content)
    places, stack = [], [tree]
    while stack:
        node = stack.pop()
        keys = node if isinstance(node, dict) else range(len(node))
        places += [(node, key) for key in keys]
        stack += [node[key] for key in keys if isinstance(node[key], (dict, list))]
    node, key = places[random.integers(len(places))]
    node[key] = hostile
    return json.dumps(tree).encode()


@pytest.fixture(scope='module')
def readers(make_dataset, tmp_path_factory):
    """Return {file: what reads it} of a small data set and an untrained network."""
    folder = tmp_path_factory.mktemp('fuzz')
    dataset, table = make_dataset(folder), folder / 'results.csv'
    common = ['--data', folder, '--checkpoints', folder, '--results', table, '--epochs', '0']
    train.main([str(word) for word in [*common, *NARROW]])
    (run,) = folders.find(folder)
    checkpoint = checkpoints.open_checkpoint(run, dataset)

    def data_set(_):
        (folder / '.content-train.json').unlink(missing_ok=True)
        with contextlib.suppress(InputError):
            staging.existing_manifest(folder, {'train': 8}, force=True)
        open_dataset(folder)

    def lists(path):
        with contextlib.suppress(InputError):
            drawings_list.read_key_ids(path)
        drawings_list.read(path)

    def recorded(path):
        points.measured(path)
        results.record(folder / 'copy.csv', results.read(path))

    def vectors(_=None):
        feature_vectors(checkpoint, dataset.test, dataset.size)

    def variables(_):
        checkpoints.read_variables(checkpoint.prefix)

    vectors()
    return {
        folder / 'dataset.json': data_set,
        folder / 'conversion_labels.json': data_set,
        folder / '.content-test.json': data_set,
        Path(os.fsdecode(dataset.test.paths[0])): lambda path: query_image.read_query(path, 96),
        folder / 'drawings.csv': lists,
        table: recorded,
        run / 'settings.json': lambda _: checkpoints.open_checkpoint(run, dataset),
        run / folders.STATE: lambda _: folders.latest(run),
        run / 'fc1_test.npz': vectors,
        Path(f'{checkpoint.prefix}.index'): variables,
        Path(f'{checkpoint.prefix}.data-00000-of-00001'): variables,
    }


def message_of(reader, path):
    """Return what a file is refused with, '' if it is read."""
    try:
        reader(path)
    except (InputError, OSError) as refused:
        return str(refused)
    return ''


@pytest.mark.filterwarnings('ignore')
def test_a_mutated_file_is_read_or_refused_in_one_line(readers):
    for kind, (path, reader) in enumerate(readers.items()):
        original, end = path.read_bytes(), time.monotonic() + SECONDS / len(readers)
        for number in itertools.count():
            random = np.random.default_rng([kind, number])
            if number % 2 and path.suffix in ('.json', '.csv'):
                path.write_bytes(with_hostile_value(random, original, path.suffix))
            else:
                path.write_bytes(with_hostile_bytes(random, original))
            assert '\n' not in message_of(reader, path), path  # a file with a defect stays
            if time.monotonic() > end:
                break
        path.write_bytes(original)

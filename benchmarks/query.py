"""Measures a search on a loaded index: from an image to its class and the first images found.

    python -m benchmarks --only query

Makes a data set of synthetic drawings and an untrained network in a temporary folder, and computes
fc1 of all test images. Each query is a random test image, which goes through the network again.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

import create_dataset
import train
from benchmarks.measuring import in_new_process
from sketch.data.dataset import open_dataset
from sketch.networks.registry import NETWORKS
from sketch.reporting.speeds import Row
from sketch.runs.settings import Default
from tools import synthetic

WARM_UP = 5  # queries that do not count
PARTS = ('network', 'nearest images', 'class')


def make_index_files(folder, net, images):
    """Make a data set and a checkpoint; return the checkpoint's folder."""
    per_category = -(-images // len(synthetic.CATEGORIES))
    synthetic.main(['--out', str(folder), '--drawings', str(per_category + 2)])
    create_dataset.construct_from_scratch(
        files=folder / 'files',
        categories=folder / 'categories.txt',
        out=folder,
        classes=len(synthetic.CATEGORIES),
        train=1,
        test=per_category,
    )
    arguments = ['--data', folder, '--checkpoints', folder, '--results', folder / 'results.csv']
    arguments += ['--net', net, '--epochs', 0, '--measure', 'train']
    train.main([str(argument) for argument in arguments])
    return next(folder.glob('checkpoints_*'))


def timed(index, image, top):
    """Return the seconds at which a query starts, has its vector, its images, and its class."""
    times = [time.perf_counter()]
    query = index.query_of(image, '')
    times.append(time.perf_counter())
    index.search(query.vector, top)
    times.append(time.perf_counter())
    index.predict(query.fc1[np.newaxis])
    times.append(time.perf_counter())
    return times


def query_milliseconds(net, images, queries):
    """Return the milliseconds of each query in each of PARTS, (queries, 3), and len(index)."""
    from sketch.evaluation.search_index import SearchIndex

    with tempfile.TemporaryDirectory() as name:
        checkpoint = make_index_files(Path(name), net, images)
        dataset = open_dataset(name, ['test'])
        random = np.random.default_rng(0)
        chosen = random.integers(0, len(dataset.test), WARM_UP + queries)
        with SearchIndex(dataset, checkpoint, Default.distance) as index:
            times = [timed(index, index.image(image), Default.top) for image in chosen]
    return 1000 * np.diff(times[WARM_UP:], axis=1), len(dataset.test)


def measure(nets=tuple(NETWORKS), images=5000, queries=200):
    """Yield Rows of the median and the 95th percentile of a query, and of its parts' medians."""
    for net in nets:
        parts, count = in_new_process(query_milliseconds, net, images, queries)
        what = f'{NETWORKS[net].title}, one query of {count:,} images'
        whole = parts.sum(axis=1)
        yield Row(f'{what}, median', 'ms', float(np.median(whole)))
        yield Row(f'{what}, 95th percentile', 'ms', float(np.percentile(whole, 95)))
        for part, milliseconds in zip(PARTS, np.median(parts, axis=0)):
            yield Row(f'{what}, {part}', 'ms', float(milliseconds))

"""Measures a search on a loaded index: from an image to its class and the first images found.

    python -m benchmarks.query --net n1 --images 5000 --queries 200

Makes a data set of synthetic drawings and an untrained network in a temporary folder, and computes
fc1 of all test images. Each query is a random test image, which goes through the network again.
Prints images/s and milliseconds of a query, and of its parts.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import create_dataset
import train
from sketch.data.dataset import open_dataset
from sketch.evaluation.ranking import DISTANCES
from sketch.networks.registry import TITLES
from sketch.runs.settings import Default
from tools import synthetic

WARM_UP = 5  # queries that do not count


def make_index_files(folder, options):
    """Make a data set and a checkpoint; return the checkpoint's folder."""
    per_category = -(-options.images // len(synthetic.CATEGORIES))
    synthetic.main(['--out', str(folder), '--drawings', str(per_category + 2)])
    create_dataset.construct_from_scratch(
        files=folder / 'files',
        categories=folder / 'categories.txt',
        out=folder,
        classes=len(synthetic.CATEGORIES),
        train=1,
        test=per_category,
        size=options.size,
    )
    arguments = ['--data', folder, '--checkpoints', folder, '--results', folder / 'results.csv']
    arguments += ['--net', options.net, '--epochs', 0, '--measure', 'train']
    arguments += ['--filters', *options.filters] if options.net == 'n1' else []
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


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--net', choices=TITLES, default='n1')
    arguments.add_argument('--filters', nargs=4, type=int, default=Default.filters)
    arguments.add_argument('--size', type=int, default=Default.size, help='pixels')
    arguments.add_argument('--images', type=int, default=5000, help='in the index, at least')
    arguments.add_argument('--queries', type=int, default=200)
    arguments.add_argument('--top', type=int, default=Default.top, help='images per query')
    arguments.add_argument('--distance', choices=DISTANCES, default=Default.distance)
    options = arguments.parse_args()
    from sketch.evaluation.search_index import SearchIndex

    with tempfile.TemporaryDirectory() as name:
        checkpoint = make_index_files(Path(name), options)
        dataset = open_dataset(name, ['test'])
        random = np.random.default_rng(0)
        chosen = random.integers(0, len(dataset.test), WARM_UP + options.queries)
        with SearchIndex(dataset, checkpoint, options.distance) as index:
            times = [timed(index, index.image(image), options.top) for image in chosen][WARM_UP:]
    parts = 1000 * np.diff(times, axis=1)
    whole = parts.sum(axis=1)
    print(
        f'{TITLES[options.net]}, {len(dataset.test)} images, {options.queries} queries: median '
        f'{np.median(whole):.1f} ms, 95th percentile {np.percentile(whole, 95):.1f} ms, '
        f'{1000 / np.median(whole):.0f} images/s'
    )
    for part, found in zip(('network', 'nearest images', 'class'), np.median(parts, axis=0)):
        print(f'  {part}: {found:.1f} ms')


if __name__ == '__main__':
    main()

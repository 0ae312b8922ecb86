"""Mean average precision of the feature vectors of the test images (paper, section 2).

    python mAP.py --k 49 4999 --data . checkpoints_n1_10e checkpoints_n2_10e

Each test image is a query against all the others, ordered by Euclidean distance on fc1. Without a
folder, every checkpoints_* in --checkpoints. Each value is printed and kept in --results.

Four readings of average precision at k, for R relevant images of which m stand at ranks
r_1 < ... < r_m <= k:
    standard  sum of j / r_j, divided by min(k, R)
    found     sum of j / r_j, divided by m
    all       sum of j / r_j, divided by R
    paper     sum of (j - 1) / r_j, divided by m: what the paper's figures 6 and 7 show
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import command_line
import results
from command_line import InputError
from dataset import open_dataset
from runs import TITLES

READINGS = ('standard', 'found', 'all', 'paper')
THREADS = 4  # the paper's pool
DEFAULT_K = (49, 4999)  # the paper's: all relevant answers, and all answers
BLOCK = 128  # queries a thread works on at a time; with 5,000 images, 5 MB of distances


def average_precision(relevant, k, reading='standard'):
    """Return the average precision at k of one ranking.

    Args:
        relevant: bool array (answers,), whether the answer at each rank is relevant, nearest
            first, the query itself left out.
        k: how many answers count, 1 to `answers`.
        reading: one of READINGS.

    Returns:
        float in [0, 1]; 0 if no relevant answer stands among the first k.

    Raises:
        ValueError: k is out of range or the reading is unknown.
    """
    relevant = np.asarray(relevant, bool)
    if not 1 <= k <= len(relevant):
        raise ValueError(f'k is {k}, but the ranking has {len(relevant)} answers')
    ranks = np.flatnonzero(relevant) + 1
    return float(_precisions(ranks, [k])[READINGS.index(reading), 0])


def mAP(features, labels, k, reading='standard', threads=THREADS):
    """Return the mean average precision at k of feature vectors.

    Each vector is a query against all the others (never itself, which is left out by its index),
    in the order of their Euclidean distances; equal distances keep index order, which is that of
    direct float64 differences. A query with no relevant answer within k counts 0; one whose label
    no other vector has is left out.

    Args:
        features: (images, values), finite numbers.
        labels: (images,) integers; answers of the query's label are relevant.
        k: how many answers count, 1 to images - 1.
        reading: one of READINGS.
        threads: of the pool that works on blocks of queries.

    Raises:
        ValueError: k out of range, features not finite, or no two labels alike.
    """
    return mean_average_precisions(features, labels, [k], threads)[0][reading, k]


def mean_average_precisions(features, labels, ks, threads=THREADS):
    """Return mAP for every reading at several k in one pass, as `mAP` defines it.

    Returns:
        dict {(reading, k): float}, and the number of queries left out.
    """
    features, labels = np.asarray(features), np.asarray(labels)
    images = len(features)
    if len(labels) != images:
        raise ValueError(f'{images} feature vectors, but {len(labels)} labels')
    for k in ks:
        if not 1 <= k < images:
            raise ValueError(f'k is {k}, but must be from 1 to {images - 1}, all other images')
    if not np.isfinite(features).all():
        raise ValueError('feature vectors with values that are not finite')
    search = _Search(features)

    def block(start):
        queries = range(start, min(start + BLOCK, images))
        orders = search.rankings(queries)
        return [
            _precisions(np.flatnonzero(labels[order] == labels[query]) + 1, ks)
            for query, order in zip(queries, orders)
        ]

    with ThreadPoolExecutor(threads) as pool:
        blocks = list(pool.map(block, range(0, images, BLOCK)))
    per_query = np.array([precisions for block in blocks for precisions in block])
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    answerable = sizes[member] > 1
    if not answerable.any():
        raise ValueError('no two images have the same label: there is nothing to find')
    means = per_query[answerable].mean(axis=0)
    values = {
        (reading, k): float(means[row, column])
        for row, reading in enumerate(READINGS)
        for column, k in enumerate(ks)
    }
    return values, int(np.sum(~answerable))


def _precisions(ranks, ks):
    """Return average precision, (readings, ks), from the ranks of all relevant answers, rising."""
    found = np.searchsorted(ranks, ks, side='right')
    place = np.arange(1, len(ranks) + 1)
    # Sums over the first m relevant answers, for every m from 0.
    precision, papers = (
        np.concatenate([[0.0], np.cumsum(numerator / ranks)])[found]
        for numerator in (place, place - 1)
    )
    relevant = max(len(ranks), 1)
    found = np.maximum(found, 1)
    return np.array(
        [
            precision / np.minimum(ks, relevant),
            precision / found,
            precision / relevant,
            papers / found,
        ]
    )


class _Search:
    """Exact rankings: fast distances by a matrix product, close calls decided by differences.

    |q - x|^2 = |q|^2 + |x|^2 - 2 q.x loses the small distances of long vectors to rounding. Its
    error is bounded; where two neighbours in the order are closer than the bound allows, their
    distances are computed again from differences.
    """

    def __init__(self, features):
        self.vectors = np.ascontiguousarray(features, np.float64)
        self.norms = np.einsum('ij,ij->i', self.vectors, self.vectors)
        # Bound on the rounding of the sum of products below, by the largest norm there is.
        rounding = 2 * (self.vectors.shape[1] + 4) * np.finfo(np.float64).eps
        self.margins = rounding * (self.norms + self.norms.max())

    def rankings(self, queries):
        """Return int64 (queries, images - 1): the other images of each query, nearest first."""
        rows = self.vectors[queries.start : queries.stop]
        squared = rows @ self.vectors.T
        squared *= -2
        squared += self.norms
        squared += self.norms[queries.start : queries.stop, np.newaxis]
        squared[np.arange(len(queries)), queries] = np.inf
        orders = np.argsort(squared, axis=1, kind='stable')[:, :-1]
        for query, distances, order in zip(queries, squared, orders):
            self._settle(query, distances, order)
        return orders

    def _settle(self, query, distances, order):
        """Put neighbours in `order` right whose distances are too close to call."""
        close = np.diff(distances[order]) <= 2 * self.margins[query]
        if not close.any():
            return
        edges = np.flatnonzero(np.diff(np.concatenate([[False], close, [False]])))
        for first, last in edges.reshape(-1, 2):
            run = np.sort(order[first : last + 1])
            difference = self.vectors[run] - self.vectors[query]
            exact = np.einsum('ij,ij->i', difference, difference)
            order[first : last + 1] = run[np.argsort(exact, kind='stable')]


def feature_vectors(checkpoint, split, size):
    """Return fc1 of a split's images, float32 (images, 1024), in the split's order.

    Args:
        checkpoint: checkpoints.Checkpoint.
        split: dataset.Split.
        size: side of its images in pixels.
    """
    from checkpoints import FEATURES  # TensorFlow is loaded only when there is use for it
    from input_pipeline import evaluation_input_fn
    from tensorflow_setup import tf

    settings = checkpoint.settings
    estimator = tf.estimator.Estimator(
        FEATURES[settings.net].model_fn, str(checkpoint.folder), params=settings.params
    )
    predicted = estimator.predict(
        evaluation_input_fn(split, size),
        checkpoint_path=checkpoint.prefix,
        yield_single_examples=False,
    )
    vectors = np.concatenate([batch['fc1'] for batch in predicted])
    if len(vectors) != len(split):
        raise RuntimeError(f'{len(vectors)} feature vectors of {len(split)} images')
    return vectors


def choose_k(asked, images):
    """Return the k to compute: integers, `all` being every other image.

    Without a choice, the paper's two, less what is too large for the set, which is said.

    Raises:
        InputError: a chosen k is too large.
    """
    largest = images - 1
    if not asked:
        for k in DEFAULT_K:
            if k > largest:
                print(f'k = {k} left out: the test set has {images} images, so k ends at {largest}')
        return [k for k in DEFAULT_K if k <= largest] or [largest]
    chosen = [largest if k == 'all' else int(k) for k in asked]
    for k in chosen:
        if not 1 <= k <= largest:
            raise InputError(f'--k {k}: the largest k for {images} test images is {largest}')
    return sorted(set(chosen))


def evaluate(folder, dataset, ks, threads, results_file):
    """Measure, print and record the mAP of a checkpoint folder at each k, in every reading."""
    from checkpoints import open_checkpoint
    from load import measurements

    checkpoint = open_checkpoint(folder, dataset)
    vectors = feature_vectors(checkpoint, dataset.test, dataset.size)
    if not np.isfinite(vectors).all():
        raise InputError(f'{checkpoint.prefix}: gives feature vectors that are not finite')
    values, left_out = mean_average_precisions(vectors, dataset.test.labels, ks, threads)
    shared = {
        **measurements(checkpoint, dataset, dataset.test),
        'metric': 'mAP',
        'distance': 'euclidean',
    }
    results.record(
        results_file,
        [
            {**shared, 'reading': reading, 'k': k, 'value': value}
            for (reading, k), value in values.items()
        ],
    )
    queries = len(dataset.test) - left_out
    print(f'{folder}: {TITLES[checkpoint.settings.net]}, step {checkpoint.step}, {queries} queries')
    for k in ks:
        row = ', '.join(f'{reading} {values[reading, k]:.4f}' for reading in READINGS)
        print(f'  mAP@{k}: {row}')
    if left_out:
        print(f'  {left_out} queries left out: no other image has their label')


def main(argv=None):
    """Parse the command line and evaluate."""
    arguments = command_line.parser(__doc__)
    command_line.add_data(arguments)
    arguments.add_argument(
        '--k',
        nargs='+',
        default=[],
        metavar='K',
        help='answers that count, integers or `all`; words that are neither are folders '
        '(default: 49 4999)',
    )
    arguments.add_argument(
        '--threads', type=command_line.positive_int, default=THREADS, help='in the pool'
    )
    command_line.add_checkpoints(arguments)
    command_line.add_results(arguments)
    options = arguments.parse_args(argv)
    asked = [word for word in options.k if word == 'all' or word.isdecimal()]
    # argparse gives --k all words up to the next flag, folders included.
    named = [Path(word) for word in options.k if word not in asked] + options.folders
    if options.k and not asked:
        raise InputError('--k: give integers or `all`')
    dataset = open_dataset(options.data, ['test'])
    ks = choose_k(asked, len(dataset.test))

    from checkpoints import find

    for folder in named or find(options.checkpoints):
        evaluate(folder, dataset, ks, options.threads, options.results)


if __name__ == '__main__':
    command_line.run(main)

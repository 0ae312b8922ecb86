"""Average precision in four readings, and all else that a collection's rankings tell.

For R relevant images of which m stand at ranks r_1 < ... < r_m <= k:
    standard  sum of j / r_j, divided by min(k, R)
    found     sum of j / r_j, divided by m
    all       sum of j / r_j, divided by R
    paper     sum of (j - 1) / r_j, divided by m: what the paper's figures 6 and 7 show
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from sketch.evaluation.ranking import Rankings

READINGS = ('standard', 'found', 'all', 'paper')
THREADS = 4  # the paper's pool
BLOCK = 128  # queries a thread works on at a time; with 5,000 images, 5 MB of distances
FIRST = 10  # answers that a person looks at
RECALLS = np.arange(11) / 10  # of an 11-point curve


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


class Retrieval(NamedTuple):
    """What each image of a collection found as a query against all the others.

    A query whose label no other image has is not `answerable` and left out of every mean.
    """

    labels: np.ndarray  # (images,), of the queries
    ks: tuple
    average_precisions: np.ndarray  # float64 (images, readings, ks)
    interpolated: np.ndarray  # float64 (images, 11), precision at the RECALLS
    first: np.ndarray  # (images, 10 or all others), labels of the first answers
    tied: np.ndarray  # bool (images,), a relevant and another answer are equally far
    answerable: np.ndarray  # bool (images,)

    def means(self):
        """Return {(reading, k): mAP}."""
        means = self.average_precisions[self.answerable].mean(axis=0)
        return {
            (reading, k): float(means[row, column])
            for row, reading in enumerate(READINGS)
            for column, k in enumerate(self.ks)
        }


def retrieve(features, labels, ks, distance='euclidean', threads=THREADS, reorder=None):
    """Let each vector be a query against all the others (never itself, by its index).

    Args:
        features: (images, values), finite numbers.
        labels: (images,) integers; answers of the query's label are relevant.
        ks: how many answers count, each 1 to images - 1.
        distance: one of ranking.DISTANCES.
        threads: of the pool that works on blocks of queries.
        reorder: function (query, order) -> order that changes a ranking before it is judged.

    Returns:
        Retrieval.

    Raises:
        ValueError: a k out of range, features not finite, or no two labels alike.
    """
    features, labels, ks = np.asarray(features), np.asarray(labels), tuple(ks)
    images = len(features)
    if len(labels) != images:
        raise ValueError(f'{images} feature vectors, but {len(labels)} labels')
    for k in ks:
        if not 1 <= k < images:
            raise ValueError(f'k is {k}, but must be from 1 to {images - 1}, all other images')
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    answerable = sizes[member] > 1
    if not answerable.any():
        raise ValueError('no two images have the same label: there is nothing to find')
    rankings = Rankings(features, distance)

    def block(start):
        queries = range(start, min(start + BLOCK, images))
        judged = []
        for query, order, ties in zip(queries, *rankings.of(queries)):
            relevant = labels[order] == labels[query]
            tied = np.any(ties & (relevant[1:] != relevant[:-1]))
            if reorder is not None:
                order = reorder(query, order)
                relevant = labels[order] == labels[query]
            ranks = np.flatnonzero(relevant) + 1
            judged.append(
                (_precisions(ranks, ks), _interpolated(ranks), labels[order[:FIRST]], tied)
            )
        return judged

    with ThreadPoolExecutor(threads) as pool:
        blocks = list(pool.map(block, range(0, images, BLOCK)))
    columns = [np.array(column) for column in zip(*(row for block in blocks for row in block))]
    return Retrieval(labels, ks, *columns, answerable)


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


def _interpolated(ranks):
    """Return the best precision at each recall or a higher one, (11,); 0 without any to find."""
    if not len(ranks):
        return np.zeros(len(RECALLS))
    precision = np.arange(1, len(ranks) + 1) / ranks
    best = np.maximum.accumulate(precision[::-1])[::-1]
    # How many answers make each recall: a tenth of them for 0.1, rounded up; at least one.
    needed = np.maximum(-(-np.arange(len(RECALLS)) * len(ranks) // 10), 1)
    return best[needed - 1]

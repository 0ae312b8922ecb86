"""Average precision in four definitions, and other measures of rankings.

For R relevant images, of which m are at ranks r_1 < ... < r_m <= k:
    standard  sum of j / r_j, divided by min(k, R)
    found     sum of j / r_j, divided by m
    all       sum of j / r_j, divided by R
    paper     sum of (j - 1) / r_j, divided by m: as in the paper's figures 6 and 7
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from sketch.errors import InputError
from sketch.evaluation.ranking import Rankings
from sketch.runs.settings import Default

DEFINITIONS = ('standard', 'found', 'all', 'paper')
BLOCK = 128  # queries per task of the pool; with 5,000 images, 5 MB of distances
FIRST = 10  # retrieved images that a person looks at
RECALLS = np.arange(11) / 10  # of an 11-point curve


def average_precision(relevant, k, definition='standard'):
    """Return the average precision at k of one ranking.

    Args:
        relevant: bool array (images,), whether the image at each rank is relevant; nearest first,
            without the query.
        k: how many ranks count, 1 to `images`.
        definition: one of DEFINITIONS.

    Returns:
        float in [0, 1]; 0 if none of the first k is relevant.

    Raises:
        ValueError: k is out of range or the definition is unknown.
    """
    relevant = np.asarray(relevant, bool)
    if not 1 <= k <= len(relevant):
        raise ValueError(f'k is {k}, but the ranking has {len(relevant)} images')
    ranks = np.flatnonzero(relevant) + 1
    return float(_precisions(ranks, [k])[DEFINITIONS.index(definition), 0])


class Retrieval(NamedTuple):
    """What each image of a collection retrieves as a query against all the others.

    A query without relevant images (no other image has its label) counts in no mean.
    """

    labels: np.ndarray  # (images,), of the queries
    ks: tuple
    average_precisions: np.ndarray  # float64 (images, definitions, ks)
    interpolated: np.ndarray  # float64 (images, 11), precision at the RECALLS
    first: np.ndarray  # (images, 10 or all others), labels of the first images retrieved
    tied: np.ndarray  # bool (images,), a relevant and an irrelevant image are equally far
    has_relevant: np.ndarray  # bool (images,)

    def means(self):
        """Return {(definition, k): mAP}."""
        means = self.average_precisions[self.has_relevant].mean(axis=0)
        return {
            (definition, k): float(means[row, column])
            for row, definition in enumerate(DEFINITIONS)
            for column, k in enumerate(self.ks)
        }


def retrieve(features, labels, ks, distance=Default.distance, threads=Default.threads,
             reorder=None):  # fmt: skip
    """Take each vector as a query against all the others (never itself, by its index).

    Args:
        features: (images, values), finite numbers.
        labels: (images,) integers; images with the query's label are relevant.
        ks: how many ranks count, each 1 to images - 1.
        distance: one of ranking.DISTANCES.
        threads: of the pool that works on blocks of queries.
        reorder: function (query, order) -> order, applied to each ranking before it is judged.

    Returns:
        Retrieval.

    Raises:
        ValueError: k out of range, NaN or infinite features, or no two equal labels.
    """
    features, labels, ks = np.asarray(features), np.asarray(labels), tuple(ks)
    has_relevant = _check(features, labels, ks)
    images, rankings = len(features), Rankings(features, distance)

    def block(start):
        queries = range(start, min(start + BLOCK, images))
        judged = []
        for query, order, ties in zip(queries, *rankings.rank(queries)):
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
    return Retrieval(labels, ks, *columns, has_relevant)


def choose_k(asked, images):
    """Return the k to compute, as a sorted list of integers.

    Args:
        asked: of --k: numbers as text, or `all` for images - 1. If empty, the paper's two k; one
            that is too large is skipped and reported; if both are, images - 1.
        images: in the test set.

    Raises:
        InputError: a k that was asked for is out of range.
    """
    largest = images - 1
    if not asked:
        for k in Default.k:
            if k > largest:
                print(f'k = {k} skipped: with {images} test images the largest k is {largest}')
        return [k for k in Default.k if k <= largest] or [largest]
    chosen = [largest if k == 'all' else int(k) for k in asked]
    for k in chosen:
        if not 1 <= k <= largest:
            raise InputError(f'--k {k}: with {images} test images k is 1 to {largest}, or `all`')
    return sorted(set(chosen))


def _check(features, labels, ks):
    """Check the arguments of retrieve; return which queries have relevant images."""
    images = len(features)
    if len(labels) != images:
        raise ValueError(f'{images} feature vectors, but {len(labels)} labels')
    for k in ks:
        if not 1 <= k < images:
            raise ValueError(f'k is {k}, but must be from 1 to {images - 1}, all other images')
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    has_relevant = sizes[member] > 1
    if not has_relevant.any():
        raise ValueError('no two images have the same label: no query has a relevant image')
    return has_relevant


def _precisions(ranks, ks):
    """Return average precision, (definitions, ks), from the rising ranks of all relevant images."""
    found = np.searchsorted(ranks, ks, side='right')
    place = np.arange(1, len(ranks) + 1)
    # Sums over the first m relevant images, for every m from 0.
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
    """Return the best precision at each recall or beyond, (11,); 0 without relevant images."""
    if not len(ranks):
        return np.zeros(len(RECALLS))
    precision = np.arange(1, len(ranks) + 1) / ranks
    best = np.maximum.accumulate(precision[::-1])[::-1]
    # How many relevant images make each recall: a tenth of them for 0.1, rounded up; at least one.
    needed = np.maximum(-(-np.arange(len(RECALLS)) * len(ranks) // 10), 1)
    return best[needed - 1]

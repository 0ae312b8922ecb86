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

from sketch.metrics.intervals import bootstrap
from sketch.metrics.ranking import EUCLIDEAN, Rankings
from sketch.metrics.relevant_ranks import relevant_ranks

DEFINITIONS = ('standard', 'found', 'all', 'paper')
BLOCK = 128  # queries whose images are put in order by a task; of 5,000 images, 5 MB of distances
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
    ranks = np.flatnonzero(relevant)[np.newaxis] + 1
    return float(_precisions(ranks, [k])[0, DEFINITIONS.index(definition), 0])


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
        return self._named(self.average_precisions[self.has_relevant].mean(axis=0))

    def intervals(self):
        """Return {(definition, k): (low, high)}, bootstrap intervals of the means."""
        low, high = map(self._named, bootstrap(self.average_precisions[self.has_relevant]))
        return {key: (low[key], high[key]) for key in low}

    def _named(self, values):
        """Return values (definitions, ks) as {(definition, k): value}."""
        return {
            (definition, k): float(values[row, column])
            for row, definition in enumerate(DEFINITIONS)
            for column, k in enumerate(self.ks)
        }


def retrieve(features, labels, ks, distance=EUCLIDEAN, threads=None):
    """Take each vector as a query against all the others (never itself, by its index).

    Args:
        features: (images, values), finite numbers.
        labels: (images,) integers; images with the query's label are relevant.
        ks: how many ranks count, each 1 to images - 1.
        distance: one of ranking.DISTANCES.
        threads: of the pool that works on blocks of queries; None: Python's choice.

    Returns:
        Retrieval.

    Raises:
        ValueError: k or threads out of range, NaN or infinite features, or no two equal labels.
    """
    features, labels, ks = np.asarray(features), np.asarray(labels), tuple(ks)
    found = _empty(labels, ks, _check(features, labels, ks, threads))
    rankings = Rankings(features, distance)
    uncertain = []
    with ThreadPoolExecutor(threads) as pool:
        for queries, ranks, nearest, certain in relevant_ranks(
            rankings, labels, found.first.shape[1], pool
        ):
            found.average_precisions[queries] = _precisions(ranks, ks)
            found.interpolated[queries] = _interpolated(ranks)
            found.first[queries] = labels[nearest]
            uncertain.append(queries[~certain])
        _judge_orders(rankings, np.concatenate(uncertain), [found], [None], pool)
    return found


def retrieve_reordered(features, labels, ks, reorders, distance=EUCLIDEAN, threads=None):
    """Retrieve in several orders, in one pass.

    Args:
        reorders: for each result a function (query, order) -> order, applied to each ranking before
            it is judged; None leaves the order of distance.
        features, labels, ks, distance, threads: as of retrieve.

    Returns:
        list of Retrieval, one for each of `reorders`; `tied` tells of the order of distance.

    Raises:
        ValueError: as retrieve.
    """
    features, labels, ks = np.asarray(features), np.asarray(labels), tuple(ks)
    has_relevant = _check(features, labels, ks, threads)
    found = [_empty(labels, ks, has_relevant) for _ in reorders]
    with ThreadPoolExecutor(threads) as pool:
        queries = np.arange(len(features))
        _judge_orders(Rankings(features, distance), queries, found, reorders, pool)
    return found


def _empty(labels, ks, has_relevant):
    """Return a Retrieval to be filled."""
    images = len(labels)
    return Retrieval(
        labels,
        ks,
        average_precisions=np.zeros((images, len(DEFINITIONS), len(ks))),
        interpolated=np.zeros((images, len(RECALLS))),
        first=np.zeros((images, min(FIRST, images - 1)), labels.dtype),
        tied=np.zeros(images, bool),
        has_relevant=has_relevant,
    )


def _judge_orders(rankings, queries, found, reorders, pool):
    """Fill in Retrievals for some queries, from the order of all images."""

    def judge(block):
        for query, order, ties in zip(block, *rankings.rank(block)):
            _judge_order(query, order, ties, found, reorders)

    blocks = [queries[start : start + BLOCK] for start in range(0, len(queries), BLOCK)]
    list(pool.map(judge, blocks))


def _judge_order(query, order, ties, found, reorders):
    labels = found[0].labels
    relevant = labels[order] == labels[query]
    tied = np.any(ties & (relevant[1:] != relevant[:-1]))
    for retrieval, reorder in zip(found, reorders):
        reordered = order if reorder is None else reorder(query, order)
        ranks = np.flatnonzero(labels[reordered] == labels[query])[np.newaxis] + 1
        retrieval.average_precisions[query] = _precisions(ranks, retrieval.ks)[0]
        retrieval.interpolated[query] = _interpolated(ranks)[0]
        retrieval.first[query] = labels[reordered[: retrieval.first.shape[1]]]
        retrieval.tied[query] = tied


def _check(features, labels, ks, threads):
    """Check the arguments of retrieve; return which queries have relevant images."""
    images = len(features)
    if len(labels) != images:
        raise ValueError(f'{images} feature vectors, but {len(labels)} labels')
    if threads is not None and threads < 1:
        raise ValueError(f'threads is {threads}, but must be at least 1')
    for k in ks:
        if not 1 <= k < images:
            raise ValueError(f'k is {k}, but must be from 1 to {images - 1}, all other images')
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    has_relevant = sizes[member] > 1
    if not has_relevant.any():
        raise ValueError('no two images have the same label: no query has a relevant image')
    return has_relevant


def _precisions(ranks, ks):
    """Return average precision, (queries, definitions, ks).

    Args:
        ranks: (queries, relevant images), rising.
        ks: how many ranks count.
    """
    queries, relevant = ranks.shape
    found = np.stack([np.count_nonzero(ranks <= k, axis=1) for k in ks], axis=1)
    place = np.arange(1, relevant + 1)
    # Sums over the first m relevant images, for every m from 0.
    precision, papers = (
        np.take_along_axis(
            np.hstack([np.zeros((queries, 1)), np.cumsum(numerator / ranks, axis=1)]), found, axis=1
        )
        for numerator in (place, place - 1)
    )
    relevant = max(relevant, 1)
    found = np.maximum(found, 1)
    return np.stack(
        [
            precision / np.minimum(ks, relevant),
            precision / found,
            precision / relevant,
            papers / found,
        ],
        axis=1,
    )


def _interpolated(ranks):
    """Return the best precision at each recall or beyond, (queries, 11); 0 without relevant images.

    Args:
        ranks: (queries, relevant images), rising.
    """
    queries, relevant = ranks.shape
    if not relevant:
        return np.zeros((queries, len(RECALLS)))
    precision = np.arange(1, relevant + 1) / ranks
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    # How many relevant images make each recall: a tenth of them for 0.1, rounded up; at least one.
    needed = np.maximum(-(-np.arange(len(RECALLS)) * relevant // 10), 1)
    return best[:, needed - 1]

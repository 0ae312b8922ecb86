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

from sketch.metrics import jackknife
from sketch.metrics.intervals import normal
from sketch.metrics.ranking import EUCLIDEAN, Rankings

DEFINITIONS = ('standard', 'found', 'all', 'paper')
BLOCK = 128  # queries in a task of the pool at most; of 5,000 images, 5 MB of distances
PRODUCTS = 2**23  # of two vectors at a time; 64 MB
CASES = 2**17  # relevant images times ks in a task at most; of each, 64 bytes without an image
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
    without: np.ndarray  # float64 (images, definitions, ks), mAP without each image

    def means(self):
        """Return {(definition, k): mAP}."""
        return self._named(self.average_precisions[self.has_relevant].mean(axis=0))

    def intervals(self):
        """Return {(definition, k): (low, high)}, 95 % intervals over samples of test images."""
        errors = self._named(jackknife.standard_error(self.without, self.labels))
        return {key: normal(mean, errors[key], (0, 1)) for key, mean in self.means().items()}

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
    return retrieve_reordered(features, labels, ks, [None], distance, threads)[0]


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
    relevant = _check(features, labels, ks, threads)
    found = [_empty(labels, ks, relevant > 0) for _ in reorders]
    rankings = Rankings(features, distance)

    def judge(queries, products):
        orders, ties = rankings.rank(queries, products)
        return [
            _judge(retrieval, queries, orders, ties, reorder)
            for retrieval, reorder in zip(found, reorders)
        ]

    counted = jackknife.queries_without_each(relevant)[:, np.newaxis, np.newaxis]
    with ThreadPoolExecutor(threads) as pool:
        for blocks in _groups(relevant, len(ks)):
            # Not in the pool: the threads of a product would compete with its.
            products = rankings.products(np.concatenate(blocks))
            edges = np.cumsum([len(queries) for queries in blocks])[:-1]
            for parts in pool.map(judge, blocks, np.split(products, edges)):
                for retrieval, sums in zip(found, parts):
                    retrieval.without[:] += sums / counted
    return found


def _empty(labels, ks, has_relevant):
    """Return a Retrieval to be filled."""
    images, shape = len(labels), (len(labels), len(DEFINITIONS), len(ks))
    return Retrieval(
        labels,
        ks,
        average_precisions=np.zeros(shape),
        interpolated=np.zeros((images, len(RECALLS))),
        first=np.zeros((images, min(FIRST, images - 1)), labels.dtype),
        tied=np.zeros(images, bool),
        has_relevant=has_relevant,
        without=np.zeros(shape),
    )


def _groups(relevant, ks):
    """Yield lists of blocks: queries with equally many relevant images, as many as a task takes.

    Args:
        relevant: int64 (images,), relevant images of each query.
        ks: how many k there are.
    """
    order = np.argsort(relevant, kind='stable')
    at_a_time = max(1, PRODUCTS // len(relevant))
    for group in np.split(order, range(at_a_time, len(order), at_a_time)):
        blocks = []
        for alike in np.split(group, np.flatnonzero(np.diff(relevant[group])) + 1):
            size = min(BLOCK, max(1, CASES // (ks * max(1, relevant[alike[0]]))))
            blocks += np.split(alike, range(size, len(alike), size))
        yield blocks


def _judge(retrieval, queries, orders, ties, reorder):
    """Fill in a Retrieval for some queries with equally many relevant images.

    Args:
        retrieval: Retrieval.
        queries: int64 (queries,).
        orders, ties: of Rankings.rank.
        reorder: as of retrieve_reordered.

    Returns:
        float64 (images, definitions, ks), sums over the queries without each image.
    """
    labels = retrieval.labels
    own = labels[queries, np.newaxis]
    by_distance = labels[orders] == own
    retrieval.tied[queries] = np.any(ties & (by_distance[:, 1:] != by_distance[:, :-1]), axis=1)
    if reorder is not None:
        orders = np.stack([reorder(*ranking) for ranking in zip(queries, orders)])
    relevant = labels[orders] == own
    ranks = np.nonzero(relevant)[1].reshape(len(queries), -1) + 1
    retrieval.average_precisions[queries] = _precisions(ranks, retrieval.ks)
    retrieval.interpolated[queries] = _interpolated(ranks)
    retrieval.first[queries] = labels[orders[:, : retrieval.first.shape[1]]]
    sums = np.zeros_like(retrieval.without)
    if ranks.size:
        cases = jackknife.cases(ranks, retrieval.ks)
        jackknife.add_without_each(sums, queries, orders, relevant, cases)
    return sums


def _check(features, labels, ks, threads):
    """Check the arguments of retrieve; return how many relevant images each query has."""
    images = len(features)
    if len(labels) != images:
        raise ValueError(f'{images} feature vectors, but {len(labels)} labels')
    if threads is not None and threads < 1:
        raise ValueError(f'threads is {threads}, but must be at least 1')
    for k in ks:
        if not 1 <= k < images:
            raise ValueError(f'k is {k}, but must be from 1 to {images - 1}, all other images')
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if sizes.max(initial=0) < 2:
        raise ValueError('no two images have the same label: no query has a relevant image')
    return sizes[member] - 1


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

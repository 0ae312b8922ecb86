"""mAP with each image left out in turn, and the standard errors that follow from it.

Another sample of test drawings changes the queries and the images that they search. Leaving out an
image, as query and as answer, shows what one drawing changes; the scatter of these values gives the
standard error (the jackknife, Tukey 1958). No ranking is made again. For a query with relevant
images at ranks r_1 < ... < r_R, let m of them be nearer than the image left out. The terms t / r_t
of average precision (average_precision.py) change beyond m only:
    an irrelevant image   t / (r_t - 1)           the others move up by a rank
    a relevant image      (t - 1) / (r_t - 1)     and there is one relevant image less
At k ranks, the image at rank k + 1 moves in. So R + 1 and R values, the cases, hold all that a
query's average precision can become.
"""

import numpy as np


def cases(ranks, ks):
    """Return what average precision becomes without an image, float64 (queries, 2 R + 1, 4, ks).

    The first R + 1 cases leave out an irrelevant image, by the number m of nearer relevant ones;
    the other R leave out a relevant image, nearest first. The 4 are average_precision.DEFINITIONS.

    Args:
        ranks: int64 (queries, R), rising, R at least 1.
        ks: how many ranks count.
    """
    return np.stack([_cases_at(ranks, k) for k in ks], axis=-1)


def add_without_each(sums, queries, orders, relevant, cases):
    """Add what the average precision of some queries becomes without each image.

    Args:
        sums: float64 (images, definitions, ks), to add to. A query that is left out adds nothing.
        queries: int64 (queries,).
        orders: int64 (queries, images - 1), all other images, nearest first.
        relevant: bool (queries, images - 1), in these orders.
        cases: of these queries, of `cases` above.
    """
    nearer = np.cumsum(relevant, axis=1)
    which = np.where(relevant, nearer + cases.shape[1] // 2, nearer)
    which_of_image = np.zeros(len(sums), np.int64)
    found = np.empty_like(sums)
    for query, order, of_order, values in zip(queries, orders, which, cases):
        which_of_image[order] = of_order
        np.take(values, which_of_image, axis=0, out=found, mode='clip')  # 'raise' would copy
        found[query] = 0
        sums += found


def queries_without_each(relevant):
    """Return how many queries count without each image, int64 (images,), at least 1.

    A query counts unless it is left out, or its only relevant image is.

    Args:
        relevant: int64 (images,), relevant images of each query.
    """
    counted = np.count_nonzero(relevant) - (relevant > 0) - (relevant == 1)
    return np.maximum(counted, 1)


def standard_error(without, labels):
    """Return the standard error of a mean by a stratified jackknife, of the shape of its values.

    The images are a sample of each category. The scatter of separate trainings is not in it.

    Args:
        without: float64 (images, ...), the values without each image.
        labels: (images,) integers; a label that occurs once adds nothing.
    """
    variance = np.zeros(without.shape[1:])
    for label in np.unique(labels):
        part = without[labels == label]
        variance += (len(part) - 1) / len(part) * ((part - part.mean(axis=0)) ** 2).sum(axis=0)
    return np.sqrt(variance)


def _cases_at(ranks, k):
    count = ranks.shape[1]
    place = np.arange(1, count + 1)
    earlier = ranks <= k
    later = ranks <= k + 1  # one moves up
    moved = np.maximum(ranks - 1, 1)  # nothing is nearer than rank 1: its term is never asked for
    found = np.minimum(np.arange(count + 1), np.count_nonzero(earlier, axis=1)[:, np.newaxis])

    def summed(terms, counted):
        sums = np.cumsum(np.where(counted, terms, 0.0), axis=1)
        return np.hstack([np.zeros((len(ranks), 1)), sums])

    def before(terms):
        return np.take_along_axis(summed(terms, earlier), found, axis=1)

    def beyond(terms):
        sums = summed(terms, later)
        return sums[:, -1:] - sums

    kept, kept_papers = before(place / ranks), before((place - 1) / ranks)
    irrelevant = (
        kept + beyond(place / moved),
        kept_papers + beyond((place - 1) / moved),
        found + beyond(np.ones(ranks.shape)),
        count,
    )
    # Without the p-th relevant image: p - 1 stay, those beyond p count one less.
    relevant = (
        kept[:, :-1] + beyond((place - 1) / moved)[:, 1:],
        kept_papers[:, :-1] + beyond((place - 2) / moved)[:, 1:],
        found[:, :-1] + beyond(np.ones(ranks.shape))[:, 1:],
        count - 1,
    )
    return np.concatenate([_defined(*irrelevant, k), _defined(*relevant, k)], axis=1)


def _defined(precision, papers, found, relevant, k):
    """Return average precision in the four definitions, float64 (queries, cases, 4)."""
    relevant, found = max(relevant, 1), np.maximum(found, 1)
    standard = precision / min(k, relevant)
    return np.stack([standard, precision / found, precision / relevant, papers / found], axis=-1)

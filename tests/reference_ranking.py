"""Retrieval as it is defined, slowly, which the tests hold the quick way against, bit by bit.

Only the preparation of vectors is shared.
"""

import numpy as np

from sketch.metrics.average_precision import DEFINITIONS, FIRST, RECALLS
from sketch.metrics.ranking import exponent, prepare


def retrieve(features, labels, ks, distance, reorder=None):
    """Return the fields of a Retrieval that rankings decide, by name."""
    vectors, labels = prepare(features, distance), np.asarray(labels)
    judged = {'average_precisions': [], 'interpolated': [], 'first': [], 'tied': []}
    for query in range(len(vectors)):
        order, ties = ranked(vectors, query)
        relevant = labels[order] == labels[query]
        judged['tied'].append(np.any(ties & (relevant[1:] != relevant[:-1])))
        if reorder is not None:
            order = reorder(query, order)
            relevant = labels[order] == labels[query]
        ranks = np.flatnonzero(relevant) + 1
        judged['average_precisions'].append(precisions(ranks, ks))
        judged['interpolated'].append(interpolated(ranks))
        judged['first'].append(labels[order[:FIRST]])
    return {name: np.array(rows) for name, rows in judged.items()}


def ranked(vectors, query):
    """Return the order of all other vectors, and whether each is exactly as far as the next."""
    squared = squared_distances(vectors, vectors[query])
    order = np.argsort(squared, kind='stable')
    order = order[order != query]
    return order, np.diff(squared[order]) == 0


def nearest(vectors, query, distance, top):
    """Return the indices of the vectors nearest to a query and their distances, nearest first.

    This is how a search worked at first: it prepared all vectors for each query.
    """
    together = np.vstack([vectors, query])
    prepared = prepare(together, distance)
    squared = squared_distances(prepared[:-1], prepared[-1])
    order = np.argsort(squared, kind='stable')[:top]
    if distance == 'cosine':
        return order, squared[order] / 2
    return order, np.ldexp(np.sqrt(squared[order]), exponent(together))


def squared_distances(vectors, query):
    difference = vectors - query
    return np.einsum('ij,ij->i', difference, difference)


def precisions(ranks, ks):
    """Return average precision, (definitions, ks), from the rising ranks of all relevant images."""
    found = np.searchsorted(ranks, ks, side='right')
    place = np.arange(1, len(ranks) + 1)
    precision, papers = (
        np.concatenate([[0.0], np.cumsum(numerator / ranks)])[found]
        for numerator in (place, place - 1)
    )
    relevant = max(len(ranks), 1)
    found = np.maximum(found, 1)
    rows = {
        'standard': precision / np.minimum(ks, relevant),
        'found': precision / found,
        'all': precision / relevant,
        'paper': papers / found,
    }
    return [rows[definition] for definition in DEFINITIONS]


def interpolated(ranks):
    """Return the best precision at each recall or beyond, (11,); 0 without relevant images."""
    if not len(ranks):
        return np.zeros(len(RECALLS))
    precision = np.arange(1, len(ranks) + 1) / ranks
    best = np.maximum.accumulate(precision[::-1])[::-1]
    needed = np.maximum(-(-np.arange(len(RECALLS)) * len(ranks) // 10), 1)
    return best[needed - 1]

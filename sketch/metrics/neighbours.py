"""The vectors nearest to a query, in exact order."""

import numpy as np

from sketch.metrics.ranking import EUCLIDEAN, exponent, from_squared, prepare, squared_distances


class Neighbours:
    """Vectors to be searched, prepared once for any number of queries.

    Args:
        vectors: (images, values), finite.
        distance: one of ranking.DISTANCES; the cosine distance is 1 - cosine.
    """

    def __init__(self, vectors, distance):
        self._vectors, self._distance = vectors, distance
        self._prepared = prepare(vectors, distance)
        self._power = self._power_of(vectors)

    def nearest(self, query, top, leading=None):
        """Return the indices of the vectors nearest to a query and their distances, nearest first.

        Equal distances keep index order.

        Args:
            query: (values,), finite.
            top: how many.
            leading: bool (images,), vectors that come before all others, however far they are.
        """
        vectors, power = self._prepared, 0
        if self._power or self._power_of(query):
            # Values so large or small that `prepare` scales them. All need the same scale.
            together = np.vstack([self._vectors, query])
            prepared, power = prepare(together, self._distance), self._power_of(together)
            vectors, query = prepared[:-1], prepared[-1]
        else:
            (query,) = prepare(query[np.newaxis], self._distance)
        squared = squared_distances(vectors, query)
        order = np.argsort(squared, kind='stable')
        if leading is not None:
            order = order[np.argsort(~leading[order], kind='stable')]
        order = order[:top]
        return order, np.ldexp(from_squared(squared[order], self._distance), power)

    def _power_of(self, vectors):
        """Return the power of 2 by which `prepare` divides vectors."""
        return exponent(vectors) if self._distance == EUCLIDEAN else 0

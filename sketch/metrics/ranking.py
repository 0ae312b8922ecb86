"""Exact rankings of feature vectors by distance.

Squared distances come from one matrix product: |q - x|^2 = |q|^2 + |x|^2 - 2 q.x. Rounding makes
them inexact for vectors that are close together. For n values, in units of the rounding error of
float64 (eps), their error is at most 2 (n + 4) (|q|^2 + the largest |x|^2): that is the margin.

Distances that differ by more than two margins are in the right order. Any quick sort therefore
gives the order of all others. Runs of neighbours that are closer than that are computed again from
differences. So the order is that of direct float64 differences, and identical vectors tie exactly.
"""

import numpy as np

EUCLIDEAN, COSINE = DISTANCES = ('euclidean', 'cosine')
CHUNK = 1024  # vectors whose differences are in memory at a time
LARGEST_EXPONENT = 300  # of 2; the squares of larger values could overflow when added up


def prepare(features, distance):
    """Return vectors whose Euclidean distances order images as a distance does, float64.

    For the Euclidean distance these are the vectors, (images, values). For the cosine distance they
    have length 1 and one value more: vectors of zeros have no direction, and get a dimension of
    their own with cosine 0 to all others and 1 to each other.

    Values whose squares would overflow or vanish are scaled by a power of 2: no order changes.

    Raises:
        ValueError: a value is NaN or infinite, or the distance is unknown.
    """
    if distance not in DISTANCES:
        raise ValueError(f'unknown distance {distance!r}; give one of {", ".join(DISTANCES)}')
    vectors = np.ascontiguousarray(features, np.float64)
    if not np.isfinite(vectors).all():
        raise ValueError('feature vectors contain NaN or infinity')
    if distance == EUCLIDEAN:
        return np.ldexp(vectors, -exponent(vectors)) if exponent(vectors) else vectors
    # Dividing by the largest value first keeps the squares of tiny or huge values in range.
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    zero = largest == 0
    vectors = vectors / np.where(zero, 1, largest)
    vectors /= np.where(zero, 1, np.linalg.norm(vectors, axis=1, keepdims=True))
    return np.hstack([vectors, zero])


def exponent(vectors):
    """Return the power of 2 that `prepare` divides vectors by; 0 for values of a usual size."""
    _, power = np.frexp(np.abs(vectors).max(initial=0))
    return int(power) if abs(power) > LARGEST_EXPONENT else 0


def squared_distances(vectors, query):
    """Return the squared distances of vectors to one, from differences, float64 (images,)."""
    squared = np.empty(len(vectors))
    for start in range(0, len(vectors), CHUNK):
        difference = vectors[start : start + CHUNK] - query
        squared[start : start + CHUNK] = np.einsum('ij,ij->i', difference, difference)
    return squared


def from_squared(squared, distance):
    """Convert squared Euclidean distances of prepared vectors into a distance."""
    # Between vectors of length 1, |q - x|^2 = 2 - 2 cos.
    return np.sqrt(np.maximum(squared, 0)) if distance == EUCLIDEAN else squared / 2


class Rankings:
    """For each vector, all the others ordered by distance.

    Args:
        features: (images, values), finite numbers.
        distance: one of DISTANCES.
    """

    def __init__(self, features, distance=EUCLIDEAN):
        self.vectors = prepare(features, distance)
        self.norms = np.einsum('ij,ij->i', self.vectors, self.vectors)
        # Bound on the rounding error of the sum of products below, from the largest norm.
        rounding = 2 * (self.vectors.shape[1] + 4) * np.finfo(np.float64).eps
        self.margins = rounding * (self.norms + self.norms.max(initial=0))
        self.first_duplicate = _first_duplicate(self.vectors, self.norms)

    def products(self, queries):
        """Return the products of some vectors with all, float64 (queries, images)."""
        return self.vectors[queries] @ self.vectors.T

    def rank(self, queries, products=None):
        """Rank all other images for some queries.

        Args:
            queries: int64 (queries,), indices of vectors.
            products: of these queries, which are overwritten; None: to be computed.

        Returns:
            orders: int64 (queries, images - 1), indices of the other images, nearest first; equal
                distances keep index order.
            ties: bool (queries, images - 2), whether an image is exactly as far as the next.
        """
        squared = self.products(queries) if products is None else products
        squared *= -2
        squared += self.norms
        squared += self.norms[queries, np.newaxis]
        squared[np.arange(len(queries)), queries] = np.inf
        # Not a stable sort, which takes twice the time or more: near ties are settled below.
        orders = np.argsort(squared, axis=1)[:, :-1]
        ties = np.zeros((len(queries), orders.shape[1] - 1), bool)
        for query, distances, order, tied in zip(queries, squared, orders, ties):
            self._resolve_near_ties(query, distances, order, tied)
        return orders, ties

    def _resolve_near_ties(self, query, distances, order, tied):
        """Reorder neighbours whose distances differ by less than the rounding error."""
        close = np.diff(distances[order]) <= 2 * self.margins[query]
        if not close.any():
            return
        edges = np.flatnonzero(np.diff(np.concatenate([[False], close, [False]])))
        for first, last in edges.reshape(-1, 2):
            run = np.sort(order[first : last + 1])
            # If fc1 is dead, many vectors are identical: compute each distinct one once.
            distinct, which = np.unique(self.first_duplicate[run], return_inverse=True)
            exact = squared_distances(self.vectors[distinct], self.vectors[query])[which]
            places = np.argsort(exact, kind='stable')
            order[first : last + 1] = run[places]
            tied[first:last] = np.diff(exact[places]) == 0


def _first_duplicate(vectors, norms):
    """Return for each vector the index of the first identical to it, int64 (images,)."""
    first = np.arange(len(vectors))
    _, which, counts = np.unique(norms, return_inverse=True, return_counts=True)
    suspects = np.flatnonzero(counts[which] > 1)  # identical vectors have the same norm
    if len(suspects):
        rows = np.ascontiguousarray(vectors[suspects] + 0.0)  # turns -0.0 into 0.0
        whole = rows.view(np.dtype((np.void, rows.strides[0])))[:, 0]
        _, earliest, which = np.unique(whole, return_index=True, return_inverse=True)
        first[suspects] = suspects[earliest[which]]
    return first

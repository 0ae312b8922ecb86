"""Ranks of the relevant images of every query, by counting the images that are nearer.

A rank is 1 plus the number of nearer images, so no image has to be put in order. The key of an
image x for a query q is |x|^2 / 2 - q.x, half of |q - x|^2 - |q|^2. The matrix of products is
symmetric: it is computed in square tiles, and a tile serves the queries of its rows and those of
its columns. In a tile, the keys of a query are sorted as plain numbers; a binary search counts
those below the key of each relevant image.

The error of a key is at most half the query's `Rankings.margins`. If no other key is within two
errors of that of a relevant image, its rank is exact. The same holds for the order of the nearest
images. A query with closer keys is reported as uncertain.
"""

from typing import NamedTuple

import numpy as np

BLOCK = 5120  # images at a side of a tile; a tile has 210 MB at most
CHUNK = 64  # queries per task of the pool
COUNTERS = 2**22  # relevant images whose ranks are counted at a time, 32 bytes each


class Ranks(NamedTuple):
    """Ranks of queries with the same label."""

    queries: np.ndarray  # int64 (queries,)
    ranks: np.ndarray  # int64 (queries, relevant images), rising, from 1
    nearest: np.ndarray  # int64 (queries, first), indices of the nearest images, nearest first
    certain: np.ndarray  # bool (queries,), whether ranks and nearest are exact


def relevant_ranks(rankings, labels, first, pool):
    """Yield the Ranks of every query, label by label.

    Args:
        rankings: ranking.Rankings.
        labels: (images,) integers; images with the query's label are relevant.
        first: how many of the nearest images to name, less than `images`.
        pool: an executor for the sorting; products use the threads of NumPy.
    """
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    for queries in _groups(sizes[member]):
        counting = _Counting(rankings, member, queries, first)
        counting.count(pool)
        yield from counting.results()


def _groups(relevant):
    """Return ranges of queries with COUNTERS relevant images in all, but at least one query."""
    groups, start, total = [], 0, 0
    for query, count in enumerate(relevant):
        if total + count > COUNTERS and query > start:
            groups.append(range(start, query))
            start, total = query, 0
        total += count
    return [*groups, range(start, len(relevant))]


def _split(images, size):
    """Split a range into equal ranges of at most a size."""
    parts = -(-len(images) // size)
    edges = [images.start + len(images) * part // max(parts, 1) for part in range(parts + 1)]
    return [range(*edge) for edge in zip(edges, edges[1:])]


class _Counting:
    """Counts of the images nearer than each relevant one, for a range of queries.

    Args:
        rankings, first: as of relevant_ranks.
        member: int64 (images,), labels numbered from 0.
        queries: range.
    """

    def __init__(self, rankings, member, queries, first):
        self.rankings, self.queries, self.first = rankings, queries, first
        # Two errors: a margin is the error of a squared distance, which is twice that of a key.
        self.tolerance = rankings.margins[queries.start : queries.stop]
        self.by_label = [
            self._bounds(np.flatnonzero(member == label), own)
            for label, own in self._queries_by_label(member)
        ]
        count = len(queries)
        self.bounds, self.counts = [None] * count, [None] * count
        for own, bounds, counts in self.by_label:
            for place, *rows in zip(own - queries.start, bounds, counts):
                self.bounds[place], self.counts[place] = rows
        # One more than asked for, to see whether the last is nearer than the next.
        self.nearest = np.zeros((count, first + 1), np.int64)
        self.keys = np.full((count, first + 1), np.inf)
        self.crowded = np.zeros(count, bool)

    def _queries_by_label(self, member):
        """Return pairs of a label and the indices of its queries."""
        inside = member[self.queries.start : self.queries.stop]
        order = np.argsort(inside, kind='stable')
        labels, starts = np.unique(inside[order], return_index=True)
        return zip(labels, np.split(order + self.queries.start, starts[1:]))

    def _bounds(self, members, own):
        """Return queries of a label, the bounds of their relevant images' keys, and counts of 0.

        Bounds are (queries, 2 x relevant): below the key of each relevant image, nearest first,
        then above it.
        """
        rankings = self.rankings
        products = rankings.vectors[own] @ rankings.vectors[members].T
        keys = rankings.half_norms[members] - products
        keys[members == own[:, np.newaxis]] = np.inf
        keys = np.sort(keys, axis=1)[:, :-1]
        tolerance = self.tolerance[own - self.queries.start, np.newaxis]
        above = np.nextafter(keys + tolerance, np.inf)
        bounds = np.hstack([keys - tolerance, above])
        return own, bounds, np.zeros(bounds.shape, np.int64)

    def count(self, pool):
        """Count over all tiles."""
        vectors, queries = self.rankings.vectors, self.queries
        inside = _split(queries, BLOCK)
        outside = _split(range(queries.start), BLOCK)
        outside += _split(range(queries.stop, len(vectors)), BLOCK)
        for place, block in enumerate(inside):
            rows = vectors[block.start : block.stop]
            for other in inside[place:] + outside:
                tile = rows @ vectors[other.start : other.stop].T
                tasks = [(tile, block, chunk, other) for chunk in _split(range(len(block)), CHUNK)]
                if other in inside[place + 1 :]:
                    chunks = _split(range(len(other)), CHUNK)
                    tasks += [(tile.T, other, chunk, block) for chunk in chunks]
                # Each task has its own queries: nothing is written by two.
                list(pool.map(self._count_chunk, *zip(*tasks)))

    def _count_chunk(self, tile, block, chunk, others):
        """Count in some rows of a tile, which are queries, over its columns."""
        products = tile[chunk.start : chunk.stop]
        keys = np.empty(products.shape)
        np.subtract(self.rankings.half_norms[others.start : others.stop], products, out=keys)
        queries = range(block.start + chunk.start, block.start + chunk.stop)
        if block is others:
            keys[np.arange(len(queries)), chunk] = np.inf
        ordered = np.sort(keys, axis=1)
        places = slice(queries.start - self.queries.start, queries.stop - self.queries.start)
        for row, bounds, counts in zip(ordered, self.bounds[places], self.counts[places]):
            counts += row.searchsorted(bounds)
        self._keep_nearest(places, keys, ordered, others.start)

    def _keep_nearest(self, places, keys, ordered, start):
        """Merge the nearest images of a tile into those of the tiles before."""
        kept = self.first + 1
        furthest = self.keys[places, -1]
        if ordered.shape[1] >= kept:
            furthest = np.minimum(furthest, ordered[:, kept - 1])
        near = keys <= (furthest + self.tolerance[places])[:, np.newaxis]
        near &= keys < np.inf
        crowded = np.count_nonzero(near, axis=1) > kept
        near[crowded] = False
        self.crowded[places] |= crowded
        flat = np.flatnonzero(near)
        row, column = np.divmod(flat, near.shape[1])
        position = np.arange(len(row)) - np.searchsorted(row, row)
        found = np.full((2, len(near), kept), np.inf)
        found[0, row, position] = keys[row, column]
        indices = np.zeros((len(near), kept), np.int64)
        indices[row, position] = column + start
        merged = np.hstack([self.keys[places], found[0]])
        order = np.argsort(merged, axis=1)[:, :kept]
        self.keys[places] = np.take_along_axis(merged, order, axis=1)
        indices = np.hstack([self.nearest[places], indices])
        self.nearest[places] = np.take_along_axis(indices, order, axis=1)

    def results(self):
        """Yield the Ranks, label by label."""
        for own, _, counts in self.by_label:
            places = own - self.queries.start
            below, up_to = np.split(counts, 2, axis=1)
            keys = self.keys[places]
            apart = keys[:, 1:] > keys[:, :-1] + self.tolerance[places, np.newaxis]
            alone = up_to - below == 1
            certain = alone.all(axis=1) & apart.all(axis=1) & ~self.crowded[places]
            yield Ranks(own, below + 1, self.nearest[places, : self.first], certain)

"""How compact the categories are among feature vectors (the paper's question in section 4)."""

import numpy as np

from sketch.metrics.ranking import EUCLIDEAN, from_squared, prepare

BLOCK = 512  # vectors whose distances to all others are in memory at a time


def compactness(features, labels, distance=EUCLIDEAN):
    """Return the mean distance within categories divided by the mean distance between them.

    1 means that distances do not separate the categories; 0 that each category is one point. None
    without pairs within or between categories, or if the mean between them is 0.

    Args:
        features: (images, values), finite numbers.
        labels: (images,) integers.
        distance: one of ranking.DISTANCES; the cosine distance is 1 - cosine.
    """
    vectors, labels = prepare(features, distance), np.asarray(labels)
    norms = np.einsum('ij,ij->i', vectors, vectors)
    within = between = 0.0
    pairs = same_pairs = 0
    for start in range(0, len(vectors), BLOCK):
        rows = slice(start, start + BLOCK)
        squared = norms[rows, np.newaxis] + norms - 2 * vectors[rows] @ vectors.T
        distances = from_squared(squared, distance)
        own = np.arange(len(distances))
        distances[own, start + own] = 0
        same = labels[rows, np.newaxis] == labels
        within += distances[same].sum()
        between += distances[~same].sum()
        pairs += same.size - len(own)
        same_pairs += same.sum() - len(own)
    if not 0 < same_pairs < pairs or between <= 0:
        return None
    return float((within / same_pairs) / (between / (pairs - same_pairs)))

"""How compact the categories are among feature vectors (the paper's question in section 4)."""

import numpy as np

from sketch.evaluation.ranking import prepare

BLOCK = 512  # vectors whose distances to all others are held at a time


def compactness(features, labels, distance='euclidean'):
    """Return the mean distance within a category over the mean distance between categories.

    1: distance does not tell the categories apart; 0: each is a single point. None if it is not
    defined: no two labels are alike, none differ, or no two vectors of different labels do.

    Args:
        features: (images, values), finite numbers.
        labels: (images,) integers.
        distance: one of ranking.DISTANCES; cosine is 1 less the cosine of the angle.
    """
    vectors, labels = prepare(features, distance), np.asarray(labels)
    norms = np.einsum('ij,ij->i', vectors, vectors)
    within = between = 0.0
    pairs = alike_pairs = 0
    for start in range(0, len(vectors), BLOCK):
        rows = slice(start, start + BLOCK)
        squared = norms[rows, np.newaxis] + norms - 2 * vectors[rows] @ vectors.T
        # Of vectors of length 1, half the square is the cosine distance.
        distances = np.sqrt(np.maximum(squared, 0)) if distance == 'euclidean' else squared / 2
        own = np.arange(len(distances))
        distances[own, start + own] = 0
        alike = labels[rows, np.newaxis] == labels
        within += distances[alike].sum()
        between += distances[~alike].sum()
        pairs += alike.size - len(own)
        alike_pairs += alike.sum() - len(own)
    if not 0 < alike_pairs < pairs or between <= 0:
        return None
    return float((within / alike_pairs) / (between / (pairs - alike_pairs)))

"""Confidence intervals: what other queries could have given in the same test images.

They say nothing of another training (see the spread over seeds), and too little of other test
images, which change what is searched, too.
"""

import statistics

import numpy as np

LEVEL = 0.95  # of all intervals in results.csv and in the documents
RESAMPLES = 2000
SEED = 0  # the same values always get the same interval
CHUNK = 100  # resamples in memory at a time; of 5,000 queries, 4 MB


def wilson(fraction, images, level=LEVEL):
    """Return Wilson's interval of an accuracy (Wilson 1927), (low, high).

    Args:
        fraction: of the images that are classified correctly, 0 to 1.
        images: how many there are, at least 1.
        level: of confidence, between 0 and 1.
    """
    z = statistics.NormalDist().inv_cdf((1 + level) / 2)
    centre = fraction + z**2 / (2 * images)
    reach = z * np.sqrt((fraction * (1 - fraction) + z**2 / (4 * images)) / images)
    low, high = ((centre + side * reach) / (1 + z**2 / images) for side in (-1, 1))
    return max(0.0, float(low)), min(1.0, float(high))


def bootstrap(values, level=LEVEL, resamples=RESAMPLES, seed=SEED):
    """Return the percentile bootstrap interval of a mean over queries.

    The queries are drawn again with replacement; all columns get the same draws. For the
    difference of two checkpoints on the same queries (the paired bootstrap) give the differences.

    Args:
        values: float (queries, ...), at least one query.
        level: of confidence, between 0 and 1.
        resamples: how many times the queries are drawn.
        seed: of the draws.

    Returns:
        (low, high), float64 arrays of the shape of one query's values.
    """
    values = np.asarray(values, np.float64)
    queries = len(values)
    columns = values.reshape(queries, -1)
    generator = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, CHUNK):
        drawn = generator.integers(queries, size=(min(CHUNK, resamples - start), queries))
        times = np.stack([np.bincount(row, minlength=queries) for row in drawn])
        means.append(times @ columns / queries)
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return low.reshape(values.shape[1:]), high.reshape(values.shape[1:])

"""Confidence intervals: what another sample of test drawings could have given.

They say nothing of another training; the spread over seeds does.
"""

import statistics

import numpy as np

LEVEL = 0.95  # of all intervals in results.csv and in the documents


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


def normal(value, error, limits=(-np.inf, np.inf), level=LEVEL):
    """Return the normal interval of a value with a standard error, (low, high), within limits."""
    reach = statistics.NormalDist().inv_cdf((1 + level) / 2) * error
    return max(limits[0], float(value - reach)), min(limits[1], float(value + reach))

"""Confidence intervals, against SciPy and against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sketch.metrics.intervals import normal, wilson


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts):
    correct, images = counts
    for level in (0.8, 0.95):
        expected = stats.binomtest(correct, images).proportion_ci(level, 'wilson')
        assert wilson(correct / images, images, level) == pytest.approx(expected, abs=1e-12)


@given(st.floats(0, 1), st.floats(0, 1))
def test_normal_is_scipys(value, error):
    expected = stats.norm.interval(0.95, value, error) if error else (value, value)
    assert normal(value, error) == pytest.approx(expected)
    within = normal(value, error, (0, 1))
    assert within == pytest.approx(np.clip(expected, 0, 1))

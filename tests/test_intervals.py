"""Confidence intervals, against SciPy and against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sketch.metrics.intervals import bootstrap, wilson


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts):
    correct, images = counts
    for level in (0.8, 0.95):
        expected = stats.binomtest(correct, images).proportion_ci(level, 'wilson')
        assert wilson(correct / images, images, level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize('queries', [10, 300])
def test_the_bootstrap_is_scipys(queries):
    values = np.random.default_rng(1).beta(1, 3, queries)
    expected = stats.bootstrap(
        [values], np.mean, n_resamples=20_000, method='percentile', random_state=2
    ).confidence_interval
    width = expected.high - expected.low
    # Two sets of 20,000 draws: their quantiles differ by about a hundredth of the width.
    assert bootstrap(values, resamples=20_000) == pytest.approx(tuple(expected), abs=0.04 * width)
    assert bootstrap(values) == pytest.approx(tuple(expected), abs=0.1 * width)


def test_each_column_has_the_interval_it_has_alone():
    values = np.random.default_rng(0).random((50, 2, 3))
    low, high = bootstrap(values)
    assert low.shape == high.shape == (2, 3)
    for place in np.ndindex(2, 3):
        alone = bootstrap(values[(slice(None), *place)])
        assert np.allclose((low[place], high[place]), alone, rtol=0, atol=1e-12)
    assert np.array_equal(low, bootstrap(values)[0])


def test_it_covers_the_mean_as_often_as_it_says():
    generator = np.random.default_rng(3)
    samples = generator.beta(1, 3, (300, 100))
    covered = sum(low <= 0.25 <= high for low, high in map(bootstrap, samples))
    assert 0.90 < covered / 300 < 0.985


def test_equal_values_have_no_width():
    assert bootstrap([0.5, 0.5, 0.5]) == (0.5, 0.5)
    assert bootstrap([0.3]) == pytest.approx((0.3, 0.3))

"""Confidence intervals, against SciPy and against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks import interval_width
from sketch.metrics.average_precision import retrieve
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


def test_paired_differences_are_narrower_than_two_intervals():
    generator = np.random.default_rng(0)
    first = generator.random(500)
    second = first + 0.02 + 0.05 * generator.standard_normal(500)
    low, high = bootstrap(second - first)
    assert 0 < low < 0.02 < high
    apart = bootstrap(second)[0] - bootstrap(first)[1]
    assert apart < 0  # the two intervals overlap


def test_it_covers_the_mean_as_often_as_it_says():
    generator = np.random.default_rng(3)
    samples = generator.beta(1, 3, (300, 100))
    covered = sum(low <= 0.25 <= high for low, high in map(bootstrap, samples))
    assert 0.90 < covered / 300 < 0.985


def test_the_jackknife_of_a_mean_is_its_standard_error():
    labels = np.repeat([0, 1, 2], [5, 9, 20])
    values = np.random.default_rng(4).random(34) + labels
    found = interval_width.jackknife(
        lambda kept: np.array([values[kept][labels[kept] == 2].mean()]), labels
    )
    assert found == pytest.approx([stats.sem(values[labels == 2])])


def test_other_images_are_more_than_other_queries():
    generator = np.random.default_rng(5)
    labels = np.repeat(np.arange(4), 12)
    worse = generator.standard_normal((48, 8)) + labels[:, np.newaxis] * 0.5
    better = worse + labels[:, np.newaxis] * 0.05
    rows = interval_width.measure({'a': worse, 'b': better}, labels)
    assert [row[0] for row in rows] == [
        *('a, euclidean', 'a, cosine', 'b, euclidean', 'b, cosine'),
        *(f'{one}, minus a, euclidean' for one in ('a, cosine', 'b, euclidean', 'b, cosine')),
    ]
    value, over_queries = map(float, rows[0][1:3])
    found = retrieve(worse, labels, [47])
    assert value == pytest.approx(found.means()['standard', 47], abs=1e-5)
    low, high = found.intervals()['standard', 47]
    assert over_queries == pytest.approx((high - low) / 2 / 1.96, rel=0.1)


def test_the_jackknife_tells_how_samples_of_images_scatter():
    generator = np.random.default_rng(6)
    labels = np.repeat(np.arange(3), 16)
    centres = generator.standard_normal((3, 4, 8)) * 1.5  # four ways to draw each category

    def sample():
        ways = centres[labels, generator.integers(4, size=48)]
        return {'a': ways + generator.standard_normal((48, 8))}

    maps = [retrieve(sample()['a'], labels, [47]).means()['standard', 47] for _ in range(300)]
    rows = [interval_width.measure(sample(), labels)[0] for _ in range(20)]
    over_queries, over_images = np.mean([[float(cell) for cell in row[2:4]] for row in rows], 0)
    assert over_images == pytest.approx(np.std(maps), rel=0.25)
    assert over_queries < 0.8 * np.std(maps)


def test_equal_values_have_no_width():
    assert bootstrap([0.5, 0.5, 0.5]) == (0.5, 0.5)
    assert bootstrap([0.3]) == pytest.approx((0.3, 0.3))

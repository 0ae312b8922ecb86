"""mAP without each image, against mAP measured again without it; and what its intervals cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch.metrics.average_precision import retrieve, retrieve_reordered
from sketch.metrics.jackknife import standard_error
from tools import interval_coverage


@st.composite
def collections(draw):
    """Vectors on a small grid, so that many distances tie, and labels, some of which are alone."""
    images = draw(st.integers(4, 25))
    seed = draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    labels = random.integers(draw(st.integers(1, 6)), size=images)
    labels[:3] = 0  # without any one of them, a query has a relevant image
    vectors = random.integers(draw(st.sampled_from([2, 5, 10_000])), size=(images, 3))
    return vectors.astype(float), labels


def measured_again(vectors, labels, ks, measure):
    """Return mAP without each image as `measure` finds it; at k, the others move up."""
    values = []
    for image in range(len(labels)):
        kept = np.delete(np.arange(len(labels)), image)
        means = measure(vectors[kept], labels[kept], [min(k, len(kept) - 1) for k in ks])
        values.append(means)
    return np.array(values)


def table(found, ks):
    means = found.means()
    names = ('standard', 'found', 'all', 'paper')
    return np.array([[means[name, k] for k in ks] for name in names])


@settings(max_examples=60, deadline=None)
@given(collections(), st.data())
def test_it_is_map_measured_again(collection, data):
    vectors, labels = collection
    last = len(labels) - 1
    ks = sorted({data.draw(st.integers(1, last - 1)), last})
    found = retrieve(vectors, labels, ks)

    def measure(vectors, labels, again):
        return table(retrieve(vectors, labels, again), again)

    expected = measured_again(vectors, labels, ks, measure)
    assert np.allclose(found.without, expected, rtol=0, atol=1e-12)


def test_of_a_reordered_ranking():
    random = np.random.default_rng(1)
    vectors, labels = random.standard_normal((20, 4)), np.repeat(np.arange(4), 5)
    classes = random.integers(3, size=20)

    def first_of_class(classes):
        return lambda query, order: order[
            np.argsort(classes[order] != classes[query], kind='stable')
        ]

    _, found = retrieve_reordered(vectors, labels, [3, 19], [None, first_of_class(classes)])
    expected = []
    for image in range(20):
        kept = np.delete(np.arange(20), image)
        reorder = first_of_class(classes[kept])
        (again,) = retrieve_reordered(vectors[kept], labels[kept], [3, 18], [reorder])
        expected.append(table(again, [3, 18]))
    assert np.allclose(found.without, expected, rtol=0, atol=1e-12)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(4).random(20)
    without = (values.sum() - values) / 19
    expected = values.std(ddof=1) / np.sqrt(20)
    found = standard_error(without[:, np.newaxis], np.zeros(20))
    assert found == pytest.approx([expected])
    # A category that has one image tells no scatter.
    assert standard_error(without[:1, np.newaxis], np.zeros(1)) == pytest.approx([0])


def test_it_covers_other_samples_of_drawings():
    mean, *cells = interval_coverage.measure(3, 0.62, 60)
    assert 0.3 < mean < 0.5
    for covered, width in cells:
        assert covered > 0.85
        assert width == pytest.approx(1, abs=0.3)

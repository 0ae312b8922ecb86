"""Quick rankings against slow ways, to the last bit."""

from unittest import mock

import numpy as np
import pytest
import reference_ranking
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch.evaluation.retrieval import reordering
from sketch.metrics import average_precision, ranking
from sketch.metrics.average_precision import retrieve, retrieve_reordered
from sketch.metrics.neighbours import Neighbours
from sketch.metrics.ranking import DISTANCES

FIELDS = ('average_precisions', 'interpolated', 'first', 'tied')


def near_ties(random, images, values):
    """Few points, and vectors at relative distances of 1e-7 and 1e-15 from them."""
    points = random.normal(size=(3, values))[random.integers(0, 3, images)]
    size = 10.0 ** random.choice([-7, -15], (images, 1))
    return points * (1 + size * random.integers(-2, 3, (images, values)))


def with_zeros(random, images, values):
    """Half of the values are 0, as after ReLU, and many vectors are all 0."""
    vectors = np.maximum(random.normal(size=(images, values)), 0)
    vectors[random.random(images) < 0.3] = 0
    return vectors


def shells(random, images, values):
    """Vectors at few distances from a centre that is one of them: ties that rounding hides."""
    steps = random.integers(-1, 2, (images, values)) * 0.1
    steps[0] = 0
    return random.normal(size=values) + steps


KINDS = {
    'random': lambda random, *shape: random.normal(size=shape),
    'float32': lambda random, *shape: random.standard_normal(shape, np.float32),
    'few integers': lambda random, *shape: random.integers(0, 3, shape).astype(np.float32),
    'duplicates': lambda random, *shape: random.normal(size=(4, shape[1]))[
        random.integers(0, 4, shape[0])
    ],
    'near ties': near_ties,
    'zeros': with_zeros,
    'shells': shells,
    'all zero': lambda random, *shape: np.zeros(shape),
    'huge': lambda random, *shape: random.normal(size=shape) * 1e155,
    'tiny': lambda random, *shape: near_ties(random, *shape) * 1e-170,
    'huge and tiny': lambda random, *shape: (
        random.normal(size=shape) * 10.0 ** random.integers(-170, 155, (shape[0], 1))
    ),
}


def assert_same(found, expected):
    for name in FIELDS:
        quick = getattr(found, name)
        assert quick.dtype == expected[name].dtype
        np.testing.assert_array_equal(quick, expected[name], name)


@pytest.mark.parametrize('distance', DISTANCES)
@pytest.mark.parametrize('kind', KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_like_the_slow_ways(kind, distance, data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    images = data.draw(st.integers(2, 70))
    features = KINDS[kind](random, images, data.draw(st.integers(1, 40)))
    labels = random.integers(0, data.draw(st.integers(1, images)), images)
    labels[0] = labels[-1]
    # Few images already take several tasks.
    sizes = {'BLOCK': 80, 'PRODUCTS': 5000, 'CASES': 10_000}
    sizes = {name: data.draw(st.integers(4, largest)) for name, largest in sizes.items()}
    ks = range(1, images)
    with mock.patch.multiple(average_precision, **sizes):
        found = retrieve(features, labels, ks, distance, threads=2)
    assert_same(found, reference_ranking.retrieve(features, labels, ks, distance))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_reordered_in_one_pass_like_one_by_one(data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    images = data.draw(st.integers(2, 40))
    kind = data.draw(st.sampled_from(['random', 'few integers', 'duplicates', 'near ties']))
    features, labels = KINDS[kind](random, images, 8), random.integers(0, 3, images)
    labels[0] = labels[-1]
    probabilities = random.dirichlet([0.1] * 4, images).astype(np.float32)
    names = ('rerank', 'rerank-probability')
    reorders = [None, *(reordering(name, probabilities) for name in names)]
    ks = [1, images - 1]
    found = retrieve_reordered(features, labels, ks, reorders, threads=2)
    for retrieval, reorder in zip(found, reorders):
        expected = reference_ranking.retrieve(features, labels, ks, 'euclidean', reorder)
        assert_same(retrieval, expected)


@pytest.mark.parametrize('distance', DISTANCES)
@pytest.mark.parametrize('kind', KINDS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_nearest_to_a_query_like_the_slow_way(kind, distance, data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    images = data.draw(st.integers(1, 70))
    vectors = KINDS[kind](random, images + 5, data.draw(st.integers(1, 40)))
    vectors, others = vectors[:images], vectors[images:]
    top = data.draw(st.integers(1, images + 1))
    prepared_once = Neighbours(vectors, distance)
    chunks = mock.patch.object(ranking, 'CHUNK', data.draw(st.integers(1, 80)))
    scaled = others[:2].astype(np.float64) * [[1e120], [1e-130]]  # prepare scales them back
    for query in (vectors[0], vectors[-1], *others, *scaled):
        with chunks:
            order, distances = prepared_once.nearest(query, top)
        expected, expected_distances = reference_ranking.nearest(vectors, query, distance, top)
        np.testing.assert_array_equal(order, expected)
        np.testing.assert_array_equal(distances, expected_distances)


@pytest.mark.parametrize('distance', DISTANCES)
def test_a_query_that_is_not_finite_is_refused(distance):
    with pytest.raises(ValueError, match='NaN or infinity'):
        Neighbours(np.eye(3), distance).nearest(np.array([0, np.nan, 1]), 2)

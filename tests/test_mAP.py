"""The metric: rankings worked out by hand, scikit-learn, brute force, and near-duplicates."""

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, pairwise_distances
from sklearn.metrics.pairwise import cosine_distances

from mAP import mAP
from sketch import command_line
from sketch.evaluation.retrieval import reordering
from sketch.metrics.average_precision import (
    DEFINITIONS,
    average_precision,
    retrieve,
    retrieve_reordered,
)
from sketch.metrics.compactness import compactness
from sketch.metrics.neighbours import Neighbours


def ranking(*ranks, answers=10):
    """A ranking with relevant images at the given ranks."""
    return np.isin(np.arange(1, answers + 1), ranks)


@pytest.mark.parametrize(
    ('k', 'definition', 'expected'),
    [
        # Relevant at 2, 3, 5 and 10: precisions 1/2, 2/3, 3/5, 4/10.
        (5, 'standard', (1 / 2 + 2 / 3 + 3 / 5) / 4),
        (5, 'found', (1 / 2 + 2 / 3 + 3 / 5) / 3),
        (5, 'all', (1 / 2 + 2 / 3 + 3 / 5) / 4),
        (5, 'paper', (0 + 1 / 3 + 2 / 5) / 3),
        (2, 'standard', (1 / 2) / 2),
        (2, 'paper', 0),
        *[(1, definition, 0) for definition in DEFINITIONS],
    ],
)
def test_by_hand(k, definition, expected):
    assert average_precision(ranking(2, 3, 5, 10), k, definition) == pytest.approx(
        expected, abs=1e-15
    )


@given(st.lists(st.booleans(), min_size=1, max_size=60).filter(any))
def test_full_ranking_is_scikit_learns(relevant):
    expected = average_precision_score(relevant, -np.arange(len(relevant)))
    assert average_precision(relevant, len(relevant)) == pytest.approx(expected, abs=1e-12)
    assert average_precision(relevant, len(relevant), 'all') == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60).filter(any), st.integers(1, 60))
def test_cut_at_k_is_trec_evals(relevant, k):
    k = min(k, len(relevant))
    answers = [f'answer{i:02}' for i in range(len(relevant))]
    judged = {'query': {answer: int(right) for answer, right in zip(answers, relevant)}}
    scored = {'query': {answer: -float(i) for i, answer in enumerate(answers)}}
    measured = pytrec_eval.RelevanceEvaluator(judged, {f'map_cut.{k}', 'map'}).evaluate(scored)
    ours = average_precision(relevant, k, 'all')
    assert ours == pytest.approx(measured['query'][f'map_cut_{k}'], abs=1e-6)
    whole = average_precision(relevant, len(relevant))
    assert whole == pytest.approx(measured['query']['map'], abs=1e-6)


def test_found_is_torchmetrics_top_k():
    torch = pytest.importorskip('torch', reason='torch is in requirements-benchmarks.txt')
    metrics = pytest.importorskip('torchmetrics', reason='as torch')
    random = np.random.default_rng(0)
    for k in (1, 2, 5, 30):
        relevant = random.random((50, 30)) < 0.2
        metric = metrics.retrieval.RetrievalMAP(empty_target_action='neg', top_k=k)
        scores = torch.arange(30, 0, -1.0).repeat(50)
        theirs = metric(
            scores, torch.tensor(relevant).flatten(), torch.arange(50).repeat_interleave(30)
        )
        ours = np.mean([average_precision(row, k, 'found') for row in relevant])
        assert ours == pytest.approx(float(theirs), abs=1e-6)


def brute_force(features, labels, k, definition):
    """The definition, word by word: direct differences in float64, ties by index."""
    values = []
    for query in range(len(features)):
        differences = features.astype(np.float64) - features[query].astype(np.float64)
        squared = np.array([np.sum(row * row) for row in differences])
        order = [i for i in np.argsort(squared, kind='stable') if i != query]
        relevant = [labels[i] == labels[query] for i in order]
        if any(relevant):
            values.append(average_precision(relevant, k, definition))
    return np.mean(values)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_like_brute_force_with_ties_duplicates_and_dead_vectors(data):
    images = data.draw(st.integers(3, 25))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    # Few distinct integers: many ties, many identical and all-zero vectors.
    features = random.integers(0, data.draw(st.integers(1, 4)), (images, 3)).astype(np.float32)
    labels = random.integers(0, 3, images)
    labels[:2] = 0
    k = data.draw(st.integers(1, images - 1))
    for definition in DEFINITIONS:
        expected = brute_force(features, labels, k, definition)
        assert mAP(features, labels, k, definition) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 20))
def test_cosine_is_scikit_learns(seed, images):
    random = np.random.default_rng(seed)
    features = random.normal(size=(images, 5)) * 10.0 ** random.integers(-5, 5, (images, 1))
    features[random.random(images) < 0.2] = 0
    labels = random.integers(0, 2, images)
    labels[:2] = 0
    theirs = cosine_distances(features)
    dead = (features == 0).all(axis=1)
    theirs[np.ix_(dead, dead)] = 0  # ours: vectors of zeros are equal to each other
    found = retrieve(features, labels, [images - 1], 'cosine')
    # To a dead query all others are equally far, up to the rounding of their own lengths.
    for query in np.flatnonzero(found.has_relevant & ~dead):
        # Rounded, so that cosines of exactly 0 tie in theirs; ours are settled within 1e-12.
        order = [i for i in np.argsort(theirs[query].round(9), kind='stable') if i != query]
        expected = average_precision(labels[order] == labels[query], images - 1)
        assert found.average_precisions[query, 0, 0] == pytest.approx(expected, abs=1e-12)


def test_ties_across_a_boundary_are_counted():
    #  Query 0 sees 1 (right) and 2 (wrong) at distance 1; query 3 has a tie of two wrong ones.
    features = np.array([[0.0, 0], [1, 0], [0, 1], [5, 5], [9, 9]])
    found = retrieve(features, [0, 0, 1, 2, 2], [1, 4])
    assert found.tied.tolist() == [True, False, False, False, False]
    assert not found.has_relevant[2]


def test_precision_at_each_recall_by_hand():
    # Right at ranks 1, 3 and 4 for the query at 0: precisions 1, 2/3, 3/4, best from there on.
    found = retrieve(np.arange(5.0)[:, None] ** 1.1, [0, 0, 1, 0, 0], [4])
    assert found.interpolated[0] == pytest.approx([1] * 4 + [3 / 4] * 7)
    assert found.first[0].tolist() == [0, 1, 0, 0]


def test_images_of_the_same_class_come_first():
    features, labels = np.array([[0.0], [1], [2], [3], [4]]), [0, 1, 0, 1, 0]
    # The network takes image 4 for class 1.
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [0.45, 0.55]])
    orders = {
        variant: reordering(variant, probabilities)(0, np.array([1, 2, 3, 4])).tolist()
        for variant in ('rerank', 'rerank-probability')
    }
    assert orders == {'rerank': [2, 1, 3, 4], 'rerank-probability': [2, 4, 3, 1]}
    reorders = [None, reordering('rerank', probabilities)]
    _, found = retrieve_reordered(features, labels, [4], reorders)
    assert found.average_precisions[0, 0, 0] == pytest.approx((1 + 2 / 4) / 2)


@pytest.mark.parametrize('classes', [10, 100])
def test_equal_probabilities_leave_the_order_of_distance(classes):
    random = np.random.default_rng(0)
    # At some sizes a matrix product gives equal rows values that differ in the last bit.
    for images in [*range(5, 60), 5003]:
        row, query = random.dirichlet(np.full(classes, 0.1), 2)
        probabilities = np.vstack([query, np.tile(row, (images - 1, 1))])
        order = 1 + random.permutation(images - 1)
        reordered = reordering('rerank-probability', probabilities)(0, order)
        assert reordered.tolist() == order.tolist()


@pytest.mark.parametrize('distance', ['euclidean', 'cosine'])
@pytest.mark.parametrize('scale', [1e155, 1e-170])
def test_huge_and_tiny_values(distance, scale):
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(60, 5)), random.integers(0, 4, 60)
    usual = mAP(features, labels, 59, distance=distance)
    assert mAP(features * scale, labels, 59, distance=distance) == pytest.approx(usual, abs=1e-12)
    assert compactness(features * scale, labels, distance) == pytest.approx(
        compactness(features, labels, distance)
    )
    order, distances = Neighbours(features * scale, distance).nearest(features[0] * scale, 5)
    expected, usual = Neighbours(features, distance).nearest(features[0], 5)
    assert order.tolist() == expected.tolist()
    unit = scale if distance == 'euclidean' else 1
    np.testing.assert_allclose(distances / unit, usual, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ('features', 'labels', 'k', 'message'),
    [
        (np.zeros((4, 2)), [0, 0, 1, 1], 4, 'from 1 to 3'),
        (np.zeros((4, 2)), [0, 0, 1], 1, '4 feature vectors, but 3 labels'),
        (np.full((4, 2), np.nan), [0, 0, 1, 1], 1, 'NaN or infinity'),
        (np.zeros((2, 2)), [0, 1], 1, 'no two images'),
    ],
)
def test_refuses(features, labels, k, message):
    with pytest.raises(ValueError, match=message):
        mAP(features, labels, k)
    with pytest.raises(ValueError, match="unknown distance 'manhattan'; give one of euclidean"):
        mAP(np.eye(4), [0, 0, 1, 1], 3, distance='manhattan')
    with pytest.raises(ValueError, match='threads is -1'):
        mAP(np.eye(4), [0, 0, 1, 1], 3, threads=-1)
    for k in (0, 11):
        with pytest.raises(ValueError, match=f'k is {k}'):
            average_precision(ranking(1), k)


def test_choice_of_k(capsys):
    assert command_line.choose_k([], 5000) == [49, 4999]
    assert capsys.readouterr().out == ''
    assert command_line.choose_k([], 1000) == [49]
    assert '4999 skipped' in capsys.readouterr().out
    assert command_line.choose_k(['all', '49'], 1000) == [49, 999]


@pytest.mark.parametrize('distance', ['euclidean', 'cosine'])
def test_compactness_against_scikit_learn(distance):
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 700)
    features = random.normal(size=(700, 6)) + labels[:, np.newaxis]
    distances = pairwise_distances(features, metric=distance)
    pairs = np.triu_indices(700, 1)
    alike = labels[pairs[0]] == labels[pairs[1]]
    wanted = distances[pairs][alike].mean() / distances[pairs][~alike].mean()
    assert compactness(features, labels, distance) == pytest.approx(wanted, rel=1e-6)


def test_compactness_where_it_is_not_defined():
    assert compactness(np.eye(3), [0, 1, 2]) is None
    assert compactness(np.eye(3), [1, 1, 1]) is None
    assert compactness(np.ones((4, 2)), [0, 0, 1, 1]) is None
    assert compactness([[0.0], [0.0], [1.0], [1.0]], [0, 0, 1, 1]) == 0

"""The metric: rankings worked out by hand, scikit-learn, brute force, and near-duplicates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from mAP import READINGS, average_precision, choose_k, mAP, mean_average_precisions


def ranking(*ranks, answers=10):
    """A ranking with relevant answers at the given ranks."""
    return np.isin(np.arange(1, answers + 1), ranks)


@pytest.mark.parametrize(
    ('k', 'reading', 'expected'),
    [
        # Relevant at 2, 3, 5 and 10: precisions 1/2, 2/3, 3/5, 4/10.
        (10, 'standard', (1 / 2 + 2 / 3 + 3 / 5 + 4 / 10) / 4),
        (10, 'paper', (0 + 1 / 3 + 2 / 5 + 3 / 10) / 4),
        (5, 'standard', (1 / 2 + 2 / 3 + 3 / 5) / 4),
        (5, 'found', (1 / 2 + 2 / 3 + 3 / 5) / 3),
        (5, 'all', (1 / 2 + 2 / 3 + 3 / 5) / 4),
        (5, 'paper', (0 + 1 / 3 + 2 / 5) / 3),
        (2, 'standard', (1 / 2) / 2),
        (2, 'found', 1 / 2),
        (2, 'all', (1 / 2) / 4),
        (2, 'paper', 0),
        *[(1, reading, 0) for reading in READINGS],
    ],
)
def test_by_hand(k, reading, expected):
    assert average_precision(ranking(2, 3, 5, 10), k, reading) == pytest.approx(expected, abs=1e-15)


def test_extremes():
    assert average_precision(ranking(), 10) == 0
    assert average_precision(ranking(1, 2, 3), 3) == 1
    assert average_precision(ranking(1, 2, 3), 3, 'paper') == pytest.approx((0 + 1 / 2 + 2 / 3) / 3)
    assert average_precision(ranking(1), 1) == 1
    for k in (0, 11):
        with pytest.raises(ValueError, match=f'k is {k}'):
            average_precision(ranking(1), k)


@given(st.lists(st.booleans(), min_size=1, max_size=60).filter(any))
def test_full_ranking_is_scikit_learns(relevant):
    expected = average_precision_score(relevant, -np.arange(len(relevant)))
    assert average_precision(relevant, len(relevant)) == pytest.approx(expected, abs=1e-12)
    assert average_precision(relevant, len(relevant), 'all') == pytest.approx(expected, abs=1e-12)


def brute_force(features, labels, k, reading):
    """The definition, word by word: direct differences in float64, ties by index."""
    values = []
    for query in range(len(features)):
        differences = features.astype(np.float64) - features[query].astype(np.float64)
        squared = np.array([np.sum(row * row) for row in differences])
        order = [i for i in np.argsort(squared, kind='stable') if i != query]
        relevant = [labels[i] == labels[query] for i in order]
        if any(relevant):
            values.append(average_precision(relevant, k, reading))
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
    for reading in READINGS:
        expected = brute_force(features, labels, k, reading)
        assert mAP(features, labels, k, reading) == pytest.approx(expected, abs=1e-12)


def test_near_duplicates_of_long_vectors_are_told_apart():
    # Offsets of about 1e-4 at norm 1e3: rounding of |q|^2 + |x|^2 - 2 q.x would reorder them.
    random = np.random.default_rng(3)
    centre = random.normal(size=1024)
    centre *= 1e3 / np.linalg.norm(centre)
    features = centre + 1e-4 / np.sqrt(1024) * random.normal(size=(80, 1024)) * np.linspace(
        0, 1, 80
    ).reshape(-1, 1)
    labels = random.integers(0, 4, 80)
    for k in (10, 79):
        expected = brute_force(features, labels, k, 'standard')
        assert mAP(features, labels, k) == pytest.approx(expected, abs=1e-12)


def test_identical_vectors_keep_index_order():
    features = np.tile(np.random.default_rng(0).normal(size=700).astype(np.float32), (6, 1))
    labels = [0, 1, 0, 1, 1, 0]
    # Every query sees the others in index order.
    expected = [
        average_precision([labels[i] == labels[query] for i in range(6) if i != query], 5)
        for query in range(6)
    ]
    assert mAP(features, labels, 5) == pytest.approx(np.mean(expected), abs=1e-15)


def test_the_query_is_left_out_by_its_index():
    # A duplicate of the query stands before it; leaving out rank 1 would drop the wrong one.
    features = np.array([[0.0], [0.0], [5.0]])
    assert mAP(features, [0, 1, 1], 2) == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_queries_without_relevant_images_are_left_out_and_counted():
    features = np.arange(5.0).reshape(-1, 1)
    values, left_out = mean_average_precisions(features, [0, 0, 1, 2, 2], [1, 4])
    assert left_out == 1
    # The fourth vector is as far from the third as from the fifth: index order, a miss.
    assert values['standard', 1] == pytest.approx((1 + 1 + 0 + 1) / 4)


def test_one_pass_equals_many_and_threads_do_not_matter():
    random = np.random.default_rng(1)
    features, labels = random.normal(size=(300, 8)), random.integers(0, 6, 300)
    values, _ = mean_average_precisions(features, labels, [1, 49, 299])
    for (reading, k), value in values.items():
        assert mAP(features, labels, k, reading, threads=1) == value
    perfect = mAP(np.eye(6)[labels], labels, 299)
    assert perfect == 1


@pytest.mark.parametrize(
    ('features', 'labels', 'k', 'message'),
    [
        (np.zeros((4, 2)), [0, 0, 1, 1], 4, 'from 1 to 3'),
        (np.zeros((4, 2)), [0, 0, 1], 1, '4 feature vectors, but 3 labels'),
        (np.full((4, 2), np.nan), [0, 0, 1, 1], 1, 'not finite'),
        (np.zeros((2, 2)), [0, 1], 1, 'no two images'),
    ],
)
def test_refuses(features, labels, k, message):
    with pytest.raises(ValueError, match=message):
        mAP(features, labels, k)


def test_choice_of_k(capsys):
    assert choose_k([], 5000) == [49, 4999]
    assert capsys.readouterr().out == ''
    assert choose_k([], 1000) == [49]
    assert '4999 left out' in capsys.readouterr().out
    assert choose_k(['all', '49'], 1000) == [49, 999]

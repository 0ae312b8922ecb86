"""Raw strokes, simplified: beside Google's own results, and what holds for any strokes."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sketch.data import raster
from sketch.data.simplify import SMALLEST, simplify

strokes_of = st.lists(
    arrays.arrays(
        float,
        st.tuples(st.integers(1, 12), st.just(2)),
        elements=st.floats(-1000, 1000, allow_subnormal=False),
    ),
    min_size=1,
    max_size=4,
)


def grey_levels(strokes):
    return np.asarray(raster.draw(strokes), float)


def test_as_google_simplifies(real_drawings):
    same, differences = [], []
    for line in (real_drawings / 'raw' / 'pairs.ndjson').read_text().splitlines():
        pair = json.loads(line)
        raw, google = (
            [np.stack(stroke[:2], axis=1) for stroke in pair[form]]
            for form in ('raw', 'simplified')
        )
        ours = simplify(raw)
        same.append(len(ours) == len(google) and all(map(np.array_equal, ours, google)))
        differences.append(np.abs(grey_levels(ours) - grey_levels(google)).mean())
    assert len(same) == 200
    assert np.mean(same) >= 0.8
    assert np.mean(differences) <= 0.1


@pytest.mark.parametrize(
    ('strokes', 'expected'),
    [
        # A straight line keeps its ends, times and empty strokes go, one place is one dot.
        ([[[10 + 5 * i, 5 + i] for i in range(11)]], [[[0, 0], [255, 51]]]),
        ([[[0, 0], [100, 0], [100, 20]]], [[[0, 0], [255, 0], [255, 51]]]),
        # At this scale the second point trembles by 1.3 pixels.
        ([[[0, 0], [50, 0.5], [100, 0], [100, 20]]], [[[0, 0], [255, 0], [255, 51]]]),
        ([[[0, 0, 1], [10, 10, 2]], []], [[[0, 0], [255, 255]]]),
        ([[[7, 9]], [[7, 9], [7, 9]]], [[[0, 0]], [[0, 0]]]),
        ([], []),
    ],
)
def test_by_hand(strokes, expected):
    simplified = simplify(strokes)
    assert [stroke.tolist() for stroke in simplified] == expected
    assert all(stroke.dtype == np.uint8 for stroke in simplified)


def test_long_strokes_take_no_more_memory():
    # Each of the 1,000 points is a corner, 255 pixels from the next.
    zigzag = np.zeros((1000, 2))
    zigzag[::2, 0], zigzag[:, 1] = 255, np.linspace(0, 255, len(zigzag))
    tracemalloc.start()
    try:
        (found,) = simplify([zigzag])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) > 900
    assert peak < 1_000_000  # all points at a distance of 1 pixel are 4 MB


@given(strokes_of)
def test_ends_stay(strokes):
    points = np.concatenate(strokes)
    corner, longer = points.min(axis=0), np.ptp(points, axis=0).max()
    scale = 255 / max(longer, SMALLEST)
    simplified = simplify(strokes)
    assert len(simplified) == len(strokes)
    for stroke, found in zip(strokes, simplified):
        ends = (stroke[[0, -1]] - corner) * scale
        assert np.abs(ends - found[[0, -1]]).max() <= 0.5 + 1e-9


@given(strokes_of, st.sampled_from([0.125, 0.5, 4.0]), st.integers(-500, 500))
def test_size_and_place_do_not_matter(strokes, factor, shift):
    strokes = [stroke.round() for stroke in strokes]  # all numbers below are exact
    moved = [stroke * factor + shift for stroke in strokes]
    for one, other in zip(simplify(strokes), simplify(moved)):
        assert one.tolist() == other.tolist()


@pytest.mark.parametrize('side', [1e-310, 5e-324, 1e-306, 1e-299])
def test_a_drawing_next_to_nothing_is_a_dot_or_whole(side):
    with np.errstate(all='raise', under='ignore'):
        (found,) = simplify([np.array([[0, 0], [side, side / 2]])])
    assert (found[-1].max() == 255) == (side > 1e-300)
    assert found[-1].max() in (0, 255)

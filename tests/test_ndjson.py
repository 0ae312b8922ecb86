"""The parser of .ndjson files, against lines that the tests write."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ndjson_files import line_of

from sketch.data.ndjson import LONGEST, POINTS, NdjsonFile
from sketch.errors import InputError

points = st.lists(st.integers(0, 255), min_size=1, max_size=8)
drawings = st.tuples(
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.lists(points.map(lambda xs: [xs, xs[::-1]]), max_size=4),
)


@given(st.lists(drawings, max_size=6))
def test_round_trip(tmp_path_factory, given_drawings):
    path = tmp_path_factory.mktemp('round') / 'x.ndjson'
    lines = [line_of('x', key_id, strokes, known) for key_id, known, strokes in given_drawings]
    path.write_bytes(b''.join(lines))
    with NdjsonFile(path, 'x') as found:
        assert found.key_ids.tolist() == [key_id for key_id, _, _ in given_drawings]
        assert found.recognized.tolist() == [known for _, known, _ in given_drawings]
        for index, (key_id, known, strokes) in enumerate(given_drawings):
            drawing = found[index]
            assert (drawing.key_id, drawing.recognized) == (key_id, known)
            assert [stroke.T.tolist() for stroke in drawing.strokes] == strokes


@given(st.lists(drawings, min_size=1, max_size=4), st.data())
def test_any_cut_ends_at_a_line_or_is_refused(tmp_path_factory, given_drawings, data):
    path = tmp_path_factory.mktemp('cut') / 'x.ndjson'
    lines = [line_of('x', key_id, strokes, known) for key_id, known, strokes in given_drawings]
    content = b''.join(lines)
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    ends = np.cumsum([0, *map(len, lines)])
    if cut in ends or cut + 1 in ends:
        with NdjsonFile(path) as found:
            assert len(found) == np.searchsorted(ends, cut + 1, 'right') - 1
    else:
        with pytest.raises(InputError, match='line .* not JSON: cut or corrupt'):
            NdjsonFile(path)


def test_empty_lines_and_a_byte_order_mark(tmp_path):
    path = tmp_path / 'x.ndjson'
    line = line_of('x', 7, [[[1], [2]]])
    path.write_bytes(b'\xef\xbb\xbf' + line + b'\n\r\n' + line.rstrip())
    with NdjsonFile(path) as found:
        assert found.key_ids.tolist() == [7, 7]
        assert found[1].strokes[0].tolist() == [[1, 2]]


GOOD = line_of('x', 7, [[[1], [2]]])


@pytest.mark.parametrize(
    ('line', 'reason'),
    [
        (b'{', 'not JSON'),
        (b'\xff\xfe', 'not JSON'),
        (b'[' * 100_000, 'not JSON'),
        (b'1' * 5000, 'not JSON object|not JSON'),
        (b'[]', 'not a JSON object'),
        (b'{}', 'key_id'),
        (GOOD.replace(b'"7"', b'7.5'), 'key_id is not a whole number'),
        (GOOD.replace(b'"7"', b'-7'), 'key_id is not a whole number'),
        (GOOD.replace(b'"7"', b'1e16'), 'key_id is not a whole number'),
        (GOOD.replace(b'"7"', b'true'), 'key_id is not a whole number'),
        (GOOD.replace(b'"7"', b'"-7"'), 'key_id'),
        (GOOD.replace(b'"7"', b'"99999999999999999999"'), 'key_id'),
        (GOOD.replace(b'"7"', b'"' + b'1' * 5000 + b'"'), 'key_id'),
        (GOOD.replace(b'true', b'"yes"'), 'recognized'),
        (GOOD.replace(b'[[[1],[2]]]', b'{}'), 'drawing is not a list'),
        (GOOD.replace(b'"word":"x"', b'"word":"dog"'), "a drawing of 'dog', not of 'x'"),
        (GOOD.replace(b'"word":"x"', b'"word":3'), 'word is not text'),
        (b'"' + b'x' * LONGEST, 'longer than'),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, reason):
    path = tmp_path / 'x.ndjson'
    path.write_bytes(GOOD + GOOD + line + b'\n' + GOOD)
    with pytest.raises(InputError, match=f'x.ndjson: line 3: .*({reason}).*; fetch'):
        NdjsonFile(path, 'x')


@pytest.mark.parametrize('number', ['7', '7.0', '"7"', '18446744073709551615'])
def test_a_key_id_may_have_become_a_number(tmp_path, number):
    path = tmp_path / 'x.ndjson'
    path.write_bytes(GOOD.replace(b'"7"', number.encode()))
    with NdjsonFile(path) as found:
        assert found[0].key_id == found.key_ids[0] == int(number.strip('"').removesuffix('.0'))


@pytest.mark.parametrize(
    ('strokes', 'reason'),
    [
        ([[[1, 2], [3]]], 'differ in length'),
        ([[[1], [2]], [[1], [2], [3]]], 'some strokes have times'),
        ([[[1]]], 'neither x and y'),
        ([[1, 2]], 'not made of lists'),
        ([[[256], [0]]], 'a whole number, 0 to 255'),
        ([[[0.5], [0]]], 'a whole number, 0 to 255'),
        ([[['1'], [0]]], 'not a number'),
        ([[[True], [0]]], 'not a number'),
        ([[[float('nan')], [0], [0]]], 'not a number'),
        ([[[10**400], [0], [0]]], 'not a number'),
        ([[[0] * POINTS] * 3, [[1]] * 3], 'more than'),
    ],
)
def test_broken_strokes_are_named(tmp_path, strokes, reason):
    path = tmp_path / 'x.ndjson'
    path.write_bytes(GOOD + line_of('x', 8, strokes))
    with NdjsonFile(path) as found:
        assert found[0].key_id == 7
        with pytest.raises(InputError, match=f'x.ndjson: line 2: .*{reason}.*; fetch'):
            found[1]


def test_memory_does_not_grow_with_the_drawings(tmp_path):
    def peak(lines):
        path = tmp_path / f'{lines}.ndjson'
        line = line_of('x', 7, [[list(range(200)), list(range(200))]])
        path.write_bytes(line * lines)
        tracemalloc.start()
        try:
            with NdjsonFile(path) as found:
                assert len(found) == lines
                found[lines - 1]
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(500), peak(4000)  # 1.6 and 6.5 MB on disk
    assert many - few < 3500 * 60

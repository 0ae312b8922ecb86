"""The parser, against records written by hand and by an encoder of the test's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch.data import quickdraw
from sketch.data.quickdraw import FormatError, decode, record_offsets

# key_id 0x0102030405060708, US, recognized, timestamp 0x58C6F6A0, two strokes: a line of two
# points (1, 3) (2, 4), a dot at (255, 0).
BY_HAND = bytes.fromhex('0807060504030201 5553 01 a0f6c658 0200 0200 0102 0304 0100 ff 00')


def encode(key_id, country, recognized, timestamp, strokes):
    """Write a record byte by byte, with none of the project's constants."""
    out = key_id.to_bytes(8, 'little') + country + bytes([recognized])
    out += timestamp.to_bytes(4, 'little') + len(strokes).to_bytes(2, 'little')
    for stroke in strokes:
        out += len(stroke).to_bytes(2, 'little')
        out += bytes(x for x, _ in stroke) + bytes(y for _, y in stroke)
    return out


byte = st.integers(0, 255)
records = st.tuples(
    st.integers(0, 2**64 - 1),
    st.binary(min_size=2, max_size=2),
    st.booleans(),
    st.integers(0, 2**32 - 1),
    st.lists(st.lists(st.tuples(byte, byte), max_size=20), max_size=6),
)


def test_record_written_by_hand():
    assert record_offsets(BY_HAND).tolist() == [0]
    drawing = decode(BY_HAND, 0)
    assert (drawing.key_id, drawing.recognized) == (0x0102030405060708, True)
    assert [stroke.tolist() for stroke in drawing.strokes] == [[[1, 3], [2, 4]], [[255, 0]]]


@given(st.lists(records, max_size=5))
def test_round_trip(drawings):
    content = b''.join(encode(*drawing) for drawing in drawings)
    offsets = record_offsets(content)
    assert len(offsets) == len(drawings)
    for offset, (key_id, _, recognized, _, strokes) in zip(offsets, drawings):
        got = decode(content, int(offset))
        assert (got.key_id, got.recognized) == (key_id, recognized)
        assert [[tuple(p) for p in s.tolist()] for s in got.strokes] == strokes


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_any_cut_ends_at_a_record_or_is_refused(drawings, data):
    parts = [encode(*drawing) for drawing in drawings]
    content = b''.join(parts)
    boundaries = {0, *np.cumsum([len(part) for part in parts]).tolist()}
    cut = data.draw(st.integers(0, len(content)))
    if cut in boundaries:
        record_offsets(content[:cut])
    else:
        with pytest.raises(FormatError) as refused:
            record_offsets(content[:cut], 'x.bin')
        record = max(i for i, b in enumerate(sorted(boundaries)) if b < cut)
        assert f'x.bin: record {record}, at byte {sorted(boundaries)[record]},' in str(
            refused.value
        )


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_any_mutation_parses_whole_or_is_refused(drawings, data):
    content = bytearray(b''.join(encode(*drawing) for drawing in drawings))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(byte)
    content = bytes(content)
    try:
        offsets = record_offsets(content)
    except FormatError:
        return
    ends = [*offsets[1:].tolist(), len(content)]
    for offset, end in zip(offsets.tolist(), ends):
        drawing = decode(content, offset)
        assert end - offset == 17 + sum(2 + 2 * len(stroke) for stroke in drawing.strokes)


def test_file_gives_drawings_by_index(tmp_path):
    path = tmp_path / 'x.bin'
    path.touch()
    with quickdraw.DrawingFile(path) as drawings:
        assert len(drawings) == len(drawings.key_ids) == 0
    ids = [5, 2**64 - 1, 5]
    path.write_bytes(b''.join(encode(i, b'DE', 0, 1, [[(7, 8)]]) for i in ids))
    with quickdraw.DrawingFile(path) as drawings:
        assert len(drawings) == 3
        assert drawings.key_ids.tolist() == ids
        assert drawings[1].key_id == ids[1]
        assert drawings[2].strokes[0].tolist() == [[7, 8]]


def test_real_files(real_drawings):
    with quickdraw.DrawingFile(real_drawings / 'official' / 'bed.bin') as drawings:
        (drawing,) = (drawings[i] for i in range(len(drawings)))
    assert (drawing.key_id, drawing.recognized) == (4897919444451328, True)
    assert len(drawing.strokes) == 6
    for path in (real_drawings / 'wide').glob('*.bin'):
        with quickdraw.DrawingFile(path) as drawings:
            assert len(drawings) == (10 if path.stem == 'zigzag' else 25)
            assert all(len(drawings[i].strokes) > 0 for i in range(len(drawings)))

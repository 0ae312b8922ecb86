"""Reads QuickDraw `.bin` files: finds the offset of each drawing and decodes only those asked for.

A file is a sequence of records without header or separator. All numbers are little-endian:
key_id uint64, country code 2 bytes, recognized int8, timestamp uint32 (seconds since 1970),
number of strokes uint16; then for each stroke its number of points uint16, that many x and
that many y, uint8 each. (Source: the data set's own description of its binary files.)
"""

import mmap
import struct
from array import array
from itertools import repeat

import numpy as np

from sketch.data.drawing import Drawing
from sketch.errors import InputError

HEADER = struct.Struct('<Q2sbIH')
RECOGNIZED = 10  # its place in the header
STROKE = struct.Struct('<H')


class FormatError(InputError):
    """A `.bin` file whose last record is cut."""

    def __init__(self, name, record, offset, size):
        super().__init__(
            f'{name}: record {record}, at byte {offset}, runs past the end of the file ({size} '
            'bytes): the file is cut or corrupt, fetch it again'
        )

    # A worker process passes an exception on as its class and message.
    def __reduce__(self):
        return InputError, self.args


def record_offsets(buffer, name='buffer'):
    """Return the byte offset of every record, in file order.

    Args:
        buffer: the whole file, bytes or mmap.
        name: of the file, for errors.

    Returns:
        int64 array (records,).

    Raises:
        FormatError: the last record is cut.
    """
    size = len(buffer)
    # A record's counts are 16-bit numbers, an even number of bytes apart. The file is viewed as
    # 16-bit items twice: from byte 0 and from byte 1. One of the views holds all counts of a
    # record, so each stroke costs one lookup. ('H' is the machine's byte order; TensorFlow's wheels
    # exist for little-endian machines only.)
    content = memoryview(buffer)
    views = [content[start : size - (size - start) % 2].cast('H') for start in (0, 1)]
    offsets = array('q')
    offset = 0
    # Indexing checks every read against the end: a count that leads outside raises IndexError at
    # the next read, or leaves the last offset beyond `size`.
    try:
        while offset < size:
            offsets.append(offset)
            half, odd = divmod(offset + HEADER.size, 2)
            counts = views[odd]
            for _ in repeat(None, counts[half - 1]):
                half += 1 + counts[half]
            offset = 2 * half + odd
    except IndexError:
        offset = size + 1
    if offset > size:
        raise FormatError(name, len(offsets) - 1, offsets[-1], size)
    return np.array(offsets, np.int64)


def decode(buffer, offset):
    """Return the Drawing at one of the offsets that record_offsets returned for this buffer."""
    key_id, _country, recognized, _timestamp, strokes = HEADER.unpack_from(buffer, offset)
    offset += HEADER.size
    lines = []
    for _ in range(strokes):
        (points,) = STROKE.unpack_from(buffer, offset)
        offset += STROKE.size
        lines.append(
            np.frombuffer(buffer, np.uint8, 2 * points, offset).reshape(2, points).T.copy()
        )
        offset += 2 * points
    return Drawing(key_id, bool(recognized), lines)


class DrawingFile:
    """A `.bin` file, memory-mapped; use as a context manager.

    Attributes:
        offsets: int64 array (drawings,), of the first byte of each record.
        key_ids: uint64 array (drawings,), in file order; some may repeat.
        recognized: bool array (drawings,), whether the game recognized the drawing.

    Raises:
        FormatError: the file is cut or corrupt.
    """

    def __init__(self, path):
        with open(path, 'rb') as file:
            # An empty file is valid and has no drawings; mmap refuses it.
            empty = file.seek(0, 2) == 0
            self._buffer = b'' if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.offsets = record_offsets(self._buffer, path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._buffer:
            self._buffer.close()

    def __len__(self):
        return len(self.offsets)

    def __getitem__(self, index):
        return decode(self._buffer, int(self.offsets[index]))

    @property
    def key_ids(self):
        """The first field of every record."""
        content = np.frombuffer(self._buffer, np.uint8)
        return content[self.offsets[:, np.newaxis] + np.arange(8)].view('<u8')[:, 0]

    @property
    def recognized(self):
        """The byte after the country code of every record."""
        return np.frombuffer(self._buffer, np.uint8)[self.offsets + RECOGNIZED] != 0

"""Reads QuickDraw `.ndjson` files, simplified or raw: one drawing per line, as a JSON object.

A file may be compressed: `.ndjson.gz`.

`word` is the category, `key_id` the number as text, `drawing` a list of strokes. In a simplified
file a stroke is [[x, ...], [y, ...]], in whole numbers from 0 to 255. In a raw file it also has a
list of times, and numbers of any size; its drawings are simplified here. The strokes tell which of
the two a file is, not its name. (Source: the data set's own description.)

Files are read line by line. In memory stay 25 bytes per drawing.
"""

import gzip
import json
import unicodedata
import zlib
from array import array
from pathlib import Path

import numpy as np

from sketch.data.drawing import Drawing, key_id_of, points_of
from sketch.data.simplify import simplify
from sketch.errors import InputError

LONGEST = 2_000_000  # bytes of a line; usual ones have 500 to 50,000
POINTS = 20_000  # of a raw drawing; usual ones have 50 to 1,000
FETCH = 'fetch the file again'
NOT_GZIP = (gzip.BadGzipFile, zlib.error, EOFError)


class NdjsonFile:
    """A `.ndjson` or `.ndjson.gz` file; use as a context manager.

    Taking drawings in their order is faster: to go back, a compressed file is read anew.

    Args:
        path: of the file.
        category: the word that every line has; None takes any.

    Attributes:
        key_ids: uint64 array (drawings,), in file order; some may repeat.
        recognized: bool array (drawings,), whether the game recognized the drawing.

    Raises:
        InputError: the file and the number of a line that is not such an object.
    """

    def __init__(self, path, category=None):
        self._path, self._category = Path(path), category
        self._file = _opened(path)
        self._offsets, key_ids, recognized = array('q'), array('Q'), array('b')
        self._lines = array('q')  # numbers of the lines, for errors
        try:
            offset = 0
            for number, line in enumerate(iter(self._next_line, b''), 1):
                if line.strip():
                    entry = self._parsed(line, number)
                    self._offsets.append(offset)
                    self._lines.append(number)
                    key_ids.append(key_id_of(entry['key_id']))
                    recognized.append(entry['recognized'])
                offset += len(line)
        except BaseException:
            self._file.close()
            raise
        self.key_ids = np.array(key_ids, np.uint64)
        self.recognized = np.array(recognized, bool)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __len__(self):
        return len(self._offsets)

    def __getitem__(self, index):
        number = self._lines[index]
        self._file.seek(self._offsets[index])
        entry = self._parsed(self._next_line(), number)
        try:
            strokes = [points_of(stroke) for stroke in entry['drawing']]
        except ValueError as error:
            raise self._error(number, error) from None
        kinds = {len(stroke) for stroke in entry['drawing']}
        if kinds == {3}:
            if sum(map(len, strokes)) > POINTS:
                raise self._error(number, f'more than {POINTS} points')
            strokes = simplify(strokes)
        elif kinds == {2}:
            strokes = [self._simplified(stroke, number) for stroke in strokes]
        elif kinds:
            raise self._error(number, 'some strokes have times, others have none')
        return Drawing(int(self.key_ids[index]), bool(self.recognized[index]), strokes)

    def _next_line(self):
        try:
            return self._file.readline(LONGEST + 1)
        except NOT_GZIP:
            raise InputError(f'{self._path}: cut, or not compressed by gzip; {FETCH}') from None

    def _parsed(self, line, number):
        """Return the object of a line, after a check of all but its strokes."""
        if len(line) > LONGEST:
            raise self._error(number, f'longer than {LONGEST} bytes')
        try:
            entry = json.loads(line.decode('utf-8-sig' if number == 1 else 'utf-8'))
        except (ValueError, RecursionError):
            raise self._error(number, 'not JSON: cut or corrupt') from None
        if not isinstance(entry, dict):
            raise self._error(number, 'not a JSON object')
        if key_id_of(entry.get('key_id')) is None:
            raise self._error(number, 'key_id is not a whole number')
        if not isinstance(entry.get('recognized'), bool):
            raise self._error(number, 'recognized is neither true nor false')
        if not isinstance(entry.get('drawing'), list):
            raise self._error(number, 'drawing is not a list of strokes')
        word = entry.get('word')
        if not isinstance(word, str):
            raise self._error(number, 'word is not text')
        if self._category is not None and _composed(word) != _composed(self._category):
            raise self._error(number, f'a drawing of {word[:50]!r}, not of {self._category!r}')
        return entry

    def _simplified(self, stroke, number):
        points = stroke.astype(np.uint8)
        if not np.array_equal(points, stroke):
            raise self._error(number, 'a simplified coordinate is not a whole number, 0 to 255')
        return points

    def _error(self, number, reason):
        return InputError(f'{self._path}: line {number}: {reason}; {FETCH}')


def is_raw(path):
    """Return whether the first stroke of a file has times. A corrupt file is not raw."""
    with _opened(path) as file:
        try:
            stroke = json.loads(file.readline(LONGEST + 1))['drawing'][0]
        except (ValueError, RecursionError, LookupError, TypeError, *NOT_GZIP):
            return False
    return isinstance(stroke, list) and len(stroke) == 3


def _opened(path):
    return gzip.open(path, 'rb') if Path(path).suffix == '.gz' else open(path, 'rb')


def _composed(text):
    return unicodedata.normalize('NFC', text)

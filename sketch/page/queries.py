"""Checks what the page asks for: a drawing or a test image, the order, and how many answers."""

import json
from typing import NamedTuple

from sketch.data.drawing import points_of
from sketch.errors import InputError
from sketch.metrics.ranking import DISTANCES

BYTES = 512 * 1024  # of a request
STROKES, POINTS = 500, 10_000  # of a drawing
TOP = 200  # answers
FIELDS = ('strokes', 'index', 'distance', 'class_first', 'top')


class Asked(NamedTuple):
    """A query of the page, checked."""

    strokes: list  # of float64 (points, 2) arrays of x, y; None if the query is a test image
    index: int  # of a test image; None if the query is a drawing
    distance: str
    class_first: bool
    top: int


def read(body, images):
    """Return the Asked of a request's body.

    Args:
        body: bytes, JSON: an object with `strokes`, a list of strokes [[x, ...], [y, ...]], or with
            `index`; and with any of `distance`, `class_first`, `top`. Coordinates may have any
            unit and place. There is no canvas that a stroke could leave: what all points span is
            the drawing.
        images: how many test images there are.

    Raises:
        InputError: the reason, without anything of what was sent.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError('the request is not JSON') from None
    if not isinstance(asked, dict) or not set(asked) <= set(FIELDS):
        raise InputError(f'give a JSON object with some of: {", ".join(FIELDS)}')
    if ('strokes' in asked) == ('index' in asked):
        raise InputError('give either strokes or an index')
    distance = asked.get('distance', DISTANCES[0])
    if distance not in DISTANCES:
        raise InputError(f'distance: one of {", ".join(DISTANCES)}')
    class_first = asked.get('class_first', False)
    if not isinstance(class_first, bool):
        raise InputError('class_first: true or false')
    top = _whole('top', asked.get('top', 24), range(1, TOP + 1))
    if 'index' in asked:
        index = _whole('index', asked['index'], range(images))
        return Asked(None, index, distance, class_first, top)
    return Asked(_strokes(asked['strokes']), None, distance, class_first, top)


def _whole(name, value, allowed):
    if type(value) is not int or value not in allowed:
        raise InputError(f'{name}: a whole number from {allowed[0]} to {allowed[-1]}')
    return value


def _strokes(given):
    """Return the strokes of a request as arrays."""
    if not isinstance(given, list) or not 1 <= len(given) <= STROKES:
        raise InputError(f'strokes: a list of 1 to {STROKES} strokes')
    try:
        strokes = [points_of(stroke) for stroke in given]
    except ValueError as error:
        raise InputError(f'strokes: {error}') from None
    if not all(len(stroke) == 2 and stroke[0] for stroke in given):
        raise InputError('strokes: each is two lists, x and y, of at least 1 number')
    if sum(map(len, strokes)) > POINTS:
        raise InputError(f'strokes: {POINTS} points at most')
    return strokes

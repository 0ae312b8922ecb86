"""A drawing, whatever it was read from, and the checks of what JSON and CSV files say of one."""

import re
from typing import NamedTuple

import numpy as np

FURTHEST = 1e6  # of a coordinate from 0


class Drawing(NamedTuple):
    """One drawing. Each stroke is a (points, 2) uint8 array of x, y; y grows downwards."""

    key_id: int
    recognized: bool
    strokes: list


def key_id_of(value):
    """Return the key_id that a text or a number stands for, 0 to 2**64 - 1; None for another value.

    Other programs make a number of it. One with a point is exact up to 2**53, and None beyond.
    """
    text = str(value) if type(value) in (int, float) else value
    found = re.fullmatch(r'([0-9]{1,20})(\.0)?', text) if isinstance(text, str) else None
    if found is None or int(found[1]) >= (2**53 if found[2] else 2**64):
        return None
    return int(found[1])


def points_of(stroke):
    """Return the x and y of a stroke that was JSON, float64 (points, 2).

    Args:
        stroke: [[x, ...], [y, ...]], with or without a list of times.

    Raises:
        ValueError: it is anything else, a list is shorter than another, or a coordinate is no
            number or too far from 0. The reason quotes nothing of it.
    """
    if not isinstance(stroke, list) or not all(isinstance(axis, list) for axis in stroke):
        raise ValueError('a stroke is not made of lists')
    if len(stroke) not in (2, 3):
        raise ValueError('a stroke has neither x and y, nor x, y and times')
    if len({len(axis) for axis in stroke}) != 1:
        raise ValueError("a stroke's lists differ in length")
    for value in stroke[0] + stroke[1]:
        # Not a bool, which is a kind of int; NaN is in no range.
        if type(value) not in (int, float) or not -FURTHEST <= value <= FURTHEST:
            raise ValueError('a coordinate is not a number of usual size')
    return np.array(stroke[:2], float).reshape(2, -1).T

"""Simplifies strokes as the data set does: raw points of any size -> a few points in 0..255.

The data set's own description gives the steps: move the drawing to the corner, scale its longer
side to 255, resample each stroke at a distance of 1 pixel, and drop points that are within 2 pixels
of the line between two others (Ramer-Douglas-Peucker). Coordinates are rounded last.
"""

import numpy as np

SIDE = 255  # of a simplified drawing
SPACING = 1.0  # pixels between the points of a resampled stroke
SMALLEST = 1e-300  # longer side of a drawing that is more than a dot, in any unit
TOLERANCE = 2.0  # pixels between a dropped point and the line that replaces it


def simplify(strokes):
    """Return strokes as a simplified file has them: (points, 2) uint8 arrays of x, y.

    Args:
        strokes: (points, 2 or more) arrays of x, y in any unit, y downwards; other columns are
            ignored. Numbers must be finite. A stroke without points is left out.

    Returns:
        list of arrays in the order of `strokes`; empty if there are no points.
    """
    strokes = [np.asarray(stroke, float)[:, :2] for stroke in strokes if len(stroke)]
    if not strokes:
        return []
    points = np.concatenate(strokes)
    corner = points.min(axis=0)
    longer = (points.max(axis=0) - corner).max()
    # A side that is next to nothing is that of a dot: its scale would be infinite.
    scale = SIDE / max(longer, SMALLEST)
    return [
        np.rint(_without_straight(_resampled((stroke - corner) * scale))).astype(np.uint8)
        for stroke in strokes
    ]


def _resampled(stroke):
    """Return points of a stroke at equal distances along it, and its last point.

    Between two raw points a stroke is straight. Of the points there only the outermost can be
    furthest from a line, so the others are left out: the time goes by the number of raw points,
    whatever the length of the stroke.
    """
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    steps = along / SPACING
    places = SPACING * np.unique(np.concatenate([np.floor(steps), np.ceil(steps)]))
    places = np.append(places[places < along[-1]], along[-1])
    return np.stack([np.interp(places, along, axis) for axis in stroke.T], axis=1)


def _without_straight(stroke):
    """Return the first and last point and those that keep the line within TOLERANCE of all."""
    keep = np.zeros(len(stroke), bool)
    keep[[0, -1]] = True
    parts = [(0, len(stroke) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        distances = _from_line(stroke[first + 1 : last], stroke[first], stroke[last])
        furthest = int(distances.argmax())
        if distances[furthest] > TOLERANCE:
            middle = first + 1 + furthest
            keep[middle] = True
            parts += [(first, middle), (middle, last)]
    return stroke[keep]


def _from_line(points, start, end):
    """Return the distance of points from the line through two others, or from one if they agree."""
    direction = end - start
    length = np.hypot(*direction)
    offset = points - start
    if length == 0:
        return np.hypot(*offset.T)
    return np.abs(offset[:, 0] * direction[1] - offset[:, 1] * direction[0]) / length

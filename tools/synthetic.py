"""Makes synthetic drawings of 12 categories, as `.bin` files of the official layout.

    python -m tools.synthetic --out demo --drawings 150

`make demo` and the tests need drawings that come with the code. Each category is drawn in several
ways with trembling lines. Some categories differ by one stroke only (a circle, a donut, a clock):
their outlines are not enough to classify them. Leaves OUT/files/<category>.bin and
OUT/categories.txt.
"""

from pathlib import Path

import numpy as np

from sketch import atomic, command_line
from sketch.data import quickdraw

TREMBLE = 0.02  # standard deviation of a point; a drawing is about 2 wide
TURN = 0.15  # standard deviation of the rotation, radians


def arc(x=0.0, y=0.0, rx=1.0, ry=1.0, start=0.0, turn=1.0, points=16):
    """Part of an ellipse, angles in turns, y downwards."""
    angle = 2 * np.pi * np.linspace(start, start + turn, points)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def path(*corners):
    """Straight lines through corners, each with an extra point in its middle."""
    corners = np.array(corners, float)
    middles = (corners[:-1] + corners[1:]) / 2
    return np.insert(corners, np.arange(1, len(corners)), middles, axis=0)


def box(left, top, right, bottom):
    """A rectangle in one stroke."""
    return path((left, top), (right, top), (right, bottom), (left, bottom), (left, top))


def ring(random, **shape):
    """A ring that starts anywhere, turns either way, and does not quite close."""
    turn = random.choice([-1, 1]) * random.uniform(0.94, 1.04)
    return arc(start=random.uniform(), turn=turn, **shape)


def maybe(strokes, random, share):
    """Strokes that a share of the drawings has."""
    return strokes if random.uniform() < share else []


def circle(random):
    """One ring, sometimes drawn twice."""
    return [ring(random) for _ in range(1 + (random.uniform() < 0.2))]


def donut(random):
    """A ring in a ring, some with sprinkles."""
    hole = random.uniform(0.25, 0.5)
    drops = [path(p, p + random.normal(0, 0.06, 2)) for p in arc(rx=0.72, ry=0.72, points=6)]
    return [ring(random), ring(random, rx=hole, ry=hole), *maybe(drops, random, 0.4)]


def clock(random):
    """A ring with two hands, some with marks."""
    hands = [
        path((0, 0), length * np.array([np.cos(a), np.sin(a)]))
        for length, a in zip((0.5, 0.8), random.uniform(0, 2 * np.pi, 2))
    ]
    marks = [path(0.82 * p, 0.95 * p) for p in arc(points=13)[:12:3]]
    return [ring(random), *hands, *maybe(marks, random, 0.5)]


def smiley_face(random):
    """A ring with eyes and a mouth."""
    eye = random.uniform(0.04, 0.12)
    eyes = [ring(random, x=x, y=-0.3, rx=eye, ry=eye, points=6) for x in (-0.35, 0.35)]
    return [ring(random), *eyes, arc(y=0.1, rx=0.5, ry=0.4, start=0.02, turn=0.46, points=9)]


def sun(random):
    """A small ring with rays."""
    rays = arc(points=int(random.integers(7, 13)))[:-1]
    return [ring(random, rx=0.5, ry=0.5), *(path(0.62 * ray, 1.1 * ray) for ray in rays)]


def square(random):
    """Four sides, in one stroke or in four."""
    if random.uniform() < 0.6:
        return [box(-1, -1, 1, 1)]
    corners = box(-1, -1, 1, 1)[::2]
    return [path(a, b) for a, b in zip(corners, corners[1:])]


def envelope(random):
    """A rectangle with a flap, some with the folds below."""
    folds = [path((-1, 0.65), (-0.2, 0)), path((1, 0.65), (0.2, 0))]
    flap = path((-1, -0.65), (0, random.uniform(0, 0.25)), (1, -0.65))
    return [box(-1, -0.65, 1, 0.65), flap, *maybe(folds, random, 0.4)]


def door(random):
    """A tall rectangle with a knob, some with panels."""
    knob = ring(random, x=0.35, y=0.1, rx=0.07, ry=0.07, points=6)
    panels = [box(-0.35, -0.8, 0.2, -0.1), box(-0.35, 0.2, 0.2, 0.85)]
    return [box(-0.55, -1, 0.55, 1), knob, *maybe(panels, random, 0.4)]


def house(random):
    """A square under a roof, with a door, some with a window."""
    roof = path((-1, -0.2), (0, -1), (1, -0.2))
    window = box(0.25, 0.05, 0.6, 0.4)
    walls = box(-0.8, -0.2, 0.8, 1)
    entrance = path((-0.3, 1), (-0.3, 0.4), (0.1, 0.4), (0.1, 1))
    return [walls, roof, entrance, *maybe([window], random, 0.5)]


def triangle(random):
    """Three sides, the tip not always in the middle."""
    return [path((-1, 0.8), (random.uniform(-0.4, 0.4), -0.9), (1, 0.8), (-1, 0.8))]


def tent(random):
    """A triangle with an opening, some with a second side."""
    side = path((0, -0.8), (0.9, -0.6), (1.4, 0.6), (0.9, 0.8))
    opening = path((-0.25, 0.8), (0, random.uniform(-0.4, 0)), (0.25, 0.8))
    return [triangle(random)[0], opening, *maybe([side], random, 0.4)]


def star(random):
    """Five points, crossed in one stroke or as an outline."""
    tips = arc(start=-0.25, points=6)
    if random.uniform() < 0.6:
        return [path(*tips[[0, 2, 4, 1, 3, 0]])]
    inner = arc(rx=0.42, ry=0.42, start=-0.15, points=6)
    return [path(*np.stack([tips, inner], axis=1).reshape(-1, 2)[:11])]


DRAWN = circle, clock, donut, door, envelope, house, smiley_face, square, star, sun, tent, triangle
CATEGORIES = {function.__name__.replace('_', ' '): function for function in DRAWN}


def drawing(category, random):
    """Return one drawing's strokes: (points, 2) uint8 arrays, moved and scaled to 0..255."""
    strokes = [np.asarray(stroke, float) for stroke in CATEGORIES[category](random)]
    angle = random.normal(0, TURN)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.diag(random.uniform(0.75, 1.25, 2))
    strokes = [
        (stroke + random.normal(0, TREMBLE, stroke.shape)) @ (stretch @ turn) for stroke in strokes
    ]
    # As Google simplifies drawings: move to the corner, scale the longer side to 255.
    corners = np.concatenate(strokes)
    scale = 255 / np.ptp(corners, axis=0).max()
    return [np.rint((stroke - corners.min(axis=0)) * scale).astype(np.uint8) for stroke in strokes]


def encode(key_id, strokes):
    """Return the record of one drawing, bytes."""
    record = [quickdraw.HEADER.pack(key_id, b'ZZ', 1, 0, len(strokes))]
    for stroke in strokes:
        record += [quickdraw.STROKE.pack(len(stroke)), stroke.T.tobytes()]
    return b''.join(record)


def main(argv=None):
    """Parse the command line and write the files."""
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    place = command_line.output_folder
    add('--out', type=place, default=Path('demo'), help='folder that receives files/')
    add('--drawings', type=command_line.positive_int, default=150, help='per category')
    add('--seed', type=command_line.natural_int, default=0, help='of every random choice')
    options = arguments.parse_args(argv)
    folder = options.out / 'files'
    folder.mkdir(parents=True, exist_ok=True)
    for number, category in enumerate(CATEGORIES):
        random = np.random.default_rng([options.seed, number])
        key_ids = random.integers(2**52, 2**53, options.drawings)
        records = [encode(int(key_id), drawing(category, random)) for key_id in key_ids]
        atomic.write_bytes(folder / f'{category}.bin', b''.join(records))
    atomic.write_text(options.out / 'categories.txt', '\n'.join(CATEGORIES) + '\n')
    print(f'{folder}: {len(CATEGORIES)} categories of {options.drawings} drawings')


if __name__ == '__main__':
    command_line.run(main)

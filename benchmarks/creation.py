"""Time and memory of data set creation at full scale, beside the paper's method in the same run.

    python -m benchmarks --only creation-large --files files

Takes the drawings of --files (any QuickDraw `.bin` files; without it synthetic drawings) and
repeats them in a temporary file of up to 145,000 drawings, Google's average.
The paper's method is written out below: decode every drawing of the file with struct, keep 1050,
draw with OpenCV, reduce with Lanczos, save as PNG. Needs opencv-python-headless
(requirements-dev.txt). The files lie in TMPDIR: the speed of its disk counts.
"""

import random
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measuring import has_peer, in_new_process, megabytes, seconds
from benchmarks.samples import quiet
from sketch.data import builder, quickdraw, raster
from sketch.data.selection import Selection
from sketch.errors import InputError
from sketch.reporting.speeds import Row
from tools import synthetic

TRAIN, TEST, SIZE = 1000, 50, 128
PAPER = "the paper's method"


def check(files):
    """Raise InputError if a folder for --files has no drawings."""
    if files and not any(files.glob('*.bin')):
        raise InputError(f'{files}: no .bin files; leave out --files for synthetic drawings')


def write_file(path, files, drawings):
    """Write a `.bin` file of so many drawings, which repeats others under new key_ids.

    Args:
        path: of the file.
        files: Path of a folder of `.bin` files with the others, or None for synthetic ones.
        drawings: how many.
    """
    records = []
    with tempfile.TemporaryDirectory() as folder:
        if not files:
            files = Path(folder) / 'files'
            with quiet():
                synthetic.main(['--out', folder])
        for source in sorted(files.glob('*.bin')):
            content = source.read_bytes()
            ends = [*quickdraw.record_offsets(content, source).tolist(), len(content)]
            records += [content[a + 8 : b] for a, b in zip(ends, ends[1:])]
    with open(path, 'wb') as file:
        for key_id in range(drawings):
            file.write(struct.pack('<Q', (1 << 62) + key_id) + records[key_id % len(records)])


def paper_decode(path):
    """Return (key_id, strokes) of every drawing, one struct call a field, as the paper does."""
    drawings = []
    with open(path, 'rb') as file:
        while header := file.read(17):
            key_id, _, _, _, strokes = struct.unpack('<Q2sbIH', header)
            lines = []
            for _ in range(strokes):
                (points,) = struct.unpack('<H', file.read(2))
                x = struct.unpack(f'{points}B', file.read(points))
                y = struct.unpack(f'{points}B', file.read(points))
                lines.append((x, y))
            drawings.append((key_id, lines))
    return drawings


def paper_draw(strokes):
    import cv2

    canvas = np.full((256, 256), 255, np.uint8)
    for x, y in strokes:
        for i in range(len(x) - 1):
            cv2.line(canvas, (x[i], y[i]), (x[i + 1], y[i + 1]), 0, 3)
    return Image.fromarray(canvas).resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def paper_category(path, folder):
    """The paper's method, from one file to its PNGs."""
    chosen = random.sample(paper_decode(path), TRAIN + TEST)
    for part, drawings in (('training', chosen[:TRAIN]), ('testing', chosen[TRAIN:])):
        (folder / part).mkdir(parents=True)
        for key_id, strokes in drawings:
            paper_draw(strokes).save(folder / part / f'{key_id}.png')


def chosen_drawings(path):
    """Ours: find every record, decode the chosen ones only."""
    with quickdraw.DrawingFile(path) as drawings:
        distinct = np.unique(drawings.key_ids, return_index=True)[1]
        chosen = np.random.default_rng(0).choice(distinct, TRAIN + TEST, replace=False)
        return [drawings[index] for index in chosen]


def our_category(path, folder):
    return builder.build_category(path.stem, path, Selection(TRAIN, TEST, 0), folder, SIZE)


def reduce_and_save(canvases, folder):
    """What every method has to do: reduce each drawing with Lanczos, and save it as PNG."""
    for number, canvas in enumerate(canvases):
        image = canvas.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        image.save(folder / f'{number}.png', compress_type=zlib.Z_RLE)


def fill(function, source):
    """Let a function fill a new folder; return the most memory that was resident."""
    with tempfile.TemporaryDirectory() as folder:
        function(source, Path(folder))
    return megabytes()


def measure(drawings, files=None):
    """Yield Rows of one category, from a file of so many drawings to its images, on one core."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'category.bin'
        write_file(path, files, drawings)
        what = f'{drawings:,} {"real" if files else "synthetic"} drawings'
        decoded = seconds(chosen_drawings, path), seconds(paper_decode, path), None
        yield Row(f'choose and decode {TRAIN + TEST:,} of {what}', 's', *decoded, PAPER)
        papers = seconds(fill, paper_category, path) if has_peer('cv2') else None
        canvases = [raster.draw(each.strokes, raster.CANVAS) for each in chosen_drawings(path)]
        built = seconds(fill, our_category, path), papers, seconds(fill, reduce_and_save, canvases)
        title = f'a category: {TRAIN + TEST:,} images of {what}'
        yield Row(title, 's', *built, PAPER, 'Lanczos and PNG')
        yield Row(f'a category of {what}: memory', 'MB', in_new_process(fill, our_category, path))

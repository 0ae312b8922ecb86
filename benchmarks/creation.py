"""Time and memory of data set creation at full scale, beside the paper's method in the same run.

    python -m benchmarks.creation --files files

Takes the drawings of --files (any QuickDraw `.bin` files; without it synthetic drawings) and
repeats them, under new key_ids, in temporary files of 145,000 drawings each, Google's average. The
paper's method is written out below: decode every drawing of the file with struct, keep 1050, draw
with OpenCV, reduce with Lanczos, save as PNG. Needs opencv-python-headless (requirements-dev.txt).
The files lie in TMPDIR: the speed of its disk counts.
"""

import contextlib
import io
import json
import random
import struct
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

import create_dataset
from benchmarks.measuring import REPEATS, has_peer, in_new_process, peak_megabytes, seconds
from benchmarks.rows import Row, collect, table
from sketch import command_line
from sketch.data import builder, quickdraw, raster
from sketch.data.selection import Selection
from sketch.errors import InputError
from tools import synthetic

DRAWINGS, TRAIN, TEST, SIZE = 145_000, 1000, 50, 128
BUILT = 8  # categories


def check(files):
    """Raise InputError if a folder for --files has no drawings."""
    if files and not any(files.glob('*.bin')):
        raise InputError(f'{files}: no .bin files; leave out --files for synthetic drawings')


@contextlib.contextmanager
def sources(files):
    """Give a list of `.bin` files and the word for their drawings, until the block ends.

    Args:
        files: Path of a folder with them, or None for synthetic drawings.
    """
    check(files)
    with tempfile.TemporaryDirectory() as folder:
        if not files:
            with contextlib.redirect_stdout(io.StringIO()):
                synthetic.main(['--out', folder])
        yield (
            sorted((files or Path(folder) / 'files').glob('*.bin')),
            ('real' if files else 'synthetic'),
        )


def write_file(path, sources, drawings):
    """Write a `.bin` file of so many drawings: the sources' records in turn, new key_ids."""
    records = []
    for source in sources:
        content = source.read_bytes()
        ends = [*quickdraw.record_offsets(content, source).tolist(), len(content)]
        records += [content[a + 8 : b] for a, b in zip(ends, ends[1:])]
    with open(path, 'wb') as file:
        for key_id in range(drawings):
            file.write(struct.pack('<Q', (1 << 62) + key_id) + records[key_id % len(records)])


def write_ndjson(path, binary):
    """Write the drawings of a `.bin` file as simplified `.ndjson`, of the category path.stem."""
    about = {'word': path.stem, 'countrycode': 'US', 'timestamp': '2017-03-06 14:25:13.61 UTC'}
    with quickdraw.DrawingFile(binary) as drawings, open(path, 'w') as file:
        for index in range(len(drawings)):
            drawing = drawings[index]
            strokes = [stroke.T.tolist() for stroke in drawing.strokes]
            entry = {**about, 'recognized': True, 'key_id': str(drawing.key_id), 'drawing': strokes}
            file.write(json.dumps(entry, separators=(',', ':')) + '\n')


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


def choose_and_decode(path):
    """Ours: find every record, decode the chosen ones only."""
    with quickdraw.DrawingFile(path) as drawings:
        distinct = np.unique(drawings.key_ids, return_index=True)[1]
        for index in np.random.default_rng(0).choice(distinct, TRAIN + TEST, replace=False):
            drawings[index]


def our_category(path, folder, train=TRAIN, test=TEST):
    return builder.build_category(path.stem, path, Selection(train, test, 0), folder, SIZE)


def in_new_folder(function, path, *arguments):
    """Time a function that fills a folder, in a fresh one each time."""

    def call():
        with tempfile.TemporaryDirectory() as folder:
            function(path, Path(folder), *arguments)

    return seconds(call)


def read_once(path):
    with open(path, 'rb', buffering=0) as file:
        while file.read(1 << 20):
            pass


def breakdown(path):
    """Return {stage: seconds} of one category's images."""
    spent = dict.fromkeys(('open and walk', 'distinct key_ids', 'decode', 'draw'), 0.0)
    spent |= dict.fromkeys(('Lanczos', 'PNG'), 0.0)
    clock = time.perf_counter

    def lap(stage, since):
        spent[stage] += clock() - since
        return clock()

    with tempfile.TemporaryDirectory() as folder:
        then = clock()
        with quickdraw.DrawingFile(path) as drawings:
            then = lap('open and walk', then)
            distinct = np.unique(drawings.key_ids, return_index=True)[1]
            chosen = np.random.default_rng(0).choice(distinct, TRAIN + TEST, replace=False)
            then = lap('distinct key_ids', then)
            for index in chosen:
                drawing = drawings[index]
                then = lap('decode', then)
                image = raster.draw(drawing.strokes, raster.CANVAS)
                then = lap('draw', then)
                image = image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
                then = lap('Lanczos', then)
                image.save(Path(folder) / f'{drawing.key_id}.png', compress_type=zlib.Z_RLE)
                then = lap('PNG', then)
    return spent


def worker_megabytes(path):
    """Build one category in this process; return the most memory that was resident in it."""
    with tempfile.TemporaryDirectory() as folder:
        our_category(path, Path(folder))
    return peak_megabytes()


def build(files, categories, workers):
    quiet = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as out,
        contextlib.redirect_stdout(quiet),
        contextlib.redirect_stderr(quiet),
    ):
        create_dataset.construct_from_scratch(
            files=files, categories=categories, out=out, classes=BUILT, workers=workers
        )


def measure(drawings=DRAWINGS, files=None):
    """Yield Rows of one category, from a file of so many drawings to its images, on one core."""
    with sources(files) as (found, kind), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'category.bin'
        write_file(path, found, drawings)
        what, names = f'{drawings:,} {kind} drawings', ("the paper's method", 'Lanczos and PNG')
        yield Row(
            f'choose and decode {TRAIN + TEST:,} of {what}',
            *('s', seconds(choose_and_decode, path), seconds(paper_decode, path), None),
            names[0],
        )
        has_opencv = has_peer('cv2', 'opencv-python-headless', 'requirements-dev.txt')
        papers = in_new_folder(paper_category, path) if has_opencv else None
        least = min(spent['Lanczos'] + spent['PNG'] for spent in map(breakdown, [path] * REPEATS))
        ours = in_new_folder(our_category, path)
        yield Row(
            f'a category: {TRAIN + TEST:,} images of {what}', 's', ours, papers, least, *names
        )
        yield Row(f'a category of {what}: memory', 'MB', in_new_process(worker_megabytes, path))


def measure_stages(path):
    """Yield Rows of the parts of the work on one file."""
    yield Row('read the file once', 's', seconds(read_once, path))
    yield Row('walk all records', 's', seconds(quickdraw.record_offsets, path.read_bytes()))
    for stage, spent in breakdown(path).items():
        yield Row(f'a category: {stage}', 's', spent)


def measure_scaling(files):
    """Yield Rows of larger files, more images and more workers.

    Args:
        files: Path of a folder; it has a file of DRAWINGS drawings per category, `category N.bin`.
    """
    path = files / 'category 0.bin'
    for factor in (1, 2, 4):
        larger = files / f'{factor}.bin'
        write_file(larger, [path], factor * DRAWINGS)
        walked = seconds(quickdraw.record_offsets, larger.read_bytes())
        yield Row(f'{factor * DRAWINGS:,} drawings: walk', 's', walked)
        megabytes = in_new_process(worker_megabytes, larger)
        yield Row(f'{factor * DRAWINGS:,} drawings: memory of a worker', 'MB', megabytes)
    for factor in (1, 2, 4):
        train, test = factor * TRAIN, factor * TEST
        took = in_new_folder(our_category, path, train, test)
        yield Row(f'a category: {train + test:,} images', 's', took)
    names = files / 'categories.txt'
    names.write_text(''.join(f'category {number}\n' for number in range(BUILT)))
    for workers in (1, 2):
        took = seconds(build, files, names, workers)
        yield Row(f'{BUILT} categories, workers: {workers}', 's', took)


def measure_ndjson(files):
    """Yield Rows of simplified `.ndjson` files, from which larger ones need hardly more memory."""
    for factor in (1, 4):
        drawings = factor * DRAWINGS // 4
        binary = files / 'quarter.bin'
        write_file(binary, [files / 'category 0.bin'], drawings)
        path = binary.with_suffix('.ndjson')
        write_ndjson(path, binary)
        what = f'{drawings:,} drawings as .ndjson'
        yield Row(f'{what}: a category', 's', in_new_folder(our_category, path))
        yield Row(f'{what}: memory of a worker', 'MB', in_new_process(worker_megabytes, path))


def every_row(files):
    yield from measure(DRAWINGS, files)
    with sources(files) as (found, _), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number in range(BUILT):
            write_file(folder / f'category {number}.bin', found, DRAWINGS)
        yield from measure_stages(folder / 'category 0.bin')
        yield from measure_scaling(folder)
        yield from measure_ndjson(folder)


def main():
    arguments = command_line.parser(__doc__)
    arguments.add_argument('--files', type=Path, metavar='FOLDER', help='.bin files')
    print(table(collect(every_row(arguments.parse_args().files))))


if __name__ == '__main__':
    command_line.run(main)

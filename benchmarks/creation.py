"""Time and memory of data set creation at full scale, beside the paper's method in the same run.

    python -m benchmarks.creation --files files

Takes the drawings of --files (any QuickDraw `.bin` files) and repeats them, under new key_ids, in
temporary files of 145,000 drawings each, Google's average. The paper's method is written out
below: decode every drawing of the file with struct, keep 1050, draw with OpenCV, reduce with
Lanczos, save as PNG. Needs opencv-python-headless (requirements-dev.txt).
"""

import argparse
import contextlib
import io
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
import create_dataset
from sketch.data import builder, quickdraw, raster

DRAWINGS, TRAIN, TEST, SIZE = 145_000, 1000, 50, 128
BUILT = 8  # categories
REPEATS = 3  # the fastest counts; other processes only add time


def seconds(function, *arguments):
    """Return the shortest of a few runs, and what the last one returned."""
    shortest = float('inf')
    for _ in range(REPEATS):
        started = time.perf_counter()
        result = function(*arguments)
        shortest = min(shortest, time.perf_counter() - started)
    return shortest, result


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
    return builder.build_category(path.stem, path.parent, folder, train, test, SIZE, 0)


def in_new_folder(function, path, *arguments):
    """Time a function that fills a folder, in a fresh one each time."""

    def call():
        with tempfile.TemporaryDirectory() as folder:
            function(path, Path(folder), *arguments)

    return seconds(call)[0]


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
    """Return the most memory resident in a process that builds one category."""
    # ru_maxrss would be that of this process, which the new one starts as.
    code = (
        'import re, sys, tempfile; from pathlib import Path\n'
        'from sketch.data.builder import build_category; p = Path(sys.argv[1])\n'
        'with tempfile.TemporaryDirectory() as folder:\n'
        f'    build_category(p.stem, p.parent, Path(folder), {TRAIN}, {TEST}, {SIZE}, 0)\n'
        'print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1))'
    )
    command = [sys.executable, '-c', code, str(path)]
    kilobytes = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    return int(kilobytes) / 1024


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


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--files', type=Path, default=Path('files'))
    sources = sorted(arguments.parse_args().files.glob('*.bin'))
    with tempfile.TemporaryDirectory() as temporary:
        files = Path(temporary)
        for number in range(BUILT):
            write_file(files / f'category {number}.bin', sources, DRAWINGS)
        path = files / 'category 0.bin'

        print(f'One file, {DRAWINGS} drawings, {path.stat().st_size / 1e6:.1f} MB (one core):')
        reading = seconds(read_once, path)[0]
        content = path.read_bytes()
        walk = seconds(quickdraw.record_offsets, content)[0]
        ours, papers = seconds(choose_and_decode, path)[0], seconds(paper_decode, path)[0]
        print(f'  read it once {reading:.3f} s, walk all records {walk:.3f} s')
        print(f'  choose and decode {TRAIN + TEST}: {ours:.3f} s; decode all, the paper: ', end='')
        print(f'{papers:.2f} s; ratio {papers / ours:.1f}')
        ours, papers = in_new_folder(our_category, path), in_new_folder(paper_category, path)
        print(f'  file to {TRAIN + TEST} PNGs: {ours:.2f} s; the paper: {papers:.2f} s; ', end='')
        print(f'ratio {papers / ours:.1f}')
        stages = breakdown(path)
        print('  of which', ', '.join(f'{name} {spent:.2f} s' for name, spent in stages.items()))

        print('The file grows:')
        for factor in (1, 2, 4):
            larger = files / f'{factor}.bin'
            write_file(larger, sources, factor * DRAWINGS)
            walked = seconds(quickdraw.record_offsets, larger.read_bytes())[0]
            print(f'  {factor * DRAWINGS} drawings: walk {walked:.3f} s, ', end='')
            print(f'worker {worker_megabytes(larger):.0f} MB resident at most')
        print('The choice grows:')
        for factor in (1, 2, 4):
            counts = factor * TRAIN, factor * TEST
            took = in_new_folder(our_category, path, *counts)
            print(f'  {sum(counts)} images: {took:.2f} s')

        names = files / 'categories.txt'
        names.write_text(''.join(f'category {number}\n' for number in range(BUILT)))
        one, two = (seconds(build, files, names, workers)[0] for workers in (1, 2))
        print(f'{BUILT} categories, one worker {one:.2f} s, two {two:.2f} s; ratio {one / two:.2f}')


if __name__ == '__main__':
    main()

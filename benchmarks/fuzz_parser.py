"""Feeds mutated files to the parser: each parses whole or raises the one documented error.

    python -m benchmarks.fuzz_parser --buffers 200000

Every buffer is a few synthetic drawings with bytes changed, inserted, removed, repeated or cut
off, by a seed. Whatever parses is decoded too, and has to cover the buffer exactly.
"""

import argparse
import time
from collections import Counter

import numpy as np

from sketch.data import quickdraw
from tools import synthetic


def mutate(random, content):
    """Return the content with one to four mutations."""
    content = bytearray(content)
    for _ in range(random.integers(1, 5)):
        at, length = int(random.integers(len(content))), int(random.integers(1, 20))
        injury = random.integers(6)
        if injury == 0:
            content[at] = random.integers(256)
        elif injury == 1:
            content[at : at + 2] = random.bytes(2)
        elif injury == 2:
            del content[at : at + length]
        elif injury == 3:
            content[at:at] = random.bytes(length)
        elif injury == 4:
            content[at:at] = content[at : at + 10 * length]
        else:
            del content[at:]
        if not content:
            break
    return bytes(content)


def outcome(content):
    """Return 'whole' or 'refused'; anything else is a defect and raises."""
    try:
        offsets = quickdraw.record_offsets(content)
    except quickdraw.FormatError:
        return 'refused'
    ends = [*offsets[1:].tolist(), len(content)]
    for offset, end in zip(offsets.tolist(), ends):
        strokes = quickdraw.decode(content, offset).strokes
        assert end - offset == 17 + sum(2 + 2 * len(stroke) for stroke in strokes)
    return 'whole'


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--buffers', type=int, default=200_000)
    arguments.add_argument('--seed', type=int, default=0)
    options = arguments.parse_args()
    random = np.random.default_rng(options.seed)
    names = list(synthetic.CATEGORIES)
    files = [
        b''.join(
            synthetic.encode(k, synthetic.drawing(names[k % 12], random))
            for k in range(count % 4 + 1)
        )
        for count in range(100)
    ]
    started = time.monotonic()
    counts = Counter(outcome(mutate(random, files[i % len(files)])) for i in range(options.buffers))
    print(f'{options.buffers} buffers in {time.monotonic() - started:.0f} s: {dict(counts)}')


if __name__ == '__main__':
    main()

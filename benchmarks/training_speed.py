"""Compares train.py with the bare step: images/s with input, summaries and checkpoints.

    python -m benchmarks.training_speed --net n1 --batch-size 64

Trains for 22 steps on synthetic drawings at 128x128, reads images/s of the 20 after the first from
TensorBoard's events, and times the bare step (step_speed.py) after it.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The first one warms up, hooks.SUMMARY_STEPS follow; one more, since a summary may read the step's
# number before it is counted.
STEPS = 22


def run(*command):
    command = [sys.executable, *map(str, command)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def trained_speed(folder):
    """Return images/s of the last summary that tells it."""
    from sketch.tensorflow_setup import tf

    speeds = [
        value.simple_value
        for path in sorted(Path(folder).rglob('events.*'))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == 'images_per_second'
    ]
    return speeds[-1]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--net', choices=['n1', 'n2'], default='n1')
    arguments.add_argument('--batch-size', type=int, default=64)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        run('-m', 'tools.synthetic', '--out', data, '--drawings', 60)
        files = ['--files', data / 'files', '--categories', data / 'categories.txt']
        run('create_dataset.py', *files, '--out', data, '--classes', 12, '--train', 50, '--test', 1)
        epochs = (STEPS + 0.5) * options.batch_size / 600  # rounded down
        common = ['--data', data, '--checkpoints', data, '--results', data / 'results.csv']
        batch = ['--net', options.net, '--batch-size', options.batch_size]
        run('train.py', *common, *batch, '--epochs', epochs, '--measure', 'test')
        print(f'train.py: {trained_speed(data):.1f} images/s')
    print(run('-m', 'benchmarks.step_speed', *batch, '--steps', 10).strip())


if __name__ == '__main__':
    main()

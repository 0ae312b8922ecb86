"""Compares train.py with the bare step, and with PyTorch: images/s, in float32 and mixed precision.

    python -m benchmarks.training_speed --net n1 --batch-size 64
    python -m benchmarks.training_speed --net n2 --batch-size 64 --precision float32 mixed --torch

For each precision, train.py takes 22 steps on synthetic drawings at 128x128 with input, summaries
and checkpoints. Its images/s of the 20 steps after the first come from TensorBoard's events. Then
the bare step (step_speed.py) and PyTorch's (torch_step.py) take 10. Medians count.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from sketch.networks.registry import TITLES

ROOT = Path(__file__).resolve().parent.parent
# The first one warms up, hooks.SUMMARY_STEPS follow; one more, since a summary may read the step's
# number before it is counted.
STEPS = 22


def run(*command):
    command = [sys.executable, *map(str, command)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def make_data(folder):
    """Make a data set of 12 categories x 50 training images in a folder."""
    run('-m', 'tools.synthetic', '--out', folder, '--drawings', 60)
    files = ['--files', folder / 'files', '--categories', folder / 'categories.txt']
    size = ['--classes', 12, '--train', 50, '--test', 1]
    run('create_dataset.py', *files, '--out', folder, *size)


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
    arguments.add_argument('--net', choices=TITLES, default='n1')
    arguments.add_argument('--batch-size', type=int, default=64)
    arguments.add_argument(
        '--precision', nargs='+', choices=['float32', 'mixed'], default=['float32']
    )
    arguments.add_argument('--torch', action='store_true', help="PyTorch's step too")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        make_data(data)
        epochs = (STEPS + 0.5) * options.batch_size / 600  # rounded down
        for precision in options.precision:
            same = ['--net', options.net, '--batch-size', options.batch_size]
            same += ['--precision', precision]
            place = ['--data', data, '--checkpoints', data / precision]
            place += ['--results', data / 'results.csv']
            run('train.py', *place, *same, '--epochs', epochs, '--measure', 'test')
            speed = trained_speed(data / precision)
            print(f'train.py, {options.net}, {precision}: {speed:.1f} images/s', flush=True)
            for benchmark in ['step_speed'] + ['torch_step'] * options.torch:
                printed = run('-m', f'benchmarks.{benchmark}', *same, '--steps', 10)
                print(printed.strip(), flush=True)


if __name__ == '__main__':
    main()

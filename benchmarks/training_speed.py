"""Compares train.py with the bare step, and with PyTorch: images/s, in float32 and mixed precision.

    python -m benchmarks.training_speed --net n1 --batch-size 64
    python -m benchmarks.training_speed --net n2 --batch-size 64 --precision float32 mixed --torch

For each precision, train.py takes 22 steps on synthetic drawings at 128x128 with input, summaries
and checkpoints. Its images/s of the 20 steps after the first come from TensorBoard's events. Then
the bare step (step_speed.py) and PyTorch's (torch_step.py) take 10. Medians count.
"""

import argparse
import contextlib
import io
import tempfile
from pathlib import Path

import create_dataset
import train
from benchmarks import steps
from benchmarks.measuring import in_new_process
from benchmarks.rows import Row, collect, table
from benchmarks.step_speed import Step, speed
from sketch.networks.registry import NETWORKS
from tools import synthetic

# The first one warms up, hooks.SUMMARY_STEPS follow; one more, since a summary may read the step's
# number before it is counted.
STEPS = 22
CATEGORIES, PER_CATEGORY = 12, 50  # training images


def train_on_synthetic(net, batch_size, precision):
    """Train as train.py does in this process, quietly; return images/s."""
    quiet = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(quiet),
        contextlib.redirect_stderr(quiet),
    ):
        data = Path(folder)
        synthetic.main(['--out', folder, '--drawings', str(PER_CATEGORY + 10)])
        source = {'files': data / 'files', 'categories': data / 'categories.txt'}
        numbers = {'classes': CATEGORIES, 'train': PER_CATEGORY, 'test': 1}
        create_dataset.construct_from_scratch(**source, out=data, **numbers)
        flags = {
            **{'--data': data, '--checkpoints': data, '--results': data / 'results.csv'},
            **{'--net': net, '--batch-size': batch_size, '--precision': precision},
            # Rounded down to whole steps.
            '--epochs': (STEPS + 0.5) * batch_size / (CATEGORIES * PER_CATEGORY),
            '--measure': 'test',
        }
        train.main([str(part) for flag in flags.items() for part in flag])
        return trained_speed(data)


def trained_speed(folder):
    """Return images/s of the last summary that tells it."""
    from sketch.backend.setup import tf

    speeds = [
        value.simple_value
        for path in sorted(Path(folder).rglob('events.*'))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == 'images_per_second'
    ]
    return speeds[-1]


def measure(net, batch_size=64, precisions=('float32',), with_torch=False):
    """Yield a Row for each precision: train.py, PyTorch's step, and the bare step as the limit."""
    for precision in precisions:
        ours = in_new_process(train_on_synthetic, net, batch_size, precision)
        step = Step(net, batch_size=batch_size, steps=10, precision=precision)
        bare = in_new_process(speed, step).images
        peer = steps.torch_speed(step) if with_torch else None
        names = 'PyTorch' if with_torch else '', 'the bare step'
        yield Row(f'train.py: {step.title()}', 'images/s', ours, peer and peer.images, bare, *names)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--net', choices=NETWORKS, default='n1')
    arguments.add_argument('--batch-size', type=int, default=64)
    arguments.add_argument(
        '--precision', nargs='+', choices=['float32', 'mixed'], default=['float32']
    )
    arguments.add_argument('--torch', action='store_true', help="PyTorch's step too")
    options = arguments.parse_args()
    measured = measure(options.net, options.batch_size, options.precision, options.torch)
    print(table(collect(measured)))


if __name__ == '__main__':
    main()

"""Compares train.py with the bare step, and with PyTorch: images/s, in float32 and mixed precision.

    python -m benchmarks --only training-speed

For each network and precision, train.py takes 22 steps on synthetic drawings at 128x128 with input,
summaries and checkpoints. Its images/s of the 20 steps after the first come from TensorBoard's
events. Then the bare step (step_speed.py) and PyTorch's (torch_step.py) take 10. Medians count.
"""

import contextlib
import io
import tempfile
from pathlib import Path

import create_dataset
import train
from benchmarks import steps
from benchmarks.measuring import in_new_process
from benchmarks.step_speed import Step, speed
from sketch.networks.registry import NETWORKS
from sketch.reporting.speeds import Row
from tools import synthetic

# The first one warms up, hooks.SUMMARY_STEPS follow; one more, since a summary may read the step's
# number before it is counted.
STEPS = 22
CATEGORIES, PER_CATEGORY = 12, 50  # training images


def train_on_synthetic(net, precision):
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
            **{'--net': net, '--batch-size': steps.BATCH, '--precision': precision},
            # Rounded down to whole steps.
            '--epochs': (STEPS + 0.5) * steps.BATCH / (CATEGORIES * PER_CATEGORY),
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


def measure():
    """Yield Rows of train.py, PyTorch's step, and the bare step as the limit."""
    for net in NETWORKS:
        for precision in steps.precisions():
            ours = in_new_process(train_on_synthetic, net, precision)
            step = Step(net, batch_size=steps.BATCH, steps=10, precision=precision)
            bare = in_new_process(speed, step).images
            peer = steps.torch_speed(step)
            speeds = ours, peer and peer.images, bare
            yield Row(f'train.py: {step.title()}', 'images/s', *speeds, 'PyTorch', 'the bare step')

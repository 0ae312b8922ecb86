"""Compares train.py with the bare step, and with PyTorch: images/s, in float32 and mixed precision.

    python -m benchmarks --only training-speed

For each network and precision, train.py takes 22 steps on synthetic drawings at 128x128 with input,
summaries and checkpoints. Its images/s of the 20 steps after the first come from TensorBoard's
events. Then the bare step (step_speed.py) and PyTorch's (torch_step.py) take 10. Medians count.
"""

from benchmarks import samples
from benchmarks.measuring import in_new_process
from benchmarks.step_speed import BATCH, Step, precisions, speed, torch_speed
from sketch.networks.registry import NETWORKS
from sketch.reporting.speeds import Row

# The first one warms up, hooks.SUMMARY_STEPS follow; one more, since a summary may read the step's
# number before it is counted.
STEPS = 22
PER_CATEGORY = 50  # training images


def trained_speed(data, step):
    """Train as train.py does in this process; return images/s of the last summary that has it."""
    from sketch.backend.setup import tf

    # Rounded down to whole steps.
    epochs = (STEPS + 0.5) * BATCH / (samples.CATEGORIES * PER_CATEGORY)
    flags = '--batch-size', BATCH, '--precision', step.precision, '--epochs', epochs
    checkpoint = samples.network(data, step.net, *flags, '--measure', 'test')
    speeds = [
        value.simple_value
        for path in sorted(checkpoint.rglob('events.*'))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == 'images_per_second'
    ]
    return speeds[-1]


def measure():
    """Yield Rows of train.py, PyTorch's step, and the bare step as the limit."""
    with samples.dataset(PER_CATEGORY, 1) as data:
        for net in NETWORKS:
            for precision in precisions():
                step = Step(net, batch_size=BATCH, steps=10, precision=precision)
                ours = in_new_process(trained_speed, data, step)
                bare = in_new_process(speed, step).images
                peer = torch_speed(step)
                speeds = ours, peer and peer.images, bare
                yield Row(
                    f'train.py: {step.title()}', 'images/s', *speeds, 'PyTorch', 'the bare step'
                )

"""Measures images/s of a bare step of training or evaluation, and its memory.

    PLAIN_MALLOC=1 python -m benchmarks.step_speed --net n1 --batch-size 128 --steps 3
    python -m benchmarks.step_speed --net n2 --batch-size 64 --evaluate
    python -m benchmarks.step_speed --net n1 --batch-size 16 --size 256

One batch of images stays in the graph: no input, no hooks, no checkpoints. The first step warms up;
the median of the others counts. PLAIN_MALLOC=1 leaves malloc as the system has it.
"""

import time
from typing import NamedTuple

import numpy as np

from benchmarks.measuring import peak_megabytes, table
from sketch import command_line
from sketch.networks.registry import NETWORKS
from sketch.reporting.speeds import Row
from sketch.runs.settings import Default, Settings

CLASSES = Default.classes


class Step(NamedTuple):
    """What is measured; the defaults of the command line."""

    net: str = 'n1'
    filters: tuple = ()  # () for the network's own
    batch_size: int = Default.batch_size
    size: int = Default.size  # pixels
    steps: int = 5
    evaluate: bool = False
    deterministic: bool = False
    precision: str = 'float32'

    @property
    def settings(self):
        filters = self.filters or NETWORKS[self.net].widths
        return Settings(self.net, filters, CLASSES, epochs=0)

    def title(self):
        mode = 'evaluation' if self.evaluate else 'training'
        return f'{NETWORKS[self.net].title}, {mode}, {self.precision}, batch {self.batch_size}'


class Speed(NamedTuple):
    """What was measured."""

    images: float  # per second
    megabytes: float  # resident at most


def median_speed(call, step):
    """Time a function that takes one step; return its Speed."""
    call()
    times = []
    for _ in range(step.steps):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return Speed(step.batch_size / float(np.median(times)), peak_megabytes())


def rows(step, ours, peer=None, limit=None):
    """Return rows for the speed and the memory of a step.

    Args:
        step: Step.
        ours, peer: Speed; the peer is PyTorch.
        limit: images/s at the processor's rate of matrix products.
    """
    peer, title = peer or Speed(None, None), step.title()
    limit_name = 'matrix product' if limit else ''
    speeds = Row(title, 'images/s', ours.images, peer.images, limit, 'PyTorch', limit_name)
    memory = Row(f'{title}: memory', 'MB', ours.megabytes, peer.megabytes, peer_name='PyTorch')
    return [speeds, memory]


def random_batch(step):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (step.batch_size, step.size, step.size, 1), np.uint8)
    return images, random.integers(0, CLASSES, step.batch_size, np.int32)


def speed(step):
    """Measure a Step in this process, which has not used TensorFlow yet; return its Speed."""
    from sketch.backend.setup import tf  # torch_step.py imports this file without TensorFlow
    from sketch.training import precision

    images, labels = random_batch(step)
    settings = step.settings
    if step.deterministic:
        tf.config.experimental.enable_op_determinism()
        tf.keras.utils.set_random_seed(0)
    tf.compat.v1.disable_eager_execution()
    tf.compat.v1.train.get_or_create_global_step()
    modes = tf.estimator.ModeKeys
    mode = modes.PREDICT if step.evaluate else modes.TRAIN
    # In a variable, so that no part of the network is computed in advance.
    feed = tf.compat.v1.get_variable('images', initializer=tf.constant(images), trainable=False)
    spec = settings.network.model_fn(feed, tf.constant(labels), mode, settings.params)
    fetch = spec.predictions['classes'] if step.evaluate else spec.train_op
    config = precision.session_config(precision.of_this_machine(step.precision))
    with tf.compat.v1.Session(config=config) as session:
        session.run(tf.compat.v1.global_variables_initializer())
        return median_speed(lambda: session.run(fetch), step)


def main(argv=None):
    """Parse the command line, measure and print."""
    parser = command_line.parser(__doc__)
    parser.add_argument('--net', choices=NETWORKS)
    parser.add_argument('--filters', nargs='+', type=command_line.positive_int, metavar='N')
    for name, what in (('batch-size', 'images'), ('size', 'pixels'), ('steps', 'that count')):
        parser.add_argument(f'--{name}', type=command_line.positive_int, metavar='N', help=what)
    parser.add_argument('--evaluate', action='store_true', help='forward only')
    parser.add_argument('--deterministic', action='store_true', help="as train.py's")
    parser.add_argument('--precision', choices=['float32', 'mixed'], help="as train.py's")
    parser.set_defaults(**Step()._asdict())
    options = vars(parser.parse_args(argv))
    step = Step(**{**options, 'filters': tuple(options['filters'])})
    print(table(rows(step, speed(step))))


if __name__ == '__main__':
    command_line.run(main)

"""Measures images/s of a bare step of training or evaluation, and its memory.

    python -m benchmarks --only steps
    PLAIN_MALLOC=1 python -m benchmarks.step_speed --net n1 --batch-size 128 --steps 3
    python -m benchmarks.step_speed --net n2 --batch-size 64 --evaluate
    python -m benchmarks.step_speed --net n1 --batch-size 16 --size 256

One batch of images stays in the graph: no input, no hooks, no checkpoints. The first step warms up;
the median of the others counts. PLAIN_MALLOC=1 leaves malloc as the system has it.

The first command measures both networks, each step in a process of its own, beside PyTorch. The
limit is the speed at which the float32 rate of NumPy's matrix product would do all multiplications
and additions of an image. Training is also measured in mixed precision, where the processor has it.
Evaluation is float32 always.
"""

import functools
import sys
import time
from typing import NamedTuple

import numpy as np

from benchmarks.measuring import has_peer, in_new_process, megabytes, seconds
from sketch import command_line
from sketch.backend import processor
from sketch.networks.registry import NETWORKS
from sketch.reporting.speeds import Row
from sketch.runs.settings import Default, Settings

SIDE = 4096  # of the matrix product
BATCH = 64


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
        return Settings(self.net, filters, Default.classes, epochs=0)

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
    return Speed(step.batch_size / float(np.median(times)), megabytes())


def rows(step, ours, peer=None, limit=None):
    """Return rows for the Speed and the memory of a step, PyTorch's, and the limit in images/s."""
    peer, title = peer or Speed(None, None), step.title()
    limit_name = 'matrix product' if limit else ''
    speeds = Row(title, 'images/s', ours.images, peer.images, limit, 'PyTorch', limit_name)
    memory = Row(f'{title}: memory', 'MB', ours.megabytes, peer.megabytes, peer_name='PyTorch')
    return [speeds, memory]


def random_batch(step):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (step.batch_size, step.size, step.size, 1), np.uint8)
    return images, random.integers(0, Default.classes, step.batch_size, np.int32)


def speed(step):
    """Measure a Step in this process, which has not used TensorFlow yet; return its Speed."""
    from sketch.backend.setup import tf  # not in the processes of the others
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


def operations(net):
    """Return floating-point operations per image: evaluation, training.

    Counted from the shapes of the convolutions and dense layers. Training takes three times those
    of evaluation, less the gradient of the images.
    """
    from sketch.backend.setup import tf  # the rate is measured without TensorFlow

    settings = Step(net).settings
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, (1, 128, 128, 1))
        predict = tf.estimator.ModeKeys.PREDICT
        settings.network.model_fn(images, None, predict, settings.params)
        forward = []
        for operation in graph.get_operations():
            if operation.type in ('Conv2D', 'MatMul'):
                kernel = operation.inputs[1].shape
                places = operation.outputs[0].shape.num_elements() // kernel[-1]
                forward.append(2 * kernel.num_elements() * places)
    return sum(forward), 3 * sum(forward) - forward[0]


def torch_speed(step):
    """Return PyTorch's Speed of a Step; None without PyTorch or the network in it."""
    return in_new_process(_torch_speed, step) if has_peer('torch') else None


def _torch_speed(step):
    from benchmarks import torch_step  # loads PyTorch

    if step.net not in torch_step.BODIES:
        return None
    return median_speed(torch_step.prepared(step, *random_batch(step)), step)


@functools.cache
def precisions():
    """Return the precisions in which this processor trains: values of train.py's --precision."""
    if processor.has('avx512_bf16', 'amx_bf16'):
        return 'float32', 'mixed'
    print('no AVX512_BF16 and no AMX: mixed precision is left out', file=sys.stderr)
    return ('float32',)


def measure():
    """Yield Rows of both networks' steps."""
    square = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    rate = 2 * SIDE**3 / seconds(np.matmul, square, square, repeats=6)
    yield Row(f'NumPy, float32 matrix product, side {SIDE:,}', 'Gflop/s', rate / 1e9)
    for net in NETWORKS:
        evaluation, training = in_new_process(operations, net)
        same = Step(net, batch_size=BATCH)
        measured = [(same._replace(evaluate=True), rate / evaluation)]
        for precision in precisions():
            limit = rate / training if precision == 'float32' else None
            measured.append((same._replace(precision=precision), limit))
        for step, limit in measured:
            ours = in_new_process(speed, step)
            speeds, memory = rows(step, ours, torch_speed(step), limit)
            yield from [speeds] if step.evaluate else [speeds, memory]


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
    print(*rows(step, speed(step)), sep='\n')


if __name__ == '__main__':
    command_line.run(main)

"""Training and evaluation steps of both networks, beside PyTorch and the rate of matrix products.

    python -m benchmarks --only steps

Each step is measured in a process of its own by step_speed.py and torch_step.py. The limit is the
speed at which the float32 rate of NumPy's matrix product would do all multiplications and additions
of an image. Training is also measured in mixed precision, where the processor has it. Evaluation is
float32 always.
"""

import functools
import sys

import numpy as np

from benchmarks import step_speed
from benchmarks.measuring import has_peer, in_new_process, seconds
from sketch.backend import processor
from sketch.networks.registry import NETWORKS
from sketch.reporting.speeds import Row

SIDE = 4096
BATCH, STEPS = 64, 5


def sgemm_rate():
    """Return float32 operations per second of NumPy's matrix product, with all cores."""
    a = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    return 2 * SIDE**3 / seconds(np.matmul, a, a, repeats=6)


def operations(net):
    """Return floating-point operations per image: evaluation, training.

    Counted from the shapes of the convolutions and dense layers. Training takes three times those
    of evaluation, less the gradient of the images.
    """
    from sketch.backend.setup import tf  # the rate is measured without TensorFlow

    settings = step_speed.Step(net).settings
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
    """Return PyTorch's step_speed.Speed of a Step; None without PyTorch or the network in it."""
    if not has_peer('torch', 'PyTorch', 'requirements-benchmarks.txt'):
        return None
    return in_new_process(_torch_speed, step)


def _torch_speed(step):
    from benchmarks import torch_step  # loads PyTorch

    return torch_step.speed(step) if step.net in torch_step.BODIES else None


@functools.cache
def precisions():
    """Return the precisions in which this processor trains: values of train.py's --precision."""
    if processor.has('avx512_bf16', 'amx_bf16'):
        return 'float32', 'mixed'
    print('no AVX512_BF16 and no AMX: mixed precision is left out', file=sys.stderr)
    return ('float32',)


def measure():
    """Yield Rows of both networks' steps."""
    rate = sgemm_rate()
    yield Row(f'NumPy, float32 matrix product, side {SIDE:,}', 'Gflop/s', rate / 1e9)
    for net in NETWORKS:
        evaluation, training = in_new_process(operations, net)
        same = step_speed.Step(net, batch_size=BATCH, steps=STEPS)
        measured = [(same._replace(evaluate=True), rate / evaluation)]
        for precision in precisions():
            limit = rate / training if precision == 'float32' else None
            measured.append((same._replace(precision=precision), limit))
        for step, limit in measured:
            ours = in_new_process(step_speed.speed, step)
            speeds, memory = step_speed.rows(step, ours, torch_speed(step), limit)
            yield from [speeds] if step.evaluate else [speeds, memory]

"""Compares a measured images/s with the machine's rate of matrix products.

    python -m benchmarks.sgemm_share --net n1 --training 12.1 --evaluation 47

Counts the multiplications and additions of the network's convolutions and dense layers from the
shapes of its graph (training: three times those of evaluation, less the gradient of the images),
and divides by the float32 rate of a 4096 x 4096 x 4096 product, measured here with all cores.
"""

import argparse
import time

import numpy as np

from sketch.networks.registry import TITLES
from sketch.runs.settings import Default, Settings
from sketch.tensorflow_setup import tf

SIDE = 4096


def operations(net, filters):
    """Return floating-point operations per image: evaluation, training."""
    settings = Settings(net, filters, Default.classes, epochs=0)
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, (1, 128, 128, 1))
        predict = tf.estimator.ModeKeys.PREDICT
        settings.network.model_fn(images, None, predict, settings.params)
        forward = []
        for operation in graph.get_operations():
            if operation.type in ('Conv2D', 'MatMul'):
                *kernel, outputs = operation.inputs[1].shape.as_list()
                size = outputs
                for factor in kernel:
                    size *= factor
                places = operation.outputs[0].shape.num_elements() // outputs
                forward.append(2 * size * places)
    return sum(forward), 3 * sum(forward) - forward[0]


def sgemm_rate():
    """Return float32 operations per second of NumPy's matrix product."""
    a = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    best = float('inf')
    for _ in range(6):
        started = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - started)
    return 2 * SIDE**3 / best


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--net', choices=TITLES, default='n1')
    arguments.add_argument('--filters', nargs=4, type=int, default=Default.filters)
    arguments.add_argument('--training', type=float, help='images/s')
    arguments.add_argument('--evaluation', type=float, help='images/s')
    options = arguments.parse_args()
    evaluation, training = operations(options.net, tuple(options.filters))
    rate = sgemm_rate()
    print(f'sgemm: {rate / 1e9:.0f} Gflop/s; {options.net}: {evaluation / 1e9:.2f} Gflop an image')
    for name, count, speed in (
        ('training', training, options.training),
        ('evaluation', evaluation, options.evaluation),
    ):
        if speed:
            print(f'  {name} at {speed:g} images/s: {count * speed / rate:.0%}')


if __name__ == '__main__':
    main()

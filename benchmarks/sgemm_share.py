"""Compares images/s, measured elsewhere, with the machine's rate of matrix products.

    python -m benchmarks.sgemm_share --net n1 --training 12.1 --evaluation 47

Counts the multiplications and additions of the network's convolutions and dense layers from the
shapes of its graph (training: three times those of evaluation, less the gradient of the images),
and divides by the float32 rate of a 4096 x 4096 x 4096 product, measured here with all cores.
"""

import argparse

import numpy as np

from benchmarks.measuring import seconds
from benchmarks.rows import Row, table
from sketch.networks.registry import NETWORKS
from sketch.runs.settings import Default, Settings

SIDE = 4096


def operations(net):
    """Return floating-point operations per image: evaluation, training."""
    from sketch.backend.setup import tf  # the rate is measured without TensorFlow

    settings = Settings(net, NETWORKS[net].widths, Default.classes, epochs=0)
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
    return 2 * SIDE**3 / seconds(np.matmul, a, a, repeats=6)


def rate_row(rate):
    return Row(f'NumPy, float32 matrix product, side {SIDE:,}', 'Gflop/s', rate / 1e9)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--net', choices=NETWORKS, default='n1')
    arguments.add_argument('--training', type=float, help='images/s')
    arguments.add_argument('--evaluation', type=float, help='images/s')
    options = arguments.parse_args()
    evaluation, training = operations(options.net)
    rate = sgemm_rate()
    rows = [rate_row(rate)]
    for name, count, speed in (
        ('training', training, options.training),
        ('evaluation', evaluation, options.evaluation),
    ):
        title = f'{NETWORKS[options.net].title}, {name}, {count / 1e9:.2f} Gflop an image'
        rows.append(Row(title, 'images/s', speed, None, rate / count, '', 'matrix product'))
    print(table(rows))


if __name__ == '__main__':
    main()

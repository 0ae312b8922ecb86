"""Images per second of the bare training step, and the memory it takes.

    python benchmarks/step_speed.py --net n1 --batch-size 128 --steps 3
    PLAIN_MALLOC=1 python benchmarks/step_speed.py --net n1 --batch-size 128 --steps 3

One batch of 128x128 images stays in the graph: no input, no hooks, no checkpoints. One step warms
up. The second command leaves malloc as the system has it.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import n1
import n2
from tensorflow_setup import tf


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--net', choices=['n1', 'n2'], default='n1')
    arguments.add_argument('--batch-size', type=int, default=128)
    arguments.add_argument('--steps', type=int, default=3)
    options = arguments.parse_args()
    shape = (options.batch_size, 128, 128, 1)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    params = {'classes': 100, 'filters': n1.FILTERS, 'learning_rate': 0.001}
    params['batch_norm_momentum'] = 0.99
    tf.compat.v1.disable_eager_execution()
    tf.compat.v1.train.get_or_create_global_step()
    labels = tf.zeros(options.batch_size, tf.int32)
    model_fn = {'n1': n1, 'n2': n2}[options.net].model_fn
    spec = model_fn(tf.constant(images), labels, tf.estimator.ModeKeys.TRAIN, params)
    with tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(spec.train_op)
        started = time.perf_counter()
        for _ in range(options.steps):
            session.run(spec.train_op)
        seconds = (time.perf_counter() - started) / options.steps
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f'{options.net}, batch {options.batch_size}: {seconds:.2f} s a step, '
        f'{options.batch_size / seconds:.1f} images/s, {most:.0f} MB resident at most'
    )


if __name__ == '__main__':
    main()

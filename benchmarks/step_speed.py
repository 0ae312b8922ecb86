"""Measures images/s of a bare step of training or evaluation, and its memory.

    python -m benchmarks.step_speed --net n1 --batch-size 128 --steps 3
    PLAIN_MALLOC=1 python -m benchmarks.step_speed --net n1 --batch-size 128 --steps 3
    python -m benchmarks.step_speed --net n2 --batch-size 64 --evaluate
    python -m benchmarks.step_speed --net n1 --batch-size 64 --deterministic
    python -m benchmarks.step_speed --net n1 --batch-size 64 --precision mixed
    python -m benchmarks.step_speed --net n1 --batch-size 16 --size 256

One batch of images stays in the graph: no input, no hooks, no checkpoints. The first step warms up;
the median of the others counts. PLAIN_MALLOC=1 leaves malloc as the system has it.
"""

import argparse
import resource
import time

import numpy as np

from sketch.networks.registry import TITLES
from sketch.runs.settings import Default, Settings

CLASSES = Default.classes


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--net', choices=TITLES, default='n1')
    parser.add_argument('--filters', nargs=4, type=int, default=Default.filters, help="skNet's")
    parser.add_argument('--batch-size', type=int, default=Default.batch_size)
    parser.add_argument(
        '--size', type=int, default=Default.size, help='side of the images in pixels'
    )
    parser.add_argument('--steps', type=int, default=5)
    parser.add_argument('--evaluate', action='store_true', help='forward only')
    parser.add_argument('--deterministic', action='store_true', help="as train.py's")
    parser.add_argument(
        '--precision', choices=['float32', 'mixed'], default='float32', help="as train.py's"
    )
    return parser.parse_args()


def measure(step, options, name):
    """Time a step function; print seconds, images/s and memory."""
    step()
    times = []
    for _ in range(options.steps):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    seconds = float(np.median(times))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mode = 'evaluation' if options.evaluate else 'training'
    what = f'{name}, {options.net}, {mode}, {options.precision}, batch {options.batch_size}'
    print(
        f'{what}: {seconds:.2f} s a step, {options.batch_size / seconds:.1f} images/s, '
        f'{most:.0f} MB resident at most'
    )


def random_batch(batch_size, size):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (batch_size, size, size, 1), np.uint8)
    return images, random.integers(0, CLASSES, batch_size, np.int32)


def main():
    from sketch.tensorflow_setup import tf  # torch_step.py imports this file without TensorFlow
    from sketch.training import precision

    options = arguments()
    images, labels = random_batch(options.batch_size, options.size)
    settings = Settings(options.net, tuple(options.filters), CLASSES, epochs=0)
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()
        tf.keras.utils.set_random_seed(0)
    tf.compat.v1.disable_eager_execution()
    tf.compat.v1.train.get_or_create_global_step()
    modes = tf.estimator.ModeKeys
    mode = modes.PREDICT if options.evaluate else modes.TRAIN
    # In a variable, so that no part of the network is computed in advance.
    feed = tf.compat.v1.get_variable('images', initializer=tf.constant(images), trainable=False)
    spec = settings.network.model_fn(feed, tf.constant(labels), mode, settings.params)
    fetch = spec.predictions['classes'] if options.evaluate else spec.train_op
    config = precision.session_config(precision.of_this_machine(options.precision))
    with tf.compat.v1.Session(config=config) as session:
        session.run(tf.compat.v1.global_variables_initializer())
        measure(lambda: session.run(fetch), options, 'ours')


if __name__ == '__main__':
    main()

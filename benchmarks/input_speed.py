"""Measures the input pipeline alone: PNG files, as train.py reads them, and TFRecord shards.

    python -m benchmarks.input_speed --images 100000

Makes that many PNGs of 128x128 in a temporary folder (400 MB on disk), writes the same bytes into
shards, and takes batches of 64 from both, from a first start and then at full speed. The files were
just written: they come from the page cache.
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.input_memory import CATEGORIES, make_images
from benchmarks.measuring import in_new_process
from benchmarks.rows import Row, collect, table

BATCH, BATCHES, SHARDS = 64, 300, 100


def write_shards(folder):
    """Write the training images of a data set as shards, in random order, as shards need it."""
    import numpy as np

    from sketch.backend.setup import tf
    from sketch.data.dataset import open_dataset

    train = open_dataset(folder).train
    for number, part in enumerate(
        np.array_split(np.random.default_rng(0).permutation(len(train)), SHARDS)
    ):
        with tf.io.TFRecordWriter(str(folder / f'{number}.tfrecord')) as writer:
            for index in part:
                image = Path(train.paths[index].decode()).read_bytes()
                writer.write(bytes([train.labels[index]]) + image)


def read_shards(folder):
    """Return an input function like training_input_fn's, from shards."""
    from sketch.backend.setup import tf
    from sketch.data.input_pipeline import THREADS

    def decode(record):
        label = tf.io.decode_raw(tf.strings.substr(record, 0, 1), tf.uint8)[0]
        image = tf.io.decode_png(tf.strings.substr(record, 1, -1), channels=1)
        return tf.ensure_shape(image, (128, 128, 1)), tf.cast(label, tf.int32)

    def input_fn():
        shards = sorted(map(str, folder.glob('*.tfrecord')))
        records = tf.data.Dataset.from_tensor_slices(shards).shuffle(SHARDS, seed=0)
        records = records.interleave(tf.data.TFRecordDataset, cycle_length=8)
        images = records.shuffle(1000, seed=0).repeat().map(decode, THREADS)
        return images.batch(BATCH, drop_remainder=True).prefetch(2)

    return input_fn


def speed(folder, is_png):
    """Return the seconds to the first batch, of opening included, and images/s after it."""
    from sketch.backend.setup import tf
    from sketch.data.dataset import open_dataset
    from sketch.data.input_pipeline import training_input_fn
    from sketch.runs.settings import Settings

    started = time.perf_counter()
    if is_png:
        settings = Settings('n1', (64, 64, 64, 64), CATEGORIES, 1, batch_size=BATCH, seed=0)
        input_fn = training_input_fn(open_dataset(folder).train, 128, settings)
    else:
        input_fn = read_shards(folder)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        batch = tf.compat.v1.data.make_one_shot_iterator(input_fn()).get_next()
        session.run(batch)
        first = time.perf_counter() - started
        then = time.perf_counter()
        for _ in range(BATCHES):
            session.run(batch)
        return first, BATCH * BATCHES / (time.perf_counter() - then)


def measure(images):
    """Yield Rows of the time to the first batch and of the speed after it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_images(folder, images)
        in_new_process(write_shards, folder)
        png, shards = (in_new_process(speed, folder, is_png) for is_png in (True, False))
    what = f'input of {images:,} images'
    yield Row(f'{what}: first batch', 's', png[0], shards[0], None, 'TFRecord shards')
    yield Row(f'{what}: speed', 'images/s', png[1], shards[1], None, 'TFRecord shards')


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--images', type=int, default=100_000, help='training images')
    print(table(collect(measure(arguments.parse_args().images))))


if __name__ == '__main__':
    main()

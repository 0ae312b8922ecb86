"""Measures the memory that the input pipeline adds to training.

    python -m benchmarks --only input-memory

Makes PNGs of 128x128 in a temporary folder (100,000: 400 MB on disk), then takes the same training
steps twice, each in a process of its own: fed by the input pipeline, and fed one constant batch.
Measures the most private memory (not shared with other processes, not page cache) that each held,
and the difference. Linux only.
"""

import contextlib
import io
import json
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measuring import in_new_process
from sketch.reporting.speeds import Row

ROLLUP = Path('/proc/self/smaps_rollup')
BATCH, STEPS, CATEGORIES = 128, 40, 100


def make_images(folder, images):
    """Write a data set of synthetic drawings, each PNG under many names."""
    from sketch.data import raster
    from tools import synthetic

    random = np.random.default_rng(0)
    content = []
    for name in list(synthetic.CATEGORIES) * 10:
        file = io.BytesIO()
        raster.draw(synthetic.drawing(name, random)).save(file, 'PNG')
        content.append(file.getvalue())
    for label in range(CATEGORIES):
        for part, count in (('training', images // CATEGORIES), ('testing', 1)):
            category = folder / part / f'category {label}'
            category.mkdir(parents=True)
            for number in range(count):
                (category / f'{number}.png').write_bytes(content[number % len(content)])
    labels = {f'category {label}': label for label in range(CATEGORIES)}
    (folder / 'conversion_labels.json').write_text(json.dumps(labels))


def private_megabytes():
    return sum(map(int, re.findall(r'Private_\w+:\s+(\d+) kB', ROLLUP.read_text()))) / 1024


def train(folder, constant):
    """Take the steps in this process, quietly; return the most private memory after any, in MB."""
    from sketch.backend.setup import tf
    from sketch.data.dataset import open_dataset
    from sketch.data.input_pipeline import training_input_fn
    from sketch.runs.settings import Settings

    class Watch(tf.estimator.SessionRunHook):
        most = 0

        def after_run(self, context, values):
            self.most = max(self.most, private_megabytes())

    def constant_input_fn():
        images = np.full((BATCH, 128, 128, 1), 255, np.uint8)
        batch = tf.data.Dataset.from_tensors((images, np.zeros(BATCH, np.int32)))
        return batch.repeat()

    # Narrow layers save time; the step is the same for both inputs.
    settings = Settings('n1', (4, 4, 4, 4), CATEGORIES, 1, batch_size=BATCH, seed=0)
    watch, quiet = Watch(), io.StringIO()
    with (
        tempfile.TemporaryDirectory() as model_dir,
        contextlib.redirect_stdout(quiet),
        contextlib.redirect_stderr(quiet),
    ):
        if constant:
            input_fn = constant_input_fn
        else:
            input_fn = training_input_fn(open_dataset(folder).train, 128, settings)
        estimator = tf.estimator.Estimator(
            settings.network.model_fn, model_dir, params=settings.params
        )
        estimator.train(input_fn, [watch], max_steps=STEPS)
    return watch.most


def measure(images):
    """Yield Rows of the memory at so many training images; none where Linux's /proc is absent."""
    if not ROLLUP.exists():
        print(f'no {ROLLUP}: the memory of the input pipeline is left out', file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        make_images(Path(folder), images)
        pipeline, constant = (
            in_new_process(train, Path(folder), constant) for constant in (False, True)
        )
    what = f'training on {images:,} images: private memory'
    yield Row(what, 'MB', pipeline, None, constant, '', 'one constant batch')
    yield Row(f'{what} of the input pipeline', 'MB', pipeline - constant)

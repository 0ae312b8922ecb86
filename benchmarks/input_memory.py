"""Measures the memory that the input pipeline adds to training.

    python -m benchmarks --only input-memory

Makes PNGs of 128x128 in a temporary folder (100,000: 400 MB on disk), then takes the same training
steps twice, each in a process of its own: fed by the input pipeline, and fed one constant batch.
Measures the most private memory (not shared with other processes, not page cache) that each held,
and the difference. Linux only.
"""

import re
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import samples
from benchmarks.measuring import in_new_process
from sketch.reporting.speeds import Row

ROLLUP = Path('/proc/self/smaps_rollup')
BATCH, STEPS, CATEGORIES = 128, 40, 10


def private_megabytes():
    return sum(map(int, re.findall(r'Private_\w+:\s+(\d+) kB', ROLLUP.read_text()))) / 1024


def train(data, constant):
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
    model_fn, params, watch = settings.network.model_fn, settings.params, Watch()
    with tempfile.TemporaryDirectory() as model_dir, samples.quiet():
        if constant:
            input_fn = constant_input_fn
        else:
            input_fn = training_input_fn(open_dataset(data).train, 128, settings)
        estimator = tf.estimator.Estimator(model_fn, model_dir, params=params)
        estimator.train(input_fn, [watch], max_steps=STEPS)
    return watch.most


def measure(images):
    """Yield Rows of the memory at so many training images; none where Linux's /proc is absent."""
    if not ROLLUP.exists():
        print(f'no {ROLLUP}: the memory of the input pipeline is left out', file=sys.stderr)
        return
    with samples.dataset(images // CATEGORIES, 1, CATEGORIES) as data:
        pipeline, constant = (in_new_process(train, data, constant) for constant in (False, True))
    what = f'training on {images:,} images: private memory'
    yield Row(what, 'MB', pipeline, None, constant, '', 'one constant batch')
    yield Row(f'{what} of the input pipeline', 'MB', pipeline - constant)

"""Exports a checkpoint for use without this code: a SavedModel and a TensorFlow Lite file.

    python -m tools.export checkpoints_n1_10e --out exported

Fills --out with saved_model/ (signatures classify, features and, after a triplet loss, embedding),
model.tflite (the same outputs in one), labels.txt (class names in the order of the probabilities)
and MODEL_CARD.md (what it takes and gives, how it was trained, what --results measured).
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from sketch import atomic, command_line
from sketch.reporting import model_card, results
from sketch.runs import folders
from sketch.runs.settings import Default

RUNS = 20  # of a single image, for the latency


def parse_arguments(argv):
    """Return the parsed command line."""
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add('checkpoint', type=Path, metavar='CHECKPOINT', help='checkpoint folder')
    add('--out', type=Path, metavar='FOLDER', required=True, help='folder to make')
    add('--float16', action='store_true', help='also model_float16.tflite, half as large')
    command_line.add_results(arguments)
    command_line.add_unfinished(arguments)
    return arguments.parse_args(argv)


def usage(settings, signatures):
    """Return the lines of the model card that tell the names of inputs and outputs."""
    return [
        f'- Signatures of `saved_model`: {", ".join(signatures)}, all with the input `images`. '
        '`model.tflite` has all outputs.',
        *model_card.outputs(settings, '`labels.txt`'),
    ]


def latency(function):
    """Return the median milliseconds of a call."""
    times = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times[1:]))


def sizes_and_latencies(folder, size):
    """Yield a line for each exported form: its size, and its time for one image."""
    from sketch.backend.setup import tf
    from sketch.evaluation import exported

    image = np.full((1, size, size), 255, np.uint8)
    saved = folder / 'saved_model'
    features = tf.saved_model.load(str(saved)).signatures['features']
    given = tf.constant(image)
    total = sum(path.stat().st_size for path in saved.rglob('*') if path.is_file())
    yield f'{saved.name}: {total / 1e6:.1f} MB, {latency(lambda: features(images=given)):.1f} ms'
    for path in sorted(folder.glob('*.tflite')):
        run = exported.lite_runner(path)
        taken = latency(lambda run=run: run(images=image))
        yield f'{path.name}: {path.stat().st_size / 1e6:.1f} MB, {taken:.1f} ms (one thread)'


def main(argv=None):
    """Parse the command line, export, and return the Path of the folder."""
    options = parse_arguments(argv)
    with atomic.new_folder(options.out) as building:
        results.read(options.results)  # refused now rather than after the work
        export(folders.one(options.checkpoint, options.unfinished), building, options)
    print(options.out)
    return options.out


def export(folder, out, options):
    """Fill a folder with the exported forms of a checkpoint folder."""
    from sketch.evaluation import exported  # TensorFlow
    from sketch.runs.checkpoints import open_checkpoint

    checkpoint = open_checkpoint(folder)
    size = checkpoint.settings.size or Default.size
    signatures = exported.save(checkpoint, size, out / 'saved_model')
    kinds = {'model': False, **({'model_float16': True} if options.float16 else {})}
    with tempfile.TemporaryDirectory() as between:
        for name, float16 in kinds.items():
            lite = exported.to_lite(checkpoint, size, Path(between) / name, float16)
            (out / f'{name}.tflite').write_bytes(lite)
    if 'classify' in signatures and checkpoint.settings.categories:
        labels = ''.join(f'{name}\n' for name in checkpoint.settings.categories)
        (out / 'labels.txt').write_text(labels, encoding='utf-8')
    model_card.write(out, checkpoint, size, usage(checkpoint.settings, signatures), options.results)
    print(f'{checkpoint.title}; size, and time of one image (median of {RUNS}):')
    print(*sizes_and_latencies(out, size), sep='\n')


if __name__ == '__main__':
    command_line.run(main)

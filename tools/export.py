"""Exports a checkpoint for use without this code: a SavedModel and a TensorFlow Lite file.

    python -m tools.export checkpoints_n1_10e --out exported

Fills --out with saved_model/ (signatures classify, features and, after a triplet loss, embedding),
model.tflite (the same outputs in one), labels.txt (class names in the order of the probabilities)
and MODEL_CARD.md (what it takes and gives, how it was trained, what --results measured).
"""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from sketch import command_line
from sketch.errors import InputError
from sketch.evaluation import results
from sketch.networks.registry import TITLES
from sketch.runs import folders
from sketch.runs.names import number_text
from sketch.runs.settings import Default

SHOWN_SETTINGS = (
    *('filters', 'epochs', 'batch_size', 'learning_rate', 'learning_rate_decay'),
    *('batch_norm_momentum', 'loss', 'augment', 'precision', 'precise_bn', 'seed'),
)
RUNS = 20  # of a single image, for the latency
UNKNOWN = 'unknown: the checkpoint has no settings.json'


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


def card(checkpoint, size, signatures, rows):
    """Return the model card, Markdown.

    Args:
        checkpoint: checkpoints.Checkpoint.
        size: side of the images in pixels.
        signatures: names.
        rows: of results.csv, this run's.
    """
    settings = checkpoint.settings
    images = f'uint8 (n, {size}, {size}), 0 = ink, 255 = paper, any n'
    trained_on = (
        f'{settings.images:,} drawings of {settings.classes} categories, data set '
        f'{settings.content or settings.dataset}'
        if settings.images
        else UNKNOWN
    )
    lines = [
        f'# {TITLES[settings.net]}: {checkpoint.run}',
        '',
        'Classifies drawings and gives feature vectors (fc1) to compare them by. From M. Garrido, '
        '*Clasificación y búsqueda por similitud de sketches usando redes convolucionales*.',
        '',
        '## Input and output',
        '',
        f'- Input `images`: {images}. A drawing touches the left and the upper edge, its longer '
        'side fills the image, lines are about 5/256 of the side wide.',
        f'- Signatures of `saved_model`: {", ".join(signatures)}. `model.tflite` has all outputs.',
        '- `probabilities`: float32 (n, classes), in the order of `labels.txt`.'
        if 'classify' in signatures
        else '- No probabilities: a triplet loss alone does not train the classifier.',
        '- `fc1`: float32 (n, 1024), compared by Euclidean or cosine distance.',
        *(['- `embedding`: float32 of length 1.'] if 'embedding' in signatures else []),
        *(
            []
            if settings.categories
            else ['- The names of the classes are unknown: there is no `labels.txt`.']
        ),
        '',
        '## Training',
        '',
        f'- Trained on: {trained_on}.',
        f'- Steps: {checkpoint.step}.',
        *(f'- {name}: {_shown(getattr(settings, name))}' for name in SHOWN_SETTINGS),
        '',
        '## Measured',
        '',
        *_measured(rows),
        '',
        '## Licence',
        '',
        'The code is under the Apache License 2.0. The drawings of Quick, Draw! are '
        "Google's, CC BY 4.0.",
    ]
    return '\n'.join(lines) + '\n'


def _shown(value):
    if isinstance(value, tuple):
        return ' '.join(map(str, value)) or 'those of the network'
    return number_text(value) if isinstance(value, float) else str(value)


def _measured(rows):
    """Return the lines of a table of measurements."""
    if not rows:
        return ['Nothing: the results file has no rows of this run.']
    columns = ['metric', 'split', 'definition', 'distance', 'variant', 'k', 'images', 'value']
    lines = [columns, ['---'] * len(columns)]
    lines += [[*(row[name] for name in columns[:-1]), f'{float(row["value"]):.4f}'] for row in rows]
    return [f'| {" | ".join(line)} |' for line in lines]


def latency(function):
    """Return the median milliseconds of a call."""
    times = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times[1:]))


def sizes_and_latencies(folder, size):
    """Yield a line for each exported form, measured with one image."""
    from sketch.evaluation import exported
    from sketch.tensorflow_setup import tf

    image = np.full((1, size, size), 255, np.uint8)
    saved = folder / 'saved_model'
    features = tf.saved_model.load(str(saved)).signatures['features']
    given = tf.constant(image)
    total = sum(path.stat().st_size for path in saved.rglob('*') if path.is_file())
    yield f'saved_model: {total / 1e6:.1f} MB, {latency(lambda: features(images=given)):.1f} ms'
    for path in sorted(folder.glob('*.tflite')):
        run = exported.lite_runner(path)
        taken = latency(lambda run=run: run(images=image))
        yield f'{path.name}: {path.stat().st_size / 1e6:.1f} MB, {taken:.1f} ms'


def main(argv=None):
    """Parse the command line, export, and return the Path of the folder."""
    options = parse_arguments(argv)
    out = options.out
    if out.exists():
        raise InputError(f'--out {out}: exists; give another, or move it away')
    if not out.resolve().parent.is_dir():
        raise InputError(f'--out {out}: {out.resolve().parent} is no folder')
    folder = folders.one(options.checkpoint, options.unfinished)
    rows = results.read(options.results)

    from sketch.evaluation import exported  # TensorFlow
    from sketch.runs.checkpoints import open_checkpoint

    checkpoint = open_checkpoint(folder)
    size = checkpoint.settings.size or Default.size
    # Built beside it and renamed: it is whole or absent.
    building = Path(tempfile.mkdtemp(prefix=f'.{out.name}-', dir=out.resolve().parent))
    try:
        signatures = exported.save(checkpoint, size, building / 'saved_model')
        kinds = {'model': False, **({'model_float16': True} if options.float16 else {})}
        with tempfile.TemporaryDirectory() as between:
            for name, float16 in kinds.items():
                lite = exported.to_lite(checkpoint, size, Path(between) / name, float16)
                (building / f'{name}.tflite').write_bytes(lite)
        if checkpoint.settings.categories:
            labels = ''.join(f'{name}\n' for name in checkpoint.settings.categories)
            (building / 'labels.txt').write_text(labels, encoding='utf-8')
        own = [row for row in rows if row['run'] == checkpoint.run]
        text = card(checkpoint, size, signatures, own)
        (building / 'MODEL_CARD.md').write_text(text, encoding='utf-8')
        print(*sizes_and_latencies(building, size), sep='\n')
        building.chmod(0o755)
        building.rename(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    print(f'{out}: {checkpoint.title}')
    return out


if __name__ == '__main__':
    command_line.run(main)

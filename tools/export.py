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
TRIPLET_SETTINGS = ('margin', 'embedding_size', 'images_per_class')
# Of results.csv, in the card: what was measured, and where each number comes from.
MEASURED = (
    *('metric', 'split', 'definition', 'distance', 'variant', 'k', 'value'),
    *('images', 'dataset', 'time'),
)
DRAWINGS = '[Quick, Draw!](https://github.com/googlecreativelab/quickdraw-dataset)'
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


def card(checkpoint, size, signatures, rows):
    """Return the model card, Markdown.

    Args:
        checkpoint: checkpoints.Checkpoint.
        size: side of the images in pixels.
        signatures: names.
        rows: of results.csv, this checkpoint's.
    """
    settings = checkpoint.settings
    if 'classify' not in signatures:
        classes = 'No probabilities: a triplet loss alone does not train the classifier.'
    elif settings.categories:
        classes = '`probabilities`: float32 (n, classes), in the order of `labels.txt`.'
    else:
        classes = '`probabilities`: float32 (n, classes). The names of the classes are unknown.'
    lines = [
        f'# {TITLES[settings.net]}: {checkpoint.run}',
        '',
        'Classifies drawings and gives feature vectors (fc1) to compare them by. From M. Garrido, '
        '*Clasificación y búsqueda por similitud de sketches usando redes convolucionales*.',
        '',
        '## Input and output',
        '',
        f'- Input `images`: uint8 (n, {size}, {size}), 0 = ink, 255 = paper, any n, not scaled. A '
        'drawing touches the left and the upper edge, its longer side fills the image, lines are '
        'about 5/256 of the side wide, edges are smooth.',
        f'- Signatures of `saved_model`: {", ".join(signatures)}. `model.tflite` has all outputs.',
        f'- {classes}',
        '- `fc1`: float32 (n, 1024), compared by Euclidean or cosine distance.',
        *(['- `embedding`: float32 of length 1.'] if 'embedding' in signatures else []),
        '',
        '## Training',
        '',
        *_training(checkpoint),
        '',
        '## Measured',
        '',
        *_measured(checkpoint, rows),
        '',
        '## Licence',
        '',
        f"The code is under the Apache License 2.0. The drawings of {DRAWINGS} are Google's, "
        '[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/).',
    ]
    return '\n'.join(lines) + '\n'


def _training(checkpoint):
    """Return the lines about the training. Settings are told only if they are known."""
    settings = checkpoint.settings
    steps = f'- steps: {checkpoint.step}'
    if not settings.images:
        return [
            '- Training set, categories and settings are unknown: the checkpoint has no '
            f'settings.json. It has {settings.classes} classes.',
            steps,
        ]
    names = SHOWN_SETTINGS + (TRIPLET_SETTINGS if settings.has_triplets else ())
    digest = settings.content or f'{settings.dataset} (of its file names)'
    return [
        f'- {settings.images:,} drawings of {settings.classes} categories, data set {digest}',
        steps,
        *(f'- {name}: {_shown(getattr(settings, name))}' for name in names),
    ]


def _shown(value):
    if isinstance(value, tuple):
        return ' '.join(map(str, value)) or 'those of the network'
    return number_text(value) if isinstance(value, float) else str(value)


def _measured(checkpoint, rows):
    """Return the lines about the measurements."""
    if not rows:
        return ['Nothing: the results file has no rows of this checkpoint.']
    table = [MEASURED, ['---'] * len(MEASURED)]
    for row in rows:
        shown = {**row, 'value': f'{float(row["value"]):.4f}'}
        table.append([shown[column] for column in MEASURED])
    return [
        f'Rows of results.csv with run {checkpoint.run}, step {checkpoint.step}. `dataset` is the '
        'data set that was measured, empty if unknown; `time` is in UTC.',
        '',
        *(f'| {" | ".join(line)} |' for line in table),
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
    from sketch.evaluation import exported
    from sketch.tensorflow_setup import tf

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
        if 'classify' in signatures and checkpoint.settings.categories:
            labels = ''.join(f'{name}\n' for name in checkpoint.settings.categories)
            (building / 'labels.txt').write_text(labels, encoding='utf-8')
        source = {'run': checkpoint.run, 'step': str(checkpoint.step)}
        own = [row for row in rows if source.items() <= row.items()]
        text = card(checkpoint, size, signatures, own)
        (building / 'MODEL_CARD.md').write_text(text, encoding='utf-8')
        print(f'{checkpoint.title}; size, and time of one image (median of {RUNS}):')
        print(*sizes_and_latencies(building, size), sep='\n')
        building.chmod(0o755)
        building.rename(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    print(out)
    return out


if __name__ == '__main__':
    command_line.run(main)

"""The model card of a checkpoint that travels: what it takes, how it was trained, its results."""

import sys
from pathlib import Path

from sketch.networks.registry import NETWORKS, TRIPLET
from sketch.reporting import markdown, results
from sketch.runs.names import number_text

FILE = 'MODEL_CARD.md'
SHOWN_SETTINGS = (
    *('filters', 'epochs', 'batch_size', 'learning_rate', 'learning_rate_decay'),
    *('batch_norm_momentum', 'loss', 'augment', 'precision', 'precise_bn', 'seed'),
)
TRIPLET_SETTINGS = ('margin', 'embedding_size', 'images_per_class')
# Of results.csv, in the card: what was measured, and where each number comes from.
MEASURED = (
    *('metric', 'split', 'definition', 'distance', 'variant', 'k', 'value', 'low', 'high'),
    *('images', 'seen', 'dataset', 'time'),
)
_REPLACED = ('value', 'low', 'high', 'time')
CLASSIFIER_UNTRAINED = 'No probabilities: a triplet loss alone does not train the classifier.'
CARD = """\
# {title}

Classifies drawings and gives feature vectors (fc1) to compare them by. From M. Garrido, \
*Clasificación y búsqueda por similitud de sketches usando redes convolucionales*.

## Use

- Input: uint8 (n, {size}, {size}), 0 = ink, 255 = paper, any n, not scaled. A drawing touches the \
left and the upper edge, its longer side fills the image, lines are about 5/256 of the side wide, \
edges are smooth.
{usage}

## Training

{training}

## Measured

{measured}

## Licence

The code is under the Apache License 2.0. The drawings of \
[Quick, Draw!](https://github.com/googlecreativelab/quickdraw-dataset) are Google's, \
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/).
"""


def outputs(settings, names):
    """Return the lines of Markdown about a network's outputs, from its Settings.

    `names` is the place that lists the classes in the order of the probabilities.
    """
    if settings.loss == TRIPLET:
        classes = CLASSIFIER_UNTRAINED
    elif settings.categories:
        classes = f'`probabilities`: float32 (n, classes), in the order of {names}.'
    else:
        classes = '`probabilities`: float32 (n, classes). The names of the classes are unknown.'
    fc1 = '- `fc1`: float32 (n, 1024), compared by Euclidean or cosine distance.'
    embedding = '- `embedding`: float32 of length 1.'
    return [f'- {classes}', fc1, *([embedding] if settings.has_triplets else ())]


def write(folder, checkpoint, size, usage, table):
    """Write FILE, the model card, into a folder. Report on stderr if it has no measurements.

    Args:
        folder: Path.
        checkpoint: Checkpoint.
        size: side of the images in pixels.
        usage: lines of Markdown on how to use what the folder holds.
        table: results file; its rows of this checkpoint go into the card.
    """
    rows = {}  # the latest of each number: the network may have been measured under two names
    for row in results.read(table):
        if row['weights'] == checkpoint.weights:
            rows[tuple(row[column] for column in MEASURED if column not in _REPLACED)] = row
    rows = list(rows.values())
    if not rows:
        print(
            f'{table}: no row of the weights {checkpoint.weights}; {FILE} has no measurements; '
            'give the table that has them',
            file=sys.stderr,
        )
    card = CARD.format(
        title=f'{NETWORKS[checkpoint.settings.net].title}: {checkpoint.run}',
        size=size,
        usage='\n'.join(usage),
        training=_training(checkpoint),
        measured=_measured(checkpoint, rows, Path(table).name),
    )
    (folder / FILE).write_text(card, encoding='utf-8')


def _training(checkpoint):
    """Return the lines about the training. Settings are told only if they are known."""
    settings = checkpoint.settings
    about = (
        f'- {settings.images:,} drawings of {settings.classes} categories, data set '
        f'{settings.content}'
        if settings.images
        else '- Training set, categories and settings are unknown: the checkpoint has no '
        f'settings.json. It has {settings.classes} classes.'
    )
    names = SHOWN_SETTINGS + (TRIPLET_SETTINGS if settings.has_triplets else ())
    shown = [f'- {name}: {_shown(getattr(settings, name))}' for name in names]
    return '\n'.join([about, f'- steps: {checkpoint.step}', *(shown if settings.images else ())])


def _shown(value):
    if isinstance(value, tuple):
        return ' '.join(map(str, value)) or 'those of the network'
    return number_text(value) if isinstance(value, float) else str(value)


def _measured(checkpoint, rows, name):
    """Return the text about the measurements, rows of the table of that name."""
    if not rows:
        return f'Nothing: {name} has no rows of this checkpoint.'
    lines = [MEASURED]
    for row in rows:
        numbers = {name: row[name] for name in ('value', 'low', 'high') if row[name]}
        shown = {**row, **{name: f'{float(number):.4f}' for name, number in numbers.items()}}
        lines.append([shown[column] for column in MEASURED])
    return (
        f'Rows of {name} with the weights {checkpoint.weights}, which this network has. `dataset` '
        'is the data set that was measured; `seen` are images that it was trained on, empty if '
        f'unknown; `low` and `high` are 95 % limits; `time` is in UTC.\n\n'
        f'{markdown.table(lines).rstrip()}'
    )

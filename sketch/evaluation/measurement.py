"""What an evaluation returns: rows of results.csv (reporting/results.py), and the same as text."""

from typing import NamedTuple


class Measurement(NamedTuple):
    """One thing measured of a checkpoint on a split."""

    rows: list  # dicts by column
    text: str


def shared_columns(checkpoint, dataset, split):
    """Return the columns that all measurements of a checkpoint on a split share."""
    settings = checkpoint.settings
    return {
        'run': checkpoint.run,
        'net': settings.net,
        'filters': '-'.join(map(str, settings.filters)),
        'size': dataset.size,
        'batch': settings.batch_size,
        'epochs': settings.epochs,
        'step': checkpoint.step,
        'split': split.name,
        'images': len(split),
        'classes': dataset.classes,
        'dataset': dataset.digest,
        'weights': checkpoint.weights,
        'seen': checkpoint.seen(split),
        'seed': settings.seed,
    }

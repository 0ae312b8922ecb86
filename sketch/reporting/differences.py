"""Differences of mAP between checkpoints on the same queries, and the table that keeps them."""

from sketch import tables
from sketch.metrics.average_precision import DEFINITIONS
from sketch.metrics.intervals import bootstrap
from sketch.reporting import results

COLUMNS = [
    *('run', 'weights', 'variant', 'distance'),  # as in results.csv
    # What it is compared with.
    *('reference', 'reference_weights', 'reference_distance'),
    *('definition', 'k', 'difference', 'low', 'high', 'images', 'dataset', 'time'),
]

WORDS = ('variant', 'distance', 'definition')  # as in results.csv


def between(own, found, reference, found_by_reference):
    """Yield a row for each definition and k: own mAP minus the reference's.

    Args:
        own, reference: columns of the row that tell what was measured.
        found, found_by_reference: average_precision.Retrieval on the same test images.
    """
    kept = found.has_relevant
    each = found.average_precisions[kept] - found_by_reference.average_precisions[kept]
    mean, (low, high) = each.mean(axis=0), bootstrap(each)
    compared = {
        'reference': reference['run'],
        'reference_weights': reference['weights'],
        'reference_distance': reference['distance'],
    }
    for row, definition in enumerate(DEFINITIONS):
        for column, k in enumerate(found.ks):
            values = (float(value[row, column]) for value in (mean, low, high))
            yield {
                **own,
                **compared,
                **{'definition': definition, 'k': k},
                **dict(zip(('difference', 'low', 'high'), values)),
            }


def _check(row):
    """Write the numbers of a row as `cell` does; raise ValueError if a cell is corrupt."""
    tables.check_numbers(row, ('difference', 'low', 'high'), ('k', 'images'))
    tables.check_words(row, {column: results.WORDS[column] for column in WORDS})
    if not row['difference']:
        raise ValueError('difference is empty')
    tables.check_interval(row, 'difference')


TABLE = tables.Table(
    'differences',
    COLUMNS,
    ('difference', 'low', 'high', 'time'),
    _check,
    '; give another file',
)
read, check, record = TABLE.read, TABLE.check, TABLE.record

"""Differences of mAP between checkpoints on the same queries, and the table that keeps them."""

from sketch import tables
from sketch.metrics.average_precision import DEFINITIONS
from sketch.metrics.intervals import normal
from sketch.metrics.jackknife import standard_error
from sketch.reporting import results

COLUMNS = [
    *('run', 'weights', 'variant', 'distance'),  # as in results.csv
    # What it is compared with.
    *('reference', 'reference_weights', 'reference_distance'),
    *('definition', 'k', 'difference', 'low', 'high'),
    # Of which others low and high tell, as in results.csv.
    *('interval', 'images', 'dataset', 'time'),
]

WORDS = ('variant', 'distance', 'definition', 'interval')  # as in results.csv


def between(own, found, reference, found_by_reference):
    """Yield a row for each definition and k: own mAP minus the reference's.

    Args:
        own, reference: columns of the row that tell what was measured.
        found, found_by_reference: average_precision.Retrieval on the same test images.
    """
    kept = found.has_relevant
    each = found.average_precisions[kept] - found_by_reference.average_precisions[kept]
    mean = each.mean(axis=0)
    error = standard_error(found.without - found_by_reference.without, found.labels)
    compared = {
        'reference': reference['run'],
        'reference_weights': reference['weights'],
        'reference_distance': reference['distance'],
    }
    for row, definition in enumerate(DEFINITIONS):
        for column, k in enumerate(found.ks):
            difference = float(mean[row, column])
            low, high = normal(difference, error[row, column])
            values = {'difference': difference, 'low': low, 'high': high, 'interval': 'images'}
            yield {**own, **compared, 'definition': definition, 'k': k, **values}


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
    ('difference', 'low', 'high', 'interval', 'time'),
    _check,
    '; give another file',
)
read, check, record = TABLE.read, TABLE.check, TABLE.record

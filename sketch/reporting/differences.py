"""Differences of mAP between checkpoints on the same queries, and the table that keeps them."""

import datetime
from pathlib import Path

from sketch import atomic, locks, tables
from sketch.errors import InputError
from sketch.metrics.average_precision import DEFINITIONS
from sketch.metrics.intervals import bootstrap

COLUMNS = (
    *('run', 'variant', 'distance'),  # as in results.csv
    *('reference', 'reference_distance'),  # run and distance that it is compared with
    *('definition', 'k', 'difference', 'low', 'high', 'images', 'dataset', 'time'),
)
KEY = [column for column in COLUMNS if column not in ('difference', 'low', 'high', 'time')]


def between(own, found, reference, found_by_reference):
    """Yield a row for each definition and k: own mAP minus the reference's.

    Args:
        own, reference: columns of the row that tell what was measured.
        found, found_by_reference: average_precision.Retrieval on the same test images.
    """
    kept = found.has_relevant
    each = found.average_precisions[kept] - found_by_reference.average_precisions[kept]
    mean, (low, high) = each.mean(axis=0), bootstrap(each)
    compared = {'reference': reference['run'], 'reference_distance': reference['distance']}
    for row, definition in enumerate(DEFINITIONS):
        for column, k in enumerate(found.ks):
            values = (float(value[row, column]) for value in (mean, low, high))
            yield {
                **own,
                **compared,
                **{'definition': definition, 'k': k},
                **dict(zip(('difference', 'low', 'high'), values)),
            }


def read(path):
    """Return the rows of a table of differences as dicts of text; none if there is no file.

    Raises:
        InputError: the file is another table, or a cell is corrupt.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        columns, rows = tables.read(path)
    except ValueError:
        columns, rows = [], {}
    if columns != list(COLUMNS):
        raise InputError(f'{path}: not a table of differences; give another file')
    for line, row in rows.items():
        try:
            tables.check_numbers(row, ('difference', 'low', 'high'), ('k', 'images'))
            tables.check_interval(row)
        except ValueError as error:
            raise InputError(f'{path}: line {line}: {error}; correct or remove it') from None
    return list(rows.values())


def check(path):
    """Raise InputError if rows cannot be recorded in a file: not such a table, or not writable."""
    read(path)
    atomic.check_place(path, 'file for the differences')


def record(path, rows):
    """Add rows to a table of differences; a row replaces an earlier one of the same comparison."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(path.resolve().parent, 'differences', wait=True):
        table = {tuple(row[column] for column in KEY): row for row in read(path)}
        for row in rows:
            text = {column: str(row.get(column, '')) for column in COLUMNS}
            table[tuple(text[column] for column in KEY)] = {**text, 'time': now}
        tables.write(path, COLUMNS, [list(row.values()) for row in table.values()])

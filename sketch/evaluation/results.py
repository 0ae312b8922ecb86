"""The table of everything measured, results.csv: one row a number, in long form."""

import csv
import datetime
import io
from pathlib import Path

from sketch import atomic
from sketch.errors import InputError

# run: checkpoint folder; net: n1 or n2; filters: 64-64-64-64, empty for n2; size: pixels;
# batch: images; step: training steps taken; split: train or test; reading, distance, variant: of
# the mAP; k: integer; value: fraction; images, classes: of the split measured; time: UTC.
COLUMNS = [
    'run',
    'net',
    'filters',
    'size',
    'batch',
    'epochs',
    'step',
    'split',
    'metric',
    'reading',
    'distance',
    'variant',
    'k',
    'value',
    'images',
    'classes',
    'seed',
    'time',
]
IDENTITY = [column for column in COLUMNS if column not in ('value', 'time')]


def read(path):
    """Return the rows of a results file as dicts of text; none if the file does not exist.

    Raises:
        InputError: the file is not such a table.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        with open(path, encoding='utf-8', newline='') as file:
            table = csv.DictReader(file)
            columns, rows = table.fieldnames, list(table)
    except (UnicodeDecodeError, csv.Error):
        columns, rows = None, []
    if columns != COLUMNS or any(None in row or None in row.values() for row in rows):
        raise InputError(f'{path}: not a table of results (columns {",".join(COLUMNS)}); move it')
    return rows


def has(path, wanted):
    """Return whether a results file has a row with these values (a dict by column)."""
    wanted = {column: _text(value) for column, value in wanted.items()}
    return any(wanted.items() <= row.items() for row in read(path))


def record(path, rows):
    """Add rows (dicts; missing columns are empty) to a results file.

    A row that agrees with an earlier one in everything but value and time replaces it.
    """
    path = Path(path)
    now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    rows = [{column: _text(row.get(column)) for column in COLUMNS} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.exclusive(path.parent, 'writer of results', wait=True):
        table = {_identity(row): row for row in read(path)}
        for row in rows:
            table[_identity(row)] = {**row, 'time': now}
        content = io.StringIO()
        writer = csv.DictWriter(content, COLUMNS, lineterminator='\n')
        writer.writeheader()
        writer.writerows(table.values())
        atomic.write_text(path, content.getvalue())


def _identity(row):
    return tuple(row[column] for column in IDENTITY)


def _text(value):
    """Return a value as the table holds it: whole numbers without a point, others in full."""
    if value is None:
        return ''
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)

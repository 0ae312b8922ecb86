"""The table of all measurements, results.csv: one row per number."""

import datetime
from pathlib import Path

from sketch import atomic, locks, tables
from sketch.errors import InputError
from sketch.runs.names import epochs_in

COLUMNS = [
    'run',  # name of the checkpoint folder
    'net',  # n1 or n2
    'filters',  # skNet's, 64-64-64-64; empty for n2
    'size',  # pixels
    'batch',  # images
    'epochs',
    'step',  # training steps taken
    'split',  # train or test
    'metric',  # accuracy, mAP or compactness
    'definition',  # this and the next three: of the mAP
    'distance',
    'variant',
    'k',
    'value',
    'low',  # this and the next: 95 % interval of accuracy and mAP (intervals.py)
    'high',
    'interval',  # of mAP: `queries` or `images`, of which others low and high tell
    'images',  # of the split
    'classes',
    'dataset',  # digest of the data set's images
    'weights',  # digest of the network's; this and the next: empty if unknown
    'seen',  # how many of the images the network was trained on
    'seed',  # of the training
    'time',  # UTC
]
_REPLACED = ('value', 'low', 'high', 'interval', 'seen', 'time')  # by a row measured again
KEY = [column for column in COLUMNS if column not in _REPLACED]
_RUN = ('run', 'net', 'filters', 'size', 'batch', 'classes', 'dataset', 'seed')
_FRACTIONS = ('epochs', 'value', 'low', 'high')  # what the cells hold, if they are not empty
_INTEGERS = ('size', 'batch', 'step', 'k', 'images', 'classes', 'seen', 'seed')
_UP_TO_1 = ('accuracy', 'mAP')  # metrics


def read(path):
    """Return the rows of a results file as dicts of text; none if the file does not exist.

    What is unknown is empty, and equals nothing known.

    Raises:
        InputError: the file is not such a table, or a cell is corrupt.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        columns, rows = tables.read(path)
    except ValueError:
        columns, rows = ['unknown'], {}
    if not columns:
        raise InputError(f'{path}: empty; remove it')
    if columns != COLUMNS:
        raise InputError(
            f'{path}: not a table of results (columns {",".join(COLUMNS)}); move it away'
        )
    for line, row in rows.items():
        try:
            _check(row)
        except ValueError as error:
            raise InputError(
                f'{path}: line {line}, {row["run"]}: {error}; correct or remove it'
            ) from None
    return list(rows.values())


def check(path):
    """Raise InputError if rows cannot be recorded in a file: not such a table, or not writable."""
    read(path)
    atomic.check_place(path, 'file for the results')


def has(path, wanted):
    """Return whether a results file has a row with these values (a dict by column)."""
    wanted = {column: _text(value) for column, value in wanted.items()}
    return any(wanted.items() <= row.items() for row in read(path))


def record(path, rows):
    """Add rows (dicts by column; a missing column is empty) to a results file.

    A row replaces an earlier one that is equal in all columns of KEY. A row of a finished run also
    removes the rows of that run that were measured between two epochs.
    """
    if not rows:
        return
    path = Path(path)
    now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    rows = [{column: _text(row.get(column)) for column in COLUMNS} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(path.resolve().parent, 'results', wait=True):
        table = {_key(row): row for row in read(path)}
        finished = [row for row in rows if _is_finished(row)]
        table = {
            key: row
            for key, row in table.items()
            if not (_is_interruption(row) and any(_same_run(row, other) for other in finished))
        }
        for row in rows:
            table[_key(row)] = {**row, 'time': now}
        lines = [[row[column] for column in COLUMNS] for row in table.values()]
        tables.write(path, COLUMNS, lines)


def print_and_record(path, measured):
    """Print and record each Measurement as soon as it is measured; return all their rows."""
    rows = []
    for value in measured:
        print(value.text)
        record(path, value.rows)
        rows += value.rows
    return rows


def _check(row):
    """Raise ValueError if a cell of a row is corrupt."""
    tables.check_numbers(row, _FRACTIONS, _INTEGERS)
    tables.check_interval(row)
    if not row['value']:
        raise ValueError('value is empty')
    if row['metric'] in _UP_TO_1 and not 0 <= float(row['value']) <= 1:
        raise ValueError(f'value is {row["value"]!r}, not between 0 and 1')


def _is_finished(row):
    """Return whether a row (of text) has all the epochs of its run."""
    return row['epochs'] != '' and row['epochs'] == _text(epochs_in(row['run']))


def _is_interruption(row):
    """Return whether a row was measured between two epochs; only --unfinished records such rows."""
    return '.' in row['epochs'] and not _is_finished(row)


def _same_run(row, other):
    return all(row[column] == other[column] for column in _RUN)


def _key(row):
    return tuple(row[column] for column in KEY)


def _text(value):
    """Return a value as the table holds it: whole numbers without a point, others in full."""
    if value is None:
        return ''
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)

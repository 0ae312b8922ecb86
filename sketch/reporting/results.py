"""The table of all measurements, results.csv: one row per number."""

from sketch import tables
from sketch.metrics.average_precision import DEFINITIONS
from sketch.metrics.ranking import DISTANCES
from sketch.runs.names import epochs_in, number_text

COLUMNS = [
    'run',  # name of the checkpoint folder
    'net',  # n1 or n2
    'filters',  # skNet's, 64-64-64-64; empty for n2
    'size',  # pixels
    'batch',  # images
    'epochs',
    'step',  # training steps taken
    'split',
    'metric',
    'definition',  # this and the next three: of the mAP
    'distance',
    'variant',
    'k',
    'value',
    'low',  # this and the next: 95 % interval of accuracy and mAP (intervals.py)
    'high',
    'interval',  # of mAP: other test `images`; in tables made before, other `queries` only
    'images',  # of the split
    'classes',
    'dataset',  # digest of the data set's images
    'weights',  # digest of the network's; this and the next: empty if unknown
    'seen',  # how many of the images the network was trained on
    'seed',  # of the training
    'time',  # UTC
]
WORDS = {  # what the cells hold, if they are not empty; figures and tables know no others
    'split': ('train', 'test'),
    'metric': ('accuracy', 'mAP', 'compactness'),
    'definition': DEFINITIONS,
    'distance': DISTANCES,
    'variant': ('rerank', 'rerank-probability', 'embedding'),
    'interval': ('queries', 'images'),
}
_RUN = ('run', 'net', 'filters', 'size', 'batch', 'classes', 'dataset', 'seed')
_FRACTIONS = ('epochs', 'value', 'low', 'high')  # what the cells hold, if they are not empty
_INTEGERS = ('size', 'batch', 'step', 'k', 'images', 'classes', 'seen', 'seed')
_UP_TO_1 = ('accuracy', 'mAP')  # metrics


def has(path, wanted):
    """Return whether a results file has a row with these values (a dict by column)."""
    wanted = {column: tables.cell(value) for column, value in wanted.items()}
    return any(wanted.items() <= row.items() for row in read(path))


def print_and_record(path, measured):
    """Print and record each Measurement as soon as it is measured; return all their rows."""
    rows = []
    for value in measured:
        print(value.text)
        record(path, value.rows)
        rows += value.rows
    return rows


def _check(row):
    """Write the numbers of a row as `cell` does; raise ValueError if a cell is corrupt."""
    tables.check_numbers(row, _FRACTIONS, _INTEGERS)
    tables.check_words(row, WORDS)
    if not row['value']:
        raise ValueError('value is empty')
    tables.check_interval(row, 'value')
    if row['metric'] in _UP_TO_1 and not 0 <= float(row['value']) <= 1:
        raise ValueError(f'value is {row["value"]!r}, not between 0 and 1')
    last = epochs_in(row['run'])
    if row['epochs'] and last is not None and float(row['epochs']) > last + tables.ROUNDING:
        raise ValueError(f'epochs is {row["epochs"]!r}, but the run ends at {number_text(last)}')


def _is_finished(row):
    """Return whether a row (of text) has all the epochs of its run."""
    return row['epochs'] != '' and row['epochs'] == tables.cell(epochs_in(row['run']))


def _is_outdated(row, new):
    """Return whether a row was measured between two epochs, and new ones of its run at the end.

    Only --unfinished records such rows.
    """
    if '.' not in row['epochs'] or _is_finished(row):
        return False
    ends = (other for other in new if _is_finished(other))
    return any(all(row[column] == other[column] for column in _RUN) for other in ends)


TABLE = tables.Table(
    'results',
    COLUMNS,
    ('value', 'low', 'high', 'interval', 'seen', 'time'),
    _check,
    f' (columns {",".join(COLUMNS)}); move it away',
    _is_outdated,
)
read, check, record = TABLE.read, TABLE.check, TABLE.record

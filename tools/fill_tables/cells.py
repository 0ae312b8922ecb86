"""The cells of the documents' tables: values in docs/results/, chosen by their columns."""

from pathlib import Path
from typing import NamedTuple

from sketch.errors import InputError
from sketch.reporting import differences, markdown, results

RESULTS = Path(__file__).resolve().parents[2] / 'docs' / 'results'
# In docs/results/, with what goes before the names of its runs: these trained the same runs twice.
STACKS = {'TensorFlow 2.15.1': '2.15/', 'TensorFlow 2.21.0': '2.21/'}
MEASURED = {
    **dict.fromkeys(('reproduction.csv', 'changes.csv', 'sizes.csv'), ''),
    'tensorflow_2.15.csv': '2.15/',
    'tensorflow_2.21.csv': '2.21/',
    'precision.csv': 'precision/',
    'protocol_l.csv': 'L/',
    'protocol_l_few.csv': 'L/few/',
    'protocol_m_16.csv': 'M/',
}
KEY = ('run', 'epochs', 'size', 'metric', 'split', 'definition', 'distance', 'variant', 'k')

# What a cell shows: columns of results.csv, and the parts of a run's name (series, statistics).
TEST = {'metric': 'accuracy', 'split': 'test'}
TRAIN = {'metric': 'accuracy', 'split': 'train'}
COMPACT = {'metric': 'compactness', 'split': 'test', 'distance': 'euclidean'}
MAP = {'metric': 'mAP', 'split': 'test', 'definition': 'standard', 'distance': 'euclidean'}
AT_49, AT_499, AT_999, AT_1099 = ({**MAP, 'k': k} for k in ('49', '499', '999', '1099'))
PAPER = {'definition': 'paper'}
COSINE = {'distance': 'cosine'}
BY_CLASS = {'variant': 'rerank'}
BY_PROBABILITY = {'variant': 'rerank-probability'}
EMBEDDING = {'variant': 'embedding'}
INTERVAL = {'interval': True}  # shown after the value
PRECISE = {'statistics': '_precise-bn'}


class Value(NamedTuple):
    """A measured value with its 95 % interval; None without one."""

    value: float
    low: float = None
    high: float = None


def measured():
    """Return all Values in docs/results/ by the columns of KEY.

    Raises:
        InputError: a table is missing or corrupt.
    """
    require(*MEASURED)
    return {
        tuple({**row, 'run': before + row['run']}[column] for column in KEY): _value(row)
        for name, before in MEASURED.items()
        for row in results.read(RESULTS / name)
    }


def require(*names):
    """Raise InputError unless docs/results/ has these tables: no document loses its numbers."""
    for name in names:
        if not (RESULTS / name).is_file():
            raise InputError(f'{RESULTS / name}: missing; restore it (git checkout)')


def differences_in(name):
    """Return the rows of a table of differences in docs/results/, in the standard definition."""
    require(name)
    found = differences.read(RESULTS / name)
    return [row for row in found if row['definition'] == 'standard']


def with_limits(row):
    """Return the text of a difference and its interval; '' without a row."""
    if row is None:
        return ''
    texts = (signed(float(row[column])) for column in ('difference', 'low', 'high'))
    return '{} ({} to {})'.format(*texts)


def table(values, first, rows, columns):
    """Return a Markdown table, without rows and columns that have no value.

    Args:
        values: of measured().
        first: title of the first column.
        rows, columns: what to show, by title. A cell joins its row's and its column's: columns of
            results.csv; series, statistics and epochs, which make the run's name; and interval,
            whether it is shown.
    """
    cells = {}
    for row_title, row in rows.items():
        for column_title, column in columns.items():
            shown = {**column, **row}
            value = _found(values, shown)
            if value is not None:
                cells[row_title, column_title] = _text(value, shown.get('interval'))
    kept = [title for title in columns if any(title == column for _, column in cells)]
    lines = [[first, *kept]]
    for title in rows:
        if any(title == row for row, _ in cells):
            lines.append([title, *(cells.get((title, column), '') for column in kept)])
    return markdown.table(lines)


def value_at(values, cell):
    """Return the number of a cell (as of table), None without one."""
    found = _found(values, cell)
    return found and found.value


def signed(value):
    """Return a number with its sign, +0.012 or −0.012."""
    return f'{value:+.3f}'.replace('-', '−')


def rows_of(epochs):
    """Return a row of a table for each epoch count."""
    return {count: {'epochs': count} for count in epochs}


def joined(columns, shared):
    """Return columns of a table with what they share."""
    return {title: {**column, **shared} for title, column in columns.items()}


def seeded(series, seed):
    """Return the series of another seed."""
    return {'series': series['series'] + (f'_seed{seed}' if seed else '')}


def _found(values, cell):
    """Return the Value of a cell, None without one."""
    cell = {'size': '128', 'statistics': '', **cell}
    cell['run'] = '{series}{statistics}_{epochs}e'.format_map(cell)
    return values.get(tuple(cell.get(part, '') for part in KEY))


def _value(row):
    """Return the Value of a row of results.csv."""
    limits = [float(row[name]) for name in ('low', 'high') if row[name]]
    return Value(float(row['value']), *limits)


def _text(value, with_interval):
    text = f'{value.value:.3f}'
    if with_interval and value.low is not None:
        text += f' ({value.low:.3f} to {value.high:.3f})'
    return text

"""The table of all measured speeds, docs/results/performance.csv: one line per row of a run.

A run is what one call of `python -m benchmarks` measured. A line holds ours, peer and limit of the
same run, so no ratio can compare two days.
"""

from pathlib import Path
from typing import NamedTuple

from benchmarks.machine import kind
from benchmarks.rows import Row
from sketch import atomic, locks, tables
from sketch.errors import InputError

FILE = Path(__file__).resolve().parent.parent / 'docs' / 'results' / 'performance.csv'
QUICK, FULL = SETS = ('quick', 'full')
RUN = (
    'date',  # UTC, when the run began
    *('processor', 'cores', 'instruction_sets'),
    *('python', 'tensorflow', 'numpy', 'torch'),  # versions
    'blas',  # of NumPy's matrix products: the library and its kernels
    'set',  # one of SETS
)
COLUMNS = [*RUN, *Row._fields]
_NUMBERS = ('ours', 'peer', 'limit')


class Run(NamedTuple):
    """What one call of `python -m benchmarks` measured."""

    about: dict  # the columns of RUN, as text
    rows: dict  # {what: Row}


def read(path=FILE):
    """Return all runs in a file, in its order; none if it is absent or empty.

    Raises:
        InputError: the file is not such a table, or a run has a quantity twice.
    """
    runs = {}
    for line in _lines(path):
        about = {column: line[column] for column in RUN}
        run = runs.setdefault(tuple(about.values()), Run(about, {}))
        if line['what'] in run.rows:
            raise InputError(f'{path}: {line["what"]} is there twice on {line["date"]}; remove one')
        numbers = {column: float(line[column]) if line[column] else None for column in _NUMBERS}
        run.rows[line['what']] = Row(**{column: line[column] for column in Row._fields} | numbers)
    return list(runs.values())


def append(path, about, rows):
    """Add a run to a file.

    Args:
        path: of the table; it need not exist.
        about: dict with the columns of RUN.
        rows: Rows.

    Raises:
        InputError: the file is not such a table, or it has rows of the same run.
        ValueError: two rows are of the same quantity.
    """
    path = Path(path)
    if len({row.what for row in rows}) < len(rows):
        raise ValueError('a quantity was measured twice in one run')
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(path.resolve().parent, 'results', wait=True):
        if about in [run.about for run in read(path)]:
            raise InputError(f'{path}: has a run of {about["date"]} on this machine already')
        lines = [[line[column] for column in COLUMNS] for line in _lines(path)]
        for row in rows:
            lines.append([about[column] for column in RUN] + [_text(value) for value in row])
        atomic.write_csv(path, COLUMNS, lines)


def by_kind(runs):
    """Return {kind of machine: the run that counts}: the latest full one, else the latest."""
    latest_full_last = sorted(runs, key=lambda run: (run.about['set'] == FULL, run.about['date']))
    return dict(sorted({kind(run.about): run for run in latest_full_last}.items()))


def _lines(path):
    try:
        columns, lines = tables.read(path)
        if columns in ([], COLUMNS):
            for line in lines.values():
                tables.check_numbers(line, _NUMBERS)
            return list(lines.values())
    except FileNotFoundError:
        return []
    except ValueError:
        pass
    raise InputError(f'{path}: not a table of speeds ({",".join(COLUMNS)}); move it away')


def _text(value):
    if not isinstance(value, float):
        return '' if value is None else str(value)
    rounded = float(f'{value:.5g}')
    return str(int(rounded)) if rounded.is_integer() else repr(rounded)

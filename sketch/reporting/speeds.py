"""The table of all measured speeds, docs/results/performance.csv, and the documents' tables of it.

A run is what one call of `python -m benchmarks` measured. A line of the file holds ours, peer and
limit of one run, so no ratio can compare two days.
"""

import re
from pathlib import Path
from typing import NamedTuple

from sketch import locks, tables
from sketch.errors import InputError
from sketch.reporting import markdown


class Row(NamedTuple):
    """One measured quantity. Its values come from one run; None is not measured."""

    what: str  # tells the quantity and all its settings
    unit: str  # more is better in images/s and Gflop/s; less in s, ms and MB
    ours: float
    peer: float = None  # another implementation of the same
    limit: float = None  # what the machine allows
    peer_name: str = ''
    limit_name: str = ''

    def times_peer(self):
        """Return how many times better than the peer ours is, or None."""
        return self._ratio(self.peer)

    def share_of_limit(self):
        """Return how near to the limit ours is: 1 at the limit, less below; or None."""
        return self._ratio(self.limit)

    def _ratio(self, other):
        if not self.ours or not other:
            return None
        return self.ours / other if self.unit.endswith('/s') else other / self.ours


FILE = Path(__file__).resolve().parents[2] / 'docs' / 'results' / 'performance.csv'
QUICK, FULL = 'quick', 'full'
RUN = (
    'date',  # UTC, when the run began
    *('processor', 'cores', 'instruction_sets'),
    *('python', 'tensorflow', 'numpy', 'torch'),  # versions
    'blas',  # of NumPy's matrix products: the library and its kernels
    'set',  # QUICK or FULL
)
COLUMNS = [*RUN, *Row._fields]
_NUMBERS = ('ours', 'peer', 'limit')

VERSIONS = {
    'Python': 'python',
    'TensorFlow': 'tensorflow',
    'NumPy': 'numpy',
    "NumPy's matrix products": 'blas',
    'PyTorch': 'torch',
}
# Rows that README.md shows, with their titles there.
SUMMARY = {
    'skNet, training, float32, batch 64': 'skNet, training, batch 64',
    'skNet, evaluation, float32, batch 64': 'skNet, evaluation, batch 64',
    'skResNet, training, float32, batch 64': 'skResNet, training, batch 64',
    'skResNet, evaluation, float32, batch 64': 'skResNet, evaluation, batch 64',
    'mAP of 5,000 images, all ranks': 'mAP of 5,000 images, all ranks',
}


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
        tables.write(path, COLUMNS, lines)


def by_kind(runs):
    """Return {kind of machine: the run that counts}: the latest full one, else the latest."""
    latest_full_last = sorted(runs, key=lambda run: (run.about['set'] == FULL, run.about['date']))
    return dict(sorted({kind(run.about): run for run in latest_full_last}.items()))


def kind(about):
    """Return the name of a kind of machine: 'Intel Xeon, AMX, 2 cores'.

    Args:
        about: dict with the columns of RUN.
    """
    name = re.sub(r'\((R|TM)\)|\bCPU\b|\d+-Core|\bProcessor\b|@.*', ' ', about['processor'])
    newest = about['instruction_sets'].split()[-1:]
    count = about['cores'] + (' core' if about['cores'] == '1' else ' cores')
    return ', '.join([' '.join(name.split()), *newest, count])


def of_documents(runs):
    """Return {name: Markdown table}; the tables are empty if there are no runs.

    Args:
        runs: of read().
    """
    runs = by_kind(runs)
    if not runs:
        return dict.fromkeys(('machines', 'performance', 'speed'), '')
    return {'machines': _machines(runs), 'performance': _rows(runs), 'speed': _summary(runs)}


def number(value):
    """Return a number with three digits, or all those before the point; '' for None."""
    if value is None:
        return ''
    decimals = next((n for n, least in enumerate((99.95, 9.995, 0.9995)) if abs(value) >= least), 3)
    return f'{value:,.{decimals}f}'


def times(value):
    """Return a ratio as text; '' for None."""
    return '' if value is None else f'{number(value)} times'


def percent(value):
    """Return a share as text; '' for None."""
    return '' if value is None else f'{value:.0%}'.replace('%', ' %')


def _machines(runs):
    """docs/performance.md: when and with what each kind of machine was measured."""
    lines = [['kind of machine', 'measured', *VERSIONS]]
    for title, run in runs.items():
        versions = (run.about[column] for column in VERSIONS.values())
        lines.append([title, run.about['date'].partition('T')[0], *versions])
    return markdown.table(lines)


def _rows(runs):
    """docs/performance.md: all quantities, a column for each kind of machine."""
    lines = [['what', 'unit', 'peer', 'limit', *runs]]
    known = {what: row for run in runs.values() for what, row in run.rows.items()}
    for what, row in known.items():
        cells = [_cell(run.rows.get(what)) for run in runs.values()]
        lines.append([what, row.unit, row.peer_name, row.limit_name, *cells])
    return markdown.table(lines)


def _summary(runs):
    """README.md: a few quantities of the kind of machine that was measured last."""
    run = max(runs.values(), key=lambda run: run.about['date'])
    lines = [[f'speed, {kind(run.about)} ([more](docs/performance.md))', 'here', 'elsewhere']]
    for what, title in SUMMARY.items():
        row = run.rows.get(what)
        if row:
            version = (
                f' {run.about["torch"].partition("+")[0]}' if row.peer_name == 'PyTorch' else ''
            )
            peer = f'{number(row.peer)} {row.unit} ({row.peer_name}{version})' if row.peer else ''
            lines.append([title, f'{number(row.ours)} {row.unit}', peer])
    return markdown.table(lines)


def _cell(row):
    """Return '62.1 (2.46 times, 57 %)': ours, how often the peer's, and the share of the limit."""
    if row is None:
        return ''
    ratios = ', '.join(filter(None, (times(row.times_peer()), percent(row.share_of_limit()))))
    return number(row.ours) + (f' ({ratios})' if ratios else '')


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

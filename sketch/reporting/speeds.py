"""The table of all measured speeds, docs/results/performance.csv, and the documents' tables of it.

A run is what one call of `python -m benchmarks` measured. A line of the file holds ours, peer and
limit of one run, so no ratio can compare two days.
"""

import re
from pathlib import Path
from typing import NamedTuple

from sketch import tables
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

    def __str__(self):
        text = f'{self.what}: {number(self.ours)} {self.unit}'
        if self.times_peer():
            text += f'; {self.times_peer()} as good as {self.peer_name}, {number(self.peer)}'
        if self.share_of_limit():
            text += f'; {self.share_of_limit()} of {self.limit_name}, {number(self.limit)}'
        return text

    def times_peer(self):
        """Return how much better than the peer ours is, as '2.46 times'; '' without both."""
        ratio = self._ratio(self.peer)
        return f'{number(ratio)} times' if ratio else ''

    def share_of_limit(self):
        """Return how near to the limit ours is, as '57 %'; '' without both."""
        ratio = self._ratio(self.limit)
        return f'{100 * ratio:.0f} %' if ratio else ''

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
# Rows that README.md shows, without the word float32.
SUMMARY = (
    'skNet, training, float32, batch 64',
    'skNet, evaluation, float32, batch 64',
    'skResNet, training, float32, batch 64',
    'skResNet, evaluation, float32, batch 64',
)


class Run(NamedTuple):
    """What one call of `python -m benchmarks` measured."""

    about: dict  # the columns of RUN, as text
    rows: dict  # {what: Row}


def read(path=FILE):
    """Return all Runs in a file, in its order; none if it is absent or empty.

    Raises:
        InputError: the file is not such a table, or a run has a quantity twice.
    """
    try:
        columns, lines = tables.read(path)
        if columns not in ([], COLUMNS):
            raise ValueError('another table')
        for line in lines.values():
            tables.check_numbers(line, _NUMBERS)
    except FileNotFoundError:
        return []
    except ValueError:
        titles = ','.join(COLUMNS)
        raise InputError(f'{path}: not a table of speeds ({titles}); move it away') from None
    runs = {}
    for line in lines.values():
        about = {column: line[column] for column in RUN}
        run = runs.setdefault(tuple(about.values()), Run(about, {}))
        if line['what'] in run.rows:
            raise InputError(f'{path}: {line["what"]} is there twice on {line["date"]}; remove one')
        numbers = {column: float(line[column]) if line[column] else None for column in _NUMBERS}
        run.rows[line['what']] = Row(**{column: line[column] for column in Row._fields} | numbers)
    return list(runs.values())


def append(path, added):
    """Add a Run to a file, which need not exist."""
    lines = [
        [run.about[column] for column in RUN] + [_text(value) for value in row]
        for run in [*read(path), added]
        for row in run.rows.values()
    ]
    tables.write(path, COLUMNS, lines)


def kind(about):
    """Return the name of a kind of machine, 'Intel Xeon, AMX, 2 cores', from the columns of RUN."""
    name = re.sub(r'\((R|TM)\)|\bCPU\b|\d+-Core|\bProcessor\b|@.*', ' ', about['processor'])
    newest = about['instruction_sets'].split()[-1:]
    count = about['cores'] + (' core' if about['cores'] == '1' else ' cores')
    return ', '.join([' '.join(name.split()), *newest, count])


def of_documents(runs):
    """Return {name: Markdown table} of the latest full Run, without any of the latest.

    The tables are empty if there are no runs.
    """
    if not runs:
        return dict.fromkeys(('machines', 'performance', 'speed'), '')
    run = max(runs, key=lambda run: (run.about['set'] == FULL, run.about['date']))
    return {'machines': _machine(run), 'performance': _rows(run), 'speed': _summary(run)}


def number(value):
    """Return a number with three digits, or all those before the point; '' for None."""
    if value is None:
        return ''
    decimals = next((n for n, least in enumerate((99.95, 9.995, 0.9995)) if abs(value) >= least), 3)
    return f'{value:,.{decimals}f}'


def _machine(run):
    """docs/performance.md: when and with what the run was measured."""
    versions = [run.about[column] for column in VERSIONS.values()]
    measured = [kind(run.about), run.about['date'].partition('T')[0], *versions]
    return markdown.table([['kind of machine', 'measured', *VERSIONS], measured])


def _rows(run):
    """docs/performance.md: all quantities, as '62.1 (2.46 times, 57 %)'."""
    lines = [['what', 'unit', 'peer', 'limit', kind(run.about)]]
    for row in run.rows.values():
        ratios = ', '.join(filter(None, (row.times_peer(), row.share_of_limit())))
        cell = number(row.ours) + (f' ({ratios})' if ratios else '')
        lines.append([row.what, row.unit, row.peer_name, row.limit_name, cell])
    return markdown.table(lines)


def _summary(run):
    """README.md: a few quantities."""
    lines = [[f'speed, {kind(run.about)} ([more](docs/performance.md))', 'here', 'elsewhere']]
    for row in filter(None, map(run.rows.get, SUMMARY)):
        torch = f' {run.about["torch"].partition("+")[0]}' if row.peer_name == 'PyTorch' else ''
        peer = f'{number(row.peer)} {row.unit} ({row.peer_name}{torch})' if row.peer else ''
        lines.append([row.what.replace(', float32', ''), f'{number(row.ours)} {row.unit}', peer])
    return markdown.table(lines)


def _text(value):
    if not isinstance(value, float):
        return '' if value is None else str(value)
    rounded = float(f'{value:.5g}')
    return str(int(rounded)) if rounded.is_integer() else repr(rounded)

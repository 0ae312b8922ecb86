"""What a benchmark returns: rows of a quantity, our value, a peer's and a limit."""

import sys
from typing import NamedTuple


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


def number(value):
    """Return a number with three digits, or all those before the point; '' for None."""
    if value is None:
        return ''
    decimals = next((n for n, least in enumerate((99.95, 9.995, 0.9995)) if abs(value) >= least), 3)
    return f'{value:,.{decimals}f}'


def times(value):
    return '' if value is None else f'{number(value)} times'


def percent(value):
    return '' if value is None else f'{value:.0%}'.replace('%', ' %')


def table(rows):
    """Return a table of rows as a terminal shows it: columns aligned by spaces."""
    lines = [('', 'unit', 'ours', 'peer', 'ratio', 'limit', 'of limit', 'peer is', 'limit is')]
    for row in rows:
        values = number(row.ours), number(row.peer), times(row.times_peer()), number(row.limit)
        names = row.peer_name, row.limit_name
        lines.append((row.what, row.unit, *values, percent(row.share_of_limit()), *names))
    widths = [max(map(len, column)) for column in zip(*lines)]
    return '\n'.join(
        '  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    )


def collect(measured):
    """Return the rows of an iterable as a list; report each on stderr as soon as it is there."""
    rows = []
    for row in measured:
        print(f'{row.what}: {number(row.ours)} {row.unit}', file=sys.stderr, flush=True)
        rows.append(row)
    return rows

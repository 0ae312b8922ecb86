"""Fills the tables of README.md and of two pages in docs/ from the measurements in docs/results/.

    python -m tools.fill_tables

A table stands below a line <!-- table: its name -->. A value that was not measured is an empty
cell. A row or column without any value is left out. The tables of speeds keep what the document
says until `python -m benchmarks` has measured any.
tests/test_documents.py fails if a table is out of date.
"""

import re
from pathlib import Path

from sketch import atomic, command_line
from sketch.reporting import speeds
from tools.fill_tables import comparisons, protocol_l, protocol_m, protocol_s
from tools.fill_tables.cells import measured

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = tuple(
    ROOT / name for name in ('README.md', 'docs/reproduction.md', 'docs/performance.md')
)
PLACE = re.compile(r'<!-- table: (.+) -->\n(?:\|.*\n)*')


def tables(values, runs):
    """Return all tables of the documents by name.

    Args:
        values: of measured().
        runs: of speeds.read().
    """
    return {
        **speeds.of_documents(runs),
        **protocol_l.tables(values),
        **protocol_m.tables(values),
        **protocol_s.tables(values),
        **comparisons.tables(values),
    }


def filled(text, found):
    """Return a document with all its tables replaced by those of tables() that are not empty."""

    def replaced(place):
        lines = found[place[1]]
        return f'<!-- table: {place[1]} -->\n{lines}' if lines else place[0]

    return PLACE.sub(replaced, text)


def main():
    """Fill the documents."""
    command_line.parser(__doc__).parse_args()
    found = tables(measured(), speeds.read())
    for path in DOCUMENTS:
        atomic.write_text(path, filled(path.read_text(encoding='utf-8'), found))


if __name__ == '__main__':
    command_line.run(main)

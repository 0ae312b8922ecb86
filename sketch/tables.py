"""CSV tables: read and written whole; those of measurements with a row for each thing measured."""

import csv
import datetime
import io
import math
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from sketch import atomic, locks
from sketch.errors import InputError

INDEX = r'(Unnamed: \d+)?'  # how pandas calls a column of row numbers
ROUNDING = 1e-9  # between a value and the limits of its interval, which are summed otherwise


class Table(NamedTuple):
    """A kind of table of measurements. Its rows are dicts by column; an unknown cell is empty."""

    name: str  # of its rows and its lock
    columns: list
    replaced: tuple  # columns that a row measured again replaces; the others tell what was measured
    check_row: object  # function of a row of text: check_numbers, and ValueError for corrupt cells
    remedy: str  # what the refusal of another table ends with
    is_outdated: object = lambda row, new: False  # function: do new rows remove an old one?

    def read(self, path):
        """Return the rows of a file as dicts of text; none if it does not exist.

        The columns may have another order.

        Raises:
            InputError: the file is not such a table, a cell is corrupt, or two rows tell the same.
        """
        path = Path(path)
        if not path.exists():
            return []
        try:
            columns, rows = read(path)
            if columns:
                check_columns(columns, self.columns)
        except ValueError as error:
            raise InputError(f'{path}: not a table of {self.name}: {error}{self.remedy}') from None
        if not columns:
            raise InputError(f'{path}: empty; remove it')
        lines = {}
        for line, row in rows.items():
            try:
                self.check_row(row)
                if (other := lines.setdefault(self._key(row), line)) != line:
                    raise ValueError(f'tells the same as line {other}')
            except ValueError as error:
                raise InputError(
                    f'{path}: line {line}, {row["run"]}: {error}; correct or remove it'
                ) from None
        return [{column: row[column] for column in self.columns} for row in rows.values()]

    def check(self, path):
        """Raise InputError if rows cannot be recorded in a file: another table, or not writable."""
        self.read(path)
        atomic.check_place(path, f'file for the {self.name}')
        folder = Path(path).resolve().parent
        if folder.is_dir():
            with locks.exclusive(folder, self.name, wait=True):
                pass  # where locks fail, they fail before the work

    def record(self, path, rows):
        """Add rows to a file, made if missing; a missing column is empty, `time` is now, in UTC.

        A row replaces an earlier one that is equal in everything but the columns `replaced`.
        """
        if not rows:
            return
        path = Path(path)
        now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
        rows = [{column: cell(row.get(column)) for column in self.columns} for row in rows]
        folder = path.resolve().parent
        with atomic.made_folder(folder), locks.exclusive(folder, self.name, wait=True):
            earlier = [row for row in self.read(path) if not self.is_outdated(row, rows)]
            table = {self._key(row): row for row in earlier}
            table |= {self._key(row): {**row, 'time': now} for row in rows}
            write(path, self.columns, [list(row.values()) for row in table.values()])

    def _key(self, row):
        return tuple(row[column] for column in self.columns if column not in self.replaced)


def cell(value):
    """Return a value as a Table holds it: whole numbers without a point, others in full."""
    if value is None:
        return ''
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)


def read(path):
    """Return the titles of a table's columns, and its rows, dicts of text, by line number.

    An empty file has neither. A first column without a title, the row numbers that pandas writes,
    is left out.

    Raises:
        ValueError: it is not UTF-8 or not CSV, other separators than commas, a title is there
            twice, or a row has not as many cells as titles.
        OSError: it cannot be read.
    """
    rows = {}
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            table = csv.DictReader(file, strict=True)
            columns = list(table.fieldnames or ())
            twice = [title for title in columns if columns.count(title) > 1]
            if twice:
                raise ValueError(f'line 1: the column {twice[0]} is there twice')
            for separator in (';', '\t'):
                if len(columns) == 1 and separator in columns[0]:
                    raise InputError(
                        f'{path}: line 1: {separator!r} separates its cells; save it with commas, '
                        'and with points in numbers'
                    )
            index = columns.pop(0) if columns and re.fullmatch(INDEX, columns[0]) else None
            for row in table:
                if None in row or None in row.values():
                    raise ValueError(f'line {table.line_num}: not as many cells as titles')
                row.pop(index, None)
                rows[table.line_num] = row
    except (UnicodeDecodeError, csv.Error):
        raise ValueError('not a CSV table in UTF-8') from None
    return columns, rows


def write(path, columns, rows):
    """Write a table: the titles of its columns, and rows, sequences of values."""
    atomic.write_text(path, text(columns, rows))


def text(columns, rows):
    """Return what `write` writes."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator='\n')
    writer.writerow(columns)
    writer.writerows(rows)
    return written.getvalue()


def check_columns(columns, wanted):
    """Raise ValueError, which tells the difference, unless titles are the wanted ones."""
    missing = [title for title in wanted if title not in columns]
    foreign = [title or 'one without a title' for title in columns if title not in wanted]
    told = [f'it lacks {", ".join(missing)}'] * bool(missing)
    told += [f'it also has {", ".join(foreign)}'] * bool(foreign)
    if told:
        raise ValueError(f'line 1: {textwrap.shorten(" and ".join(told), 200, placeholder=" …")}')


def check_interval(row, column):
    """Raise ValueError unless a row has both limits of an interval, around a column, or none."""
    low, high = row['low'], row['high']
    if bool(low) != bool(high) or (low and float(low) > float(high)):
        raise ValueError(f'low is {low!r} and high is {high!r}, no interval')
    if low and not float(low) - ROUNDING <= float(row[column]) <= float(high) + ROUNDING:
        raise ValueError(f'{column} is {row[column]!r}, not between low {low!r} and high {high!r}')


def check_words(row, words):
    """Raise ValueError unless cells of a row are empty or known words: {column: words}."""
    for column, known in words.items():
        if row[column] and row[column] not in known:
            raise ValueError(f'{column} is {row[column]!r}, not one of {", ".join(known)}')


def check_numbers(row, fractions=(), integers=()):
    """Check that cells of a row are empty or finite numbers, and write them as `cell` does.

    Other programs write 19.0 for 19, and the whole column so if one of its cells is empty.

    Args:
        row: dict of text, changed in place.
        fractions: columns that hold any number.
        integers: columns that hold whole numbers.

    Raises:
        ValueError: a cell is no such number; names the column.
    """
    for column in (*fractions, *integers):
        if not row[column]:
            continue
        try:
            number = float(row[column])
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (column in integers and not number.is_integer()):
            kind = 'a whole number' if column in integers else 'a number'
            raise ValueError(f'{column} is {row[column]!r}, not {kind}')
        row[column] = cell(number)

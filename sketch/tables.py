"""CSV tables, read and written whole."""

import csv
import io
import math

from sketch import atomic


def read(path):
    """Return the titles of a table's columns, and its rows, dicts of text, by line number.

    An empty file has neither.

    Raises:
        ValueError: it is not UTF-8 or not CSV, or a row has not as many cells as titles.
        OSError: it cannot be read.
    """
    rows = {}
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            table = csv.DictReader(file, strict=True)
            columns = list(table.fieldnames or ())
            for row in table:
                if None in row or None in row.values():
                    raise ValueError(f'line {table.line_num}: not as many cells as titles')
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


def check_interval(row):
    """Raise ValueError unless a row has both limits of an interval, in order, or none."""
    low, high = row['low'], row['high']
    if bool(low) != bool(high) or (low and float(low) > float(high)):
        raise ValueError(f'low is {low!r} and high is {high!r}, no interval')


def check_numbers(row, fractions=(), integers=()):
    """Check that cells of a row are empty or finite numbers.

    Args:
        row: dict of text.
        fractions: columns that hold any number.
        integers: columns that hold whole numbers.

    Raises:
        ValueError: a cell is no such number; names the column.
    """
    for columns, number in ((fractions, float), (integers, int)):
        for column in columns:
            try:
                valid = math.isfinite(number(row[column] or 0))
            except (ValueError, OverflowError):
                valid = False
            if not valid:
                kind = 'a whole number' if number is int else 'a number'
                raise ValueError(f'{column} is {row[column]!r}, not {kind}')

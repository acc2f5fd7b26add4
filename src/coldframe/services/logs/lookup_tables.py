"""The CSV text of lookup tables: held against its rules, and read for whoever looks values up."""

import csv
from collections.abc import Iterator
from typing import NamedTuple

from coldframe.core.records import Records
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import LookupTable, LookupTableBody

MOST_BYTES = 10 * 1024 * 1024


class Content(NamedTuple):
    """What CSV text holds: the names of its columns, its number of rows, and its size in bytes of UTF-8."""

    columns: tuple[str, ...]
    rows: int
    size: int


class Table(NamedTuple):
    """A lookup table as data: the names of its columns, and its rows, given once, with a value for each column."""

    columns: tuple[str, ...]
    rows: Iterator[list[str]]


def check(text: str) -> Content:
    """Hold CSV text against the rules; raises InvalidParameterException, with the line.

    The first row names the columns, and every other row has a value for each. A blank line is no row, and a value has
    at most 131,072 characters.
    """
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise invalid("tableBody is no valid UTF-8.") from error
    if size > MOST_BYTES:
        raise invalid(f"tableBody has {size} bytes; a lookup table can have {MOST_BYTES} at most.")
    columns, rows = read(text)
    return Content(columns, sum(1 for _ in rows), size)


def read(text: str) -> Table:
    """Return the table of CSV text; reading its rows raises InvalidParameterException for one that is none."""
    rows = _lines(text)
    header = next(rows, None)
    if header is None:
        raise invalid("tableBody must have a header row with the names of its columns.")
    return Table(_header(header), rows)


def lookup_table(records: Records, name: str) -> Table:
    """Return a lookup table of the account and region; raises ResourceNotFoundException."""
    return read(records.get(LookupTableBody, records.get(LookupTable, name).name).text)


def _lines(text: str) -> Iterator[list[str]]:
    """Give the rows that are not blank, the header first; all have as many values as it."""
    reader = csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    width = 0
    try:
        for row in reader:
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                raise invalid(
                    f"tableBody: line {reader.line_num} has {len(row)} values, and the header row names"
                    f" {width} columns."
                )
            yield row
    except csv.Error as error:
        raise invalid(f"tableBody: line {reader.line_num} is no valid CSV: {error}.") from error


def _header(row: list[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in row)
    if not all(names):
        raise invalid("tableBody: every column must have a name in the header row.")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid(f"tableBody: the header row names the column {twice!r} twice.")
    return names

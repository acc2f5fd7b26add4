"""The CSV text of lookup tables: held against its rules, and read for whoever looks values up."""

import csv
from functools import lru_cache
from typing import NamedTuple

from coldframe.core.records import Records
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import LookupTable, LookupTableBody

MOST_BYTES = 10 * 1024 * 1024


class Table(NamedTuple):
    """A lookup table as data: the names of its columns, and its rows with a value for each of them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def parse(text: str) -> Table:
    """Return the table of CSV text whose first row names the columns; raises InvalidParameterException.

    Every row has a value for every column. Blank lines are no rows.
    """
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise invalid("tableBody is no valid UTF-8.") from error
    if size > MOST_BYTES:
        raise invalid(f"tableBody has {size} bytes; a lookup table can have {MOST_BYTES} at most.")
    reader = csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    try:
        for row in reader:
            if not row:
                continue
            if not columns:
                columns = _header(row)
            elif len(row) != len(columns):
                raise invalid(
                    f"tableBody: line {reader.line_num} has {len(row)} values, and the header row names"
                    f" {len(columns)} columns."
                )
            else:
                rows.append(tuple(row))
    except csv.Error as error:
        raise invalid(f"tableBody: line {reader.line_num} is no valid CSV: {error}.") from error
    if not columns:
        raise invalid("tableBody must have a header row with the names of its columns.")
    return Table(columns, tuple(rows))


def lookup_table(records: Records, name: str) -> Table:
    """Return a lookup table of the account and region; raises ResourceNotFoundException."""
    about = records.get(LookupTable, name)
    body = records.find(LookupTableBody, name)
    return _parsed(body.text if body is not None else ",".join(about.columns))


@lru_cache(maxsize=8)
def _parsed(text: str) -> Table:
    return parse(text)


def _header(row: list[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in row)
    if not all(names):
        raise invalid("tableBody: every column must have a name in the header row.")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid(f"tableBody: the header row names the column {twice!r} twice.")
    return names

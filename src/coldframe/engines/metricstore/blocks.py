"""Cells on the disk: blocks of consecutive cells of one series and one resolution, in an SQLite file.

A block's `cells` are, little-endian: the offsets of the cells from the block's start (uint32), then counts, sums, minima
and maxima (float64 each). Its `sketches` are the cells' distributions (distributions.py); the column is NULL when all
values of each cell are equal.
"""

import os
import sqlite3
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from coldframe.engines.metricstore import distributions
from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.errors import StorageFailed, StorageFull
from coldframe.engines.metricstore.index import Series
from coldframe.engines.metricstore.keys import LEVELS, RETENTION, Metric
from coldframe.engines.metricstore.memory import Memory

SPAN = {1: 600, 60: 10_800, 300: 86_400, 3600: 1_296_000}
"""Seconds that one block of each resolution covers."""

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  dimensions TEXT NOT NULL, unit TEXT NOT NULL, last INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS blocks (
  series INTEGER NOT NULL, level INTEGER NOT NULL, start INTEGER NOT NULL, cells BLOB NOT NULL, sketches BLOB,
  PRIMARY KEY (series, level, start)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (folded INTEGER NOT NULL);
"""

_WHERE = "FROM blocks WHERE series = ? AND level = ? AND start > ? AND start < ? ORDER BY start"
_READ = f"SELECT start, cells, sketches {_WHERE}"
_READ_SHORT = f"SELECT start, cells, NULL {_WHERE}"


class Columns(NamedTuple):
    """Cells in columns; `sketches` is None when it was not asked for, or all values of each cell are equal."""

    times: list[int]
    counts: "array[float]"
    sums: "array[float]"
    leasts: "array[float]"
    mosts: "array[float]"
    sketches: distributions.Distributions | None


class Blocks:
    """The SQLite file. One thread at a time folds and one at a time reads; its user sees to that."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._writer = _connect(path)
        self._writer.executescript(_SCHEMA)
        if self._writer.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
            self._bring_up_to_date()
        self._reader = _connect(path)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()

    def _bring_up_to_date(self) -> None:
        """Pack distributions that are lists of cells, as they were before the file had a version."""
        self._writer.execute("BEGIN IMMEDIATE")
        rows = self._writer.execute("SELECT * FROM blocks WHERE sketches IS NOT NULL").fetchall()
        for series, level, start, cells, sketches in rows:
            fresh = dict(cells_of(_columns(start, cells, None)))
            for cell, sketch in zip(fresh.values(), msgspec.msgpack.decode(sketches), strict=True):
                cell.opaque = sketch is False
                if sketch:
                    cell.folded, cell.values = sketch[0], dict(zip(sketch[1], sketch[2], strict=True))
            self._put(series, level, start, fresh)
        self._writer.execute(f"PRAGMA user_version = {_VERSION}")
        self._writer.commit()

    def folded(self) -> int:
        """Return the number of the last log file whose samples are in the blocks; 0 before the first."""
        row = self._writer.execute("SELECT max(folded) FROM log").fetchone()
        return int(row[0] or 0)

    def series(self) -> list[Series]:
        """Return every series there is."""
        rows = self._writer.execute(
            "SELECT id, account, region, namespace, name, dimensions, unit, last FROM series ORDER BY id"
        )
        return [
            Series(
                row[0],
                Metric(
                    row[1],
                    row[2],
                    row[3],
                    row[4],
                    tuple((name, value) for name, value in msgspec.json.decode(row[5])),
                ),
                row[6],
                row[7],
            )
            for row in rows
        ]

    def fold(self, memory: Memory, series: dict[int, Series], number: int) -> None:
        """Merge memory into the blocks, up to log file `number`; not committed yet. Raises StorageFull, StorageFailed."""
        try:
            if not self._writer.in_transaction:
                self._writer.execute("BEGIN IMMEDIATE")
            self._writer.executemany(
                "INSERT INTO series VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET last = excluded.last",
                [_row(series[number]) for number in sorted(memory.series())],
            )
            for one in memory.series():
                for level in LEVELS:
                    self._fold(one, level, memory.rolled_up(one, level))
            self._writer.execute("DELETE FROM log")
            self._writer.execute("INSERT INTO log VALUES (?)", (number,))
        except sqlite3.Error as error:
            self._writer.rollback()
            raise _refusal(error) from error

    def commit(self) -> None:
        """Make what was folded or expired durable; raises StorageFull, StorageFailed."""
        try:
            self._writer.commit()
        except sqlite3.Error as error:
            self._writer.rollback()
            raise _refusal(error) from error

    def expire(self, now: int) -> None:
        """Delete what retention no longer keeps; not committed yet."""
        try:
            if not self._writer.in_transaction:
                self._writer.execute("BEGIN IMMEDIATE")
            for level in LEVELS:
                self._writer.execute(
                    "DELETE FROM blocks WHERE level = ? AND start < ?",
                    (level, now - RETENTION[level] - SPAN[level]),
                )
            self._writer.execute("DELETE FROM series WHERE last < ?", (now - RETENTION[3600],))
        except sqlite3.Error as error:
            self._writer.rollback()
            raise _refusal(error) from error

    def empty(self) -> None:
        """Delete everything but the mark of the log."""
        with self._writer:
            self._writer.execute("DELETE FROM blocks")
            self._writer.execute("DELETE FROM series")

    def read(self, series: int, level: int, start: int, end: int, *, sketches: bool) -> Iterator[Columns]:
        """Give the blocks, ascending, that may hold cells with start <= time < end."""
        rows = self._reader.execute(
            _READ if sketches else _READ_SHORT, (series, level, start - SPAN[level], end)
        ).fetchall()
        for row in rows:
            yield _columns(row[0], row[1], row[2])

    def _fold(self, series: int, level: int, cells: dict[int, Cell]) -> None:
        spans: dict[int, dict[int, Cell]] = {}
        for at, cell in cells.items():
            spans.setdefault(at - at % SPAN[level], {})[at] = cell
        for start, fresh in spans.items():
            row = self._writer.execute(
                "SELECT cells, sketches FROM blocks WHERE series = ? AND level = ? AND start = ?",
                (series, level, start),
            ).fetchone()
            merged = dict(cells_of(_columns(start, *row))) if row else {}
            for at, cell in fresh.items():
                if at in merged:
                    merged[at].merge(cell)
                else:
                    merged[at] = cell
            self._put(series, level, start, merged)

    def _put(self, series: int, level: int, start: int, cells: dict[int, Cell]) -> None:
        row = (series, level, start, *_encode(start, cells))
        self._writer.execute("INSERT OR REPLACE INTO blocks VALUES (?,?,?,?,?)", row)


def cells_of(columns: Columns) -> Iterator[tuple[int, Cell]]:
    """Give the cells of a block with their distributions."""
    cells = [Cell(*numbers) for numbers in zip(*columns[1:5], strict=True)]
    if columns.sketches is not None:
        columns.sketches.put_into(cells)
    return zip(columns.times, cells, strict=True)


def _columns(start: int, cells: bytes, sketches: bytes | None) -> Columns:
    number = len(cells) // 36
    offsets = array("I", cells[: 4 * number])
    numbers = array("d", cells[4 * number :])
    counts, sums, leasts, mosts = (numbers[part * number : (part + 1) * number] for part in range(4))
    known = distributions.unpacked(sketches) if sketches else None
    return Columns([start + offset for offset in offsets], counts, sums, leasts, mosts, known)


def _encode(start: int, cells: dict[int, Cell]) -> tuple[bytes, bytes | None]:
    order = sorted(cells)
    rows = [cells[at] for at in order]
    head = array("I", [at - start for at in order])
    body = array("d")
    body.extend([cell.count for cell in rows])
    body.extend([cell.sum for cell in rows])
    body.extend([cell.least for cell in rows])
    body.extend([cell.most for cell in rows])
    return head.tobytes() + body.tobytes(), distributions.packed(rows)


def _row(series: Series) -> tuple[Any, ...]:
    metric = series.metric
    dimensions = msgspec.json.encode(metric.dimensions).decode()
    return (series.id, *metric[:4], dimensions, series.unit, series.last)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # A log file is deleted after the commit that folds it, so that commit has to last.
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _refusal(error: sqlite3.Error) -> StorageFull | StorageFailed:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StorageFull("no space is left on the disk: metric data stays in the log")
    return StorageFailed(f"metric data could not be moved from the log to its blocks: {error}")

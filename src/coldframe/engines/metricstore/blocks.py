"""Cells on the disk: blocks of consecutive cells of one series and one resolution, in an SQLite file.

A block's `cells` are, little-endian: the offsets of the cells from the block's start (uint32), then counts, sums, minima
and maxima (float64 each). Its `sketches` are a MessagePack list: per cell null where all values are equal, false where
the distribution is unknown, else [folded, [values], [counts]]; the column is NULL when all are null.
"""

import os
import sqlite3
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.errors import StorageFailed, StorageFull
from coldframe.engines.metricstore.index import Series
from coldframe.engines.metricstore.keys import LEVELS, RETENTION, Metric
from coldframe.engines.metricstore.memory import Memory

SPAN = {1: 600, 60: 10_800, 300: 86_400, 3600: 1_296_000}
"""Seconds that one block of each resolution covers."""

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
    """Cells in columns; `sketches` is empty when it was not asked for."""

    times: list[int]
    counts: "array[float]"
    sums: "array[float]"
    leasts: "array[float]"
    mosts: "array[float]"
    sketches: list[Any]


class Blocks:
    """The SQLite file. One thread at a time folds and one at a time reads; its user sees to that."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._writer = _connect(path)
        self._writer.executescript(_SCHEMA)
        self._reader = _connect(path)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()

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
            self._writer.execute(
                "INSERT OR REPLACE INTO blocks VALUES (?,?,?,?,?)",
                (series, level, start, *_encode(start, merged)),
            )


def cells_of(columns: Columns) -> Iterator[tuple[int, Cell]]:
    """Give the cells of a block with their distributions."""
    sketches = columns.sketches or [None] * len(columns.times)
    for at, count, total, least, most, sketch in zip(*columns[:5], sketches, strict=True):
        cell = Cell(count, total, least, most)
        if sketch is False:
            cell.opaque = True
        elif sketch is not None:
            cell.folded = sketch[0]
            cell.values = dict(zip(sketch[1], sketch[2], strict=True))
        yield at, cell


def _columns(start: int, cells: bytes, sketches: bytes | None) -> Columns:
    number = len(cells) // 36
    offsets = array("I", cells[: 4 * number])
    numbers = array("d", cells[4 * number :])
    counts, sums, leasts, mosts = (numbers[part * number : (part + 1) * number] for part in range(4))
    known = msgspec.msgpack.decode(sketches) if sketches else []
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
    sketches = [
        False
        if cell.opaque
        else None
        if cell.values is None
        else [cell.folded, list(cell.values), list(cell.values.values())]
        for cell in rows
    ]
    known = any(sketch is not None for sketch in sketches)
    return head.tobytes() + body.tobytes(), msgspec.msgpack.encode(sketches) if known else None


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

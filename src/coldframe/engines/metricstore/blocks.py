"""Cells on the disk: blocks of consecutive cells of one series and one resolution (block.py), in an SQLite file."""

import os
import sqlite3
from bisect import bisect_left
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from coldframe.engines.metricstore.block import SPAN, Block, Content, content, content_of
from coldframe.engines.metricstore.block_cache import BlockCache, Key
from coldframe.engines.metricstore.distributions import of_cells
from coldframe.engines.metricstore.errors import StorageFailed, StorageFull
from coldframe.engines.metricstore.index import Series
from coldframe.engines.metricstore.keys import LEVELS, RETENTION, Metric
from coldframe.engines.metricstore.memory import Memory, Run, rolled_up

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

_READ = "SELECT start, cells FROM blocks WHERE series = ? AND level = ? AND start >= ? AND start < ? ORDER BY start"
_SKETCHES = "SELECT sketches FROM blocks WHERE series = ? AND level = ? AND start = ?"
_MOST_CACHED = 400
"""More blocks of one series than retention keeps of any resolution: of a longer time, only what there is is looked at."""


class Blocks:
    """The SQLite file. One thread at a time folds and one at a time reads; its user sees to that."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._cache = BlockCache()
        self._changed: set[Key] = set()
        """The blocks that were written since the last commit."""
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
            known = content(cells, None)
            fresh = known.cells()
            for cell, sketch in zip(fresh, msgspec.msgpack.decode(sketches), strict=True):
                cell.opaque = sketch is False
                if sketch:
                    cell.folded, cell.values = sketch[0], dict(zip(sketch[1], sketch[2], strict=True))
            self._put((series, level, start), known._replace(spread=of_cells(fresh)))
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
                seconds, minutes = memory.seconds.get(one), memory.minutes.get(one)
                if seconds is not None:
                    self._fold(one, 1, seconds)
                    minutes = rolled_up([seconds, *([minutes] if minutes is not None else [])], 60)
                assert minutes is not None
                fives = rolled_up([minutes], 300)
                for level, run in ((60, minutes), (300, fives), (3600, rolled_up([fives], 3600))):
                    self._fold(one, level, run)
            self._writer.execute("DELETE FROM log")
            self._writer.execute("INSERT INTO log VALUES (?)", (number,))
        except sqlite3.Error as error:
            self._writer.rollback()
            raise _refusal(error) from error

    def commit(self) -> None:
        """Make what was folded or expired durable; raises StorageFull, StorageFailed."""
        try:
            self._writer.commit()
            self._cache.forget(self._changed)
            self._changed = set()
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
        self._cache.clear()

    def read(self, series: int, level: int, start: int, end: int) -> list[Block]:
        """Return the blocks, ascending, that may hold cells with start <= time < end."""
        span = SPAN[level]
        first = start - start % span
        starts = range(first, end, span)
        cached = len(starts) <= _MOST_CACHED
        if cached:
            known = self._cache.found((series, level, at) for at in starts)
            if known is not None:
                return known
        rows = self._reader.execute(_READ, (series, level, first, end)).fetchall()
        found = {
            at: Block(at, level, cells, partial(self._sketches, (series, level, at))) for at, cells in rows
        }
        if cached:
            for at in starts:
                self._cache.keep((series, level, at), found.get(at))
        return list(found.values())

    def _sketches(self, key: Key) -> bytes | None:
        row = self._reader.execute(_SKETCHES, key).fetchone()
        return row[0] if row else None

    def _fold(self, series: int, level: int, run: Run) -> None:
        """Merge a run, which is in order, into the blocks."""
        times, first, span = run.times, 0, SPAN[level]
        while first < len(times):
            start = times[first] - times[first] % span
            last = bisect_left(times, start + span, first)
            key = (series, level, start)
            row = self._writer.execute(
                "SELECT cells, sketches FROM blocks WHERE series = ? AND level = ? AND start = ?", key
            ).fetchone()
            if row is None:
                self._put(key, content_of(run, start, first, last))
            else:
                self._put(key, _extended(content(*row), start, run, range(first, last)))
            first = last

    def _put(self, key: Key, held: Content) -> None:
        self._writer.execute("INSERT OR REPLACE INTO blocks VALUES (?,?,?,?,?)", (*key, *held.encoded()))
        self._changed.add(key)


def _extended(old: Content, start: int, run: Run, rows: range) -> Content:
    """Return a block with some rows of a run added: what is older than all of them stays as it is."""
    kept = bisect_left(old.offsets, run.times[rows.start] - start)
    if kept == len(old.offsets):
        return old.followed_by(content_of(run, start, rows.start, rows.stop))
    tail = Run()
    for offset, cell in zip(old.offsets[kept:], old.cells(kept), strict=True):
        tail.merge(start + offset, cell)
    for row in rows:
        tail.merge(run.times[row], run.read(row))
    tail.order()
    return old.first(kept).followed_by(content_of(tail, start))


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

"""The catalog: which segments there are, what is hidden, and where the log is still needed; SQLite, one change at once."""

import sqlite3
import threading
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from coldframe.core.struct_types import whole
from coldframe.engines.logstore.errors import StoreDamaged
from coldframe.engines.logstore.rows import StreamFacts
from coldframe.engines.logstore.selection import EVER, Expiry, Hidden

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS segments (
    id INTEGER PRIMARY KEY, group_id TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    first_ts INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_ts INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    low_seq INTEGER NOT NULL, high_seq INTEGER NOT NULL, low_ingest INTEGER NOT NULL, high_ingest INTEGER NOT NULL,
    quarantined INTEGER NOT NULL DEFAULT 0, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS hidden (
    group_id TEXT PRIMARY KEY, floor INTEGER NOT NULL, before INTEGER NOT NULL, streams BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS expired (
    group_id TEXT NOT NULL, floor INTEGER NOT NULL, before INTEGER NOT NULL, PRIMARY KEY (group_id, floor, before));
"""
# A floor that an earlier version wrote meant every row there was: sequences below the next one.
_FLOORS_TOLD_BY_SEQUENCE = f"""
BEGIN IMMEDIATE;
INSERT OR IGNORE INTO expired SELECT group_id, floor, max(
    coalesce((SELECT value FROM facts WHERE name = 'next_sequence'), 0),
    coalesce((SELECT max(high_seq) + 1 FROM segments), 0)) FROM hidden WHERE floor > {-EVER};
UPDATE hidden SET floor = {-EVER} WHERE floor > {-EVER};
COMMIT;
"""  # noqa: S608 - constants


class BlockFacts(NamedTuple):
    """One row group: its row count and its first and last position."""

    rows: int
    first_ts: int
    first_seq: int
    last_ts: int
    last_seq: int


class Content(msgspec.Struct, array_like=True):
    """What a segment holds: its blocks, each stream's facts, and the blocks each stream is in."""

    blocks: list[BlockFacts]
    streams: dict[str, StreamFacts]
    places: dict[str, list[int]]


class Entry(NamedTuple):
    """A segment's row in the catalog; sequences and ingestion times are the lowest and highest of its rows."""

    id: int
    group: str
    rows: int
    bytes: int
    first_ts: int
    first_seq: int
    last_ts: int
    last_seq: int
    low_seq: int
    high_seq: int
    low_ingest: int
    high_ingest: int


_COLUMNS = "id, group_id, rows, bytes, first_ts, first_seq, last_ts, last_seq, low_seq, high_seq, low_ingest, high_ingest"


class Catalog:
    """The durable list of segments. One connection behind one lock."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA + _FLOORS_TOLD_BY_SEQUENCE)
        except sqlite3.Error as error:
            self._database.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in {
                sqlite3.SQLITE_CORRUPT,
                sqlite3.SQLITE_NOTADB,
            }:
                raise StoreDamaged(f"{path} is damaged; restore {path.parent} from a backup") from error
            raise

    def fact(self, name: str) -> int:
        """Return a remembered number, 0 when there is none."""
        with self._lock:
            found = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return int(found[0]) if found else 0

    def entries(self) -> list[Entry]:
        """Return the segments."""
        with self._lock:
            rows = self._database.execute(f"SELECT {_COLUMNS} FROM segments ORDER BY id")  # noqa: S608 - a constant
            return [Entry(*row) for row in rows]

    def quarantined(self) -> set[int]:
        """Return the ids of the segments known to be damaged."""
        with self._lock:
            return {
                int(row[0]) for row in self._database.execute("SELECT id FROM segments WHERE quarantined")
            }

    def content(self, segment: int) -> Content:
        """Return the blocks and streams of a segment; raises KeyError when the catalog no longer has it."""
        with self._lock:
            found = self._database.execute("SELECT content FROM segments WHERE id = ?", (segment,)).fetchone()
        if found is None:
            raise KeyError(segment)
        return msgspec.msgpack.decode(zlib.decompress(found[0]), type=whole(Content))

    def hidden(self) -> dict[str, Hidden]:
        """Return what is hidden, by group."""
        with self._lock:
            rows = self._database.execute("SELECT group_id, before, streams FROM hidden").fetchall()
            expired = self._database.execute("SELECT group_id, floor, before FROM expired").fetchall()
        found: dict[str, Hidden] = {}
        for group, before, streams in rows:
            found[group] = Hidden((), before, msgspec.msgpack.decode(streams, type=dict[str, int]))
        for group, floor, before in expired:
            found[group] = found.get(group, Hidden()).with_expired(Expiry(floor, before))
        return found

    def change(
        self,
        *,
        added: Iterable[tuple[Entry, Content]] = (),
        removed: Iterable[int] = (),
        hidden: Iterable[tuple[str, Hidden]] = (),
        facts: Iterable[tuple[str, int]] = (),
    ) -> None:
        """Make all these changes durable at once, or none; raises sqlite3.Error (a full disk: OperationalError)."""
        marks = ", ".join("?" * 13)
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                for entry, content in added:
                    packed = zlib.compress(msgspec.msgpack.encode(content), 1)
                    self._database.execute(
                        f"INSERT INTO segments ({_COLUMNS}, content) VALUES ({marks})",  # noqa: S608 - constants
                        (*entry, packed),
                    )
                self._database.executemany(
                    "DELETE FROM segments WHERE id = ?", [(number,) for number in removed]
                )
                for group, each in hidden:
                    self._database.execute(
                        "INSERT OR REPLACE INTO hidden VALUES (?, ?, ?, ?)",
                        (group, -EVER, each.before, msgspec.msgpack.encode(each.streams)),
                    )
                    self._database.execute("DELETE FROM expired WHERE group_id = ?", (group,))
                    self._database.executemany(
                        "INSERT INTO expired VALUES (?, ?, ?)", [(group, *expiry) for expiry in each.expired]
                    )
                self._database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", list(facts))
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def quarantine(self, segment: int) -> None:
        """Mark a segment as damaged: its good blocks are read, and it is never compacted away."""
        with self._lock:
            self._database.execute("UPDATE segments SET quarantined = 1 WHERE id = ?", (segment,))

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

"""The log store: durable appends, ordered reads, dropping and expiry of log events, sealed originals."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from coldframe.core.durable import make_folder
from coldframe.engines.logstore import sealing
from coldframe.engines.logstore.catalog import Catalog
from coldframe.engines.logstore.commit import GroupCommit
from coldframe.engines.logstore.covering import Cover, Covers, cover, uncovered
from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.errors import StorageFull
from coldframe.engines.logstore.journal import Batch, Entry, Expired, GroupDropped, StreamDropped, encode
from coldframe.engines.logstore.keyring import KeyRing, MasterKey, Wrapper
from coldframe.engines.logstore.locking import lock
from coldframe.engines.logstore.maintenance import Maintenance
from coldframe.engines.logstore.recovery import recover
from coldframe.engines.logstore.rows import (
    Appended,
    Columns,
    Event,
    EventColumns,
    Position,
    Problem,
    Row,
    StreamFacts,
)
from coldframe.engines.logstore.scan import ColumnScan, RowScan
from coldframe.engines.logstore.selection import EVER, select
from coldframe.engines.logstore.tables import Tables, View, visible_facts
from coldframe.engines.logstore.upkeep import Upkeep
from coldframe.engines.logstore.wal import WalWriter, frame

_PATIENCE_SECONDS = 30.0
_BUSY_SHARE = 128


class Settings(NamedTuple):
    """Sizes in bytes: when the memory table is written out, how large it may grow when that is slow, and how large
    a log file is made before it is used (0: it grows as it is written).
    """

    memory: int = 32 * 1024 * 1024
    memory_limit: int = 128 * 1024 * 1024
    log: int = 36 * 1024 * 1024


class LogStore:
    """One directory of log events, used by one process; every method may be called from any thread."""

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        master_key: bytes | Wrapper,
        now: Callable[[], int],
        covers: Covers | None = None,
        disk: Disk | None = None,
        settings: Settings = Settings(),  # noqa: B008 - immutable
    ) -> "LogStore":
        """Open or make the store; `now` gives milliseconds, `covers` the keys of covered rows.

        Raises StoreLocked when another process (or this one) has it open, WrongMasterKey when it was made under
        another master key.
        """
        make_folder(directory)
        held = lock(directory)
        try:
            wrapper = MasterKey(master_key) if isinstance(master_key, bytes) else master_key
            return cls(directory, held, wrapper, now, covers, disk or Disk(), settings)
        except BaseException:
            os.close(held)
            raise

    def __init__(
        self,
        directory: Path,
        held: int,
        wrapper: Wrapper,
        now: Callable[[], int],
        covers: Covers | None,
        disk: Disk,
        settings: Settings,
    ) -> None:
        for name in ("wal", "segments"):
            make_folder(directory / name)
        self._lock = held
        self._settings = settings
        self._covers = covers
        self._tables = Tables(now)
        self._keys = KeyRing(directory / "keys", wrapper, disk)
        self._catalog = Catalog(directory / "catalog.sqlite")
        self._upkeep = Upkeep(directory, self._tables, self._catalog, self._keys, disk)
        try:
            recovered = recover(directory, self._tables, self._catalog, self._upkeep.segment)
        except BaseException:
            self._catalog.close()
            raise
        self._sequence = recovered.next_sequence
        self._sequence_lock = threading.Lock()
        self._wal = WalWriter(
            directory / "wal",
            disk,
            recovered.next_wal,
            recovered.valid_before,
            busy_from=settings.log // _BUSY_SHARE,
        )
        self._commit = GroupCommit(self._wal, self._freeze_when_large)
        self._maintenance = Maintenance(self._upkeep, settings.log)
        self._maintenance.start()

    def close(self) -> None:
        """Stop; returns soon, because the log keeps what the memory table holds. May be called twice."""
        if not self._commit.close():
            return
        self._maintenance.stop()
        self._wal.close()
        self._catalog.close()
        os.close(self._lock)

    def append(
        self, group: str, stream: str, events: Sequence[Event], covered_by: Cover | None = None
    ) -> Appended:
        """Store the events, covered if a cover is given; returns only when they are durable.

        Sequences are given in the order of admission, so concurrent appends may become readable in another order.
        Raises StorageFull or StorageFailed when the disk refused: none of the events was stored; ValueError for
        events whose spans do not fit.
        """
        if not events:
            raise ValueError("an append needs at least one event")
        if self._tables.active.bytes > self._settings.memory_limit:
            self._wait_for_room()
        given = EventColumns.of(events)
        if not given.originals:
            return self._append(group, stream, given, covered_by)
        with self._keys.in_use(group):
            return self._append(group, stream, given, covered_by)

    def _append(self, group: str, stream: str, given: EventColumns, covered_by: Cover | None) -> Appended:
        first = self._reserve(len(given))
        messages = given.messages
        sealed = self._sealed(group, stream, first, given) if given.originals else None
        if covered_by is not None:
            messages, sealed = cover(covered_by, (group, stream, first), messages, sealed)
        batch = Batch(
            group,
            stream,
            first,
            given.timestamps,
            given.ingestions,
            messages,
            given.flat_spans(),
            sealed,
        )
        columns = batch.columns()
        self._commit.submit(frame(encode(batch)), lambda: self._tables.apply(batch, columns))
        return Appended(first, first + len(given) - 1)

    def unseal(self, group: str, row: Row) -> str:
        """Return the original text of the row; raises Shredded when its key was dropped."""
        return sealing.unseal(lambda day: self._keys.find(group, day), group, row)

    def scan(
        self,
        group: str,
        *,
        streams: set[str] | None = None,
        start: int = -EVER,
        end: int = EVER,
        after: Position | None = None,
        descending: bool = False,
    ) -> Iterator[Row]:
        """Give the rows of timestamps start (inclusive) to end (exclusive), in milliseconds, by position.

        Continues past `after` in the direction of the read. Rows stored after the call are not given.
        """
        return RowScan(
            self._columns(group, streams, start, end, after=after, descending=descending, contains=None)
        )

    def scan_batches(
        self,
        group: str,
        *,
        streams: set[str] | None = None,
        start: int = -EVER,
        end: int = EVER,
        after: Position | None = None,
        descending: bool = False,
        contains: str | None = None,
    ) -> Iterator[Columns]:
        """Give the same rows as parallel lists, only those whose message contains the text when one is given."""
        return self._columns(
            group, streams, start, end, after=after, descending=descending, contains=contains
        )

    @contextmanager
    def view(self, group: str) -> Iterator[View]:
        """Hold a consistent view: its segment files stay, and its recent rows are those that no segment has."""
        with self._tables.view(group) as view:
            view.covered = self._covers is not None and self._covers.covered(group)
            yield view

    def streams(self, group: str) -> dict[str, StreamFacts]:
        """Return what each stream holds; after expiry, bytes and events lag until compaction."""
        with self._tables.view(group) as view:
            return visible_facts(view)

    def group_bytes(self, group: str) -> int:
        """Return the bytes of masked text the group holds."""
        return sum(facts.bytes for facts in self.streams(group).values())

    def drop_group(self, group: str) -> None:
        """Forget every row and key of the group; durable on return, files go soon after."""
        self._hide(GroupDropped(group, self._reserve(1)))
        self._upkeep.drop_keys(group)

    def drop_stream(self, group: str, stream: str) -> None:
        """Forget every row of the stream; durable on return, rows leave the files soon after."""
        self._hide(StreamDropped(group, stream, self._reserve(1)))

    def expire(self, group: str, before: int) -> None:
        """Forget rows with a timestamp below `before` (milliseconds), and keys of days that hold nothing any more.

        Rows of that time that are stored after this are kept.
        """
        self._hide(Expired(group, before, self._reserve(1)))

    def flush(self) -> None:
        """Write the memory table to segments and finish compaction; raises StorageFull when there is no space."""
        present = self._tables.active
        while self._tables.active is present:
            self._commit.submit(b"", self._freeze)
            self._maintenance.wait_until_idle()

    def problems(self) -> list[Problem]:
        """Return what was found damaged; everything else stays readable."""
        with self._tables.lock:
            return list(self._tables.problems.values())

    def _columns(
        self,
        group: str,
        streams: set[str] | None,
        start: int,
        end: int,
        *,
        after: Position | None,
        descending: bool,
        contains: str | None,
    ) -> ColumnScan:
        covers = self._covers if self._covers is not None and self._covers.covered(group) else None
        view = self._tables.view(group)
        chosen = select(
            start,
            end,
            streams=streams,
            after=after,
            descending=descending,
            contains=contains if covers is None else None,
            hidden=view.hidden,
        )
        portions = view.columns(chosen)
        if covers is not None:
            portions = uncovered(covers, group, portions, contains)
        return ColumnScan(portions, view)

    def _reserve(self, count: int) -> int:
        with self._sequence_lock:
            first = self._sequence
            self._sequence += count
            return first

    def _sealed(self, group: str, stream: str, first: int, given: EventColumns) -> list[bytes | None]:
        sealed: list[bytes | None] = [None] * len(given)
        for at in given.originals:
            event = given[at]
            day = sealing.day_of(event.ingestion)
            key = self._keys.key(group, day)
            sealed[at] = sealing.seal(key, day, group, stream, first + at, sealing.fragments(event))
        return sealed

    def _hide(self, entry: Entry) -> None:
        self._commit.submit(frame(encode(entry)), lambda: self._tables.apply(entry))
        self._maintenance.wake()

    def _freeze_when_large(self) -> None:
        if self._tables.active.bytes >= self._settings.memory:
            self._freeze()
        elif self._wal.outgrown:
            self._wal.rotate()
        if self._wal.wants_spare:
            self._wal.wants_spare = False
            self._maintenance.want_spare()

    def _freeze(self) -> None:
        # Runs under the commit's lead: no append lies between the end of the log file and the new memory table.
        if self._tables.frozen is None:
            self._tables.active.next_sequence = self._sequence
            self._tables.freeze(self._wal.rotate())
        self._maintenance.wake()

    def _wait_for_room(self) -> None:
        self._maintenance.wait_until_flushed(_PATIENCE_SECONDS)
        if self._tables.active.bytes > self._settings.memory_limit and self._tables.frozen is not None:
            raise StorageFull("the memory table is full and segments cannot be written: nothing was stored")

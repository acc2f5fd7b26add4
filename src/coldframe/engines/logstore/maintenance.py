"""The background work: memory tables become segments, small segments become larger ones, hidden rows go for good."""

import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from coldframe.engines.logstore.catalog import Catalog, Content, Entry
from coldframe.engines.logstore.compaction import dead, next_merge
from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.errors import CorruptBlock, LogStoreError, StorageFailed, StoreClosed
from coldframe.engines.logstore.keyring import KeyRing
from coldframe.engines.logstore.memory import MemoryTable
from coldframe.engines.logstore.rows import Columns
from coldframe.engines.logstore.sealing import day_of
from coldframe.engines.logstore.segment import Segment
from coldframe.engines.logstore.selection import EVER, Hidden, everything
from coldframe.engines.logstore.tables import Tables, View
from coldframe.engines.logstore.wal import found
from coldframe.engines.logstore.writing import SegmentWriter

_RETRY_SECONDS = 1.0


class Maintenance:
    """One thread that does the background work when woken, and can be stopped between two blocks."""

    def __init__(self, directory: Path, tables: Tables, catalog: Catalog, keys: KeyRing, disk: Disk) -> None:
        self._wal = directory / "wal"
        self._directory = directory / "segments"
        self._tables = tables
        self._catalog = catalog
        self._keys = keys
        self._disk = disk
        self._changed = threading.Condition()
        self._work_waits = False
        self._stopping = False
        self._busy = False
        self._failure: LogStoreError | None = None
        self._next = max((entry.id for entry in catalog.entries()), default=catalog.fact("last_segment")) + 1
        self._thread = threading.Thread(target=self._run, name="logstore-maintenance", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be work."""
        with self._changed:
            self._work_waits = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End the thread; what it was writing is given up and done again after the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def wait_until_idle(self) -> None:
        """Return when all work there was is done; raises what kept it from being done."""
        with self._changed:
            self._failure = None
            self._work_waits = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._failure or self._stopping or not (self._busy or self._work_waits)
            )
            if self._failure is not None:
                raise self._failure

    def wait_until_thawed(self, seconds: float) -> None:
        """Return when no memory table waits to be written, or after some seconds, or when writing fails."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._tables.frozen is None or self._failure or self._stopping, timeout=seconds
            )

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                retry = _RETRY_SECONDS if self._failure is not None else None
                self._changed.wait_for(lambda: self._work_waits or self._stopping, timeout=retry)
                if self._stopping:
                    return
                self._work_waits = False
                self._busy = True
            failure: LogStoreError | None = None
            try:
                self._work()
            except StoreClosed:
                return
            except (OSError, sqlite3.Error) as error:
                failure = StorageFailed(f"segments cannot be written: {error}")
            except LogStoreError as error:
                failure = error
            with self._changed:
                self._failure = failure

    def _stopped(self) -> None:
        if self._stopping:
            raise StoreClosed("the store is being closed")

    def _work(self) -> None:
        self._flush()
        self._sweep()
        while self._compact():
            self._stopped()
            self._flush()

    def _flush(self) -> None:
        frozen = self._tables.frozen
        if frozen is None:
            return
        with self._tables.lock:
            unsaved, self._tables.unsaved = self._tables.unsaved, set()
            hidden = [(group, self._tables.hidden[group]) for group in sorted(unsaved)]
        written: dict[str, tuple[Entry, Content]] = {}
        try:
            for group in list(frozen.groups):
                result = self._write(group, self._portions_of_memory(frozen, group))
                if result is not None:
                    written[group] = result
            self._disk.reached("flush: segments written")
            self._catalog.change(
                added=written.values(),
                hidden=hidden,
                facts=[
                    ("wal_floor", frozen.last_wal + 1),
                    ("last_segment", self._next - 1),
                    *self._sequence(frozen),
                ],
            )
        except BaseException:
            with self._tables.lock:
                self._tables.unsaved |= unsaved
            self._discard(entry for entry, _ in written.values())
            raise
        self._disk.reached("flush: published")
        self._tables.thaw({group: [self.segment(*result)] for group, result in written.items()})
        with self._changed:
            self._changed.notify_all()
        for file in found(self._wal):
            if file.number <= frozen.last_wal:
                file.path.unlink()
        self._disk.reached("flush: log removed")

    def _sequence(self, frozen: MemoryTable) -> Iterable[tuple[str, int]]:
        return [("next_sequence", frozen.next_sequence)] if frozen.next_sequence else []

    def _portions_of_memory(self, frozen: MemoryTable, group: str) -> Iterable[Columns]:
        hidden = self._tables.hidden.get(group, Hidden())
        memory = frozen.groups.get(group)
        view = View(self._tables, list(memory.chunks) if memory else [], [], (), hidden)
        return view.columns(everything(hidden))

    def _write(self, group: str, portions: Iterable[Columns]) -> tuple[Entry, Content] | None:
        number, self._next = self._next, self._next + 1
        final = segment_path(self._directory, number)
        temporary = final.with_suffix(".tmp")
        try:
            result = SegmentWriter(number, group).write(temporary, portions, self._stopped)
            if result is not None:
                self._disk.reached("segment: written")
                self._disk.publish(temporary, final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return result

    def _discard(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            segment_path(self._directory, entry.id).unlink(missing_ok=True)

    def segment(self, entry: Entry, content: Content | None = None) -> Segment:
        """Return the readable segment of a catalog entry."""
        load: Callable[[], Content] = lambda: self._catalog.content(entry.id)  # noqa: E731
        segment = Segment(segment_path(self._directory, entry.id), entry, load)
        if content is not None:
            segment.content = content
        return segment

    def _sweep(self) -> None:
        """Remove segments of which nothing is left, and the keys of days of which nothing is left."""
        with self._tables.lock:
            touched, self._tables.unswept = sorted(self._tables.unswept), set()
        for number, group in enumerate(touched):
            try:
                self._remove_dead(group)
                self.drop_keys(group)
            except BaseException:
                with self._tables.lock:
                    self._tables.unswept.update(touched[number:])
                raise

    def _remove_dead(self, group: str) -> None:
        hidden = self._tables.hidden.get(group, Hidden())
        gone = {segment.id for segment in self._tables.segments.get(group, ()) if dead(segment, hidden)}
        if gone:
            self._disk.reached("sweep: before removal")
            self._catalog.change(removed=gone)
            self._disk.reached("sweep: removed from the catalog")
            self._tables.replace_segments(group, [], gone)

    def drop_keys(self, group: str) -> None:
        """Destroy the group's keys of days of which no visible row is left."""
        self._keys.drop_unneeded(group, lambda days: self._needed_days(group, days))

    def _needed_days(self, group: str, days: set[int]) -> set[int]:
        with self._tables.lock:
            hidden = self._tables.hidden.get(group, Hidden())
            segments = [s for s in self._tables.segments.get(group, ()) if not dead(s, hidden)]
            spans = [(day_of(s.entry.low_ingest), day_of(s.entry.high_ingest)) for s in segments]
            memories = [
                t.groups[group] for t in (self._tables.frozen, self._tables.active) if t and group in t.groups
            ]
        spans += [(day_of(memory.low_ingest), EVER) for memory in memories]
        return {day for day in days if any(low <= day <= high for low, high in spans)}

    def _compact(self) -> bool:
        """Do the most useful merge there is; False when there is none."""
        for group, segments in list(self._tables.segments.items()):
            chosen = next_merge(segments, self._tables.hidden.get(group, Hidden()))
            if chosen:
                self._merge(group, chosen)
                return True
        return False

    def _merge(self, group: str, chosen: list[Segment]) -> None:
        hidden = self._tables.hidden.get(group, Hidden())
        view = View(self._tables, [], [], tuple(chosen), hidden)
        with self._tables.lock:
            for segment in chosen:
                segment.readers += 1
        with view:
            try:
                result = self._write(group, view.columns(everything(hidden), report=damaged))
            except CorruptBlock as error:
                self._tables.report(error)
                for segment in chosen:
                    if segment.path.name == error.file:
                        segment.quarantined = True
                        self._catalog.quarantine(segment.id)
                return
            added = [result] if result else []
            self._disk.reached("compaction: written")
            try:
                self._catalog.change(
                    added=added, removed=[s.id for s in chosen], facts=[("last_segment", self._next - 1)]
                )
            except BaseException:
                self._discard(entry for entry, _ in added)
                raise
            self._disk.reached("compaction: published")
            self._tables.replace_segments(group, [self.segment(*r) for r in added], {s.id for s in chosen})
        self.drop_keys(group)


def damaged(error: CorruptBlock) -> None:
    """Refuse to go on without a block: a compaction must not lose what may yet be repaired."""
    raise error


def segment_path(directory: Path, number: int) -> Path:
    """Return where the segment of this number lies."""
    return directory / f"{number:012d}.parquet"

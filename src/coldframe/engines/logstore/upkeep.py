"""The background work itself: memory tables become segments, small segments larger ones, hidden rows go for good."""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from coldframe.engines.logstore.block_cache import BlockCache
from coldframe.engines.logstore.catalog import Catalog, Content, Entry
from coldframe.engines.logstore.commit import refusal
from coldframe.engines.logstore.compaction import dead, next_merge
from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.errors import CorruptBlock, StorageFull
from coldframe.engines.logstore.keyring import KeyRing
from coldframe.engines.logstore.memory import MemoryTable
from coldframe.engines.logstore.merging import merged_chunks, merged_segments
from coldframe.engines.logstore.sealing import day_of
from coldframe.engines.logstore.segment import Segment
from coldframe.engines.logstore.selection import EVER, Hidden
from coldframe.engines.logstore.tables import Tables, View, remove
from coldframe.engines.logstore.wal import SPARE, found
from coldframe.engines.logstore.writing import SegmentWriter

Written = tuple[Entry, Content]


class Upkeep:
    """Each step ends in one catalog change: before it the old files count, after it the new ones."""

    def __init__(self, directory: Path, tables: Tables, catalog: Catalog, keys: KeyRing, disk: Disk) -> None:
        self._wal = directory / "wal"
        self._directory = directory / "segments"
        self._tables = tables
        self._catalog = catalog
        self._keys = keys
        self._disk = disk
        self._blocks = BlockCache()
        self._wrote = False
        self._orphans: list[Path] = []
        self._last = max([catalog.fact("last_segment"), *(entry.id for entry in catalog.entries())])

    def segment(self, entry: Entry, content: Content | None = None) -> Segment:
        """Return the readable segment of a catalog entry."""
        segment = Segment(self._path(entry.id), entry, lambda: self._catalog.content(entry.id), self._blocks)
        if content is not None:
            segment.content = content
        return segment

    def flush(self, stopped: Callable[[], None]) -> None:
        """Write the frozen memory table to segments and remove its log files; `stopped` may raise to give up."""
        self._remove_orphans()
        frozen = self._tables.frozen
        if frozen is None:
            return
        written: dict[str, Written] = {}
        try:
            for group in list(frozen.groups):
                result = self._write(group, self._remembered(frozen, group), stopped)
                if result is not None:
                    written[group] = result
            self._disk.reached("flush: segments written")
        except BaseException:
            remove([self._path(entry.id) for entry, _ in written.values()])
            raise
        self._publish_flush(frozen, written)
        self._disk.reached("flush: published")
        self._tables.thaw({group: [self.segment(*result)] for group, result in written.items()})
        remove([file.path for file in found(self._wal) if file.number <= frozen.last_wal])
        self._disk.reached("flush: log removed")

    def _publish_flush(self, frozen: MemoryTable, written: dict[str, Written]) -> None:
        with self._tables.lock:
            unsaved, self._tables.unsaved = self._tables.unsaved, set()
            hidden = [(group, self._tables.hidden[group]) for group in sorted(unsaved)]
        facts = [("wal_floor", frozen.last_wal + 1), ("next_sequence", frozen.next_sequence)]
        try:
            self._change(added=list(written.values()), hidden=hidden, facts=facts)
        except BaseException:
            with self._tables.lock:
                self._tables.unsaved |= unsaved
            raise

    def lay_in_spare(self, size: int) -> None:
        """Have a log file of zeros ready; without space for it the log grows as it is written, only slower."""
        spare = self._wal / SPARE
        if not size or spare.exists():
            return
        temporary = spare.with_suffix(".tmp")
        try:
            self._disk.fill(temporary, size)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if not isinstance(refusal(error), StorageFull):
                raise
            return
        temporary.rename(spare)

    def sweep(self) -> None:
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

    def drop_keys(self, group: str) -> None:
        """Destroy the group's keys of days of which no visible row is left."""
        self._keys.drop_unneeded(group, lambda days: self._needed_days(group, days))

    def compact(self, stopped: Callable[[], None]) -> bool:
        """Do the most useful merge there is; False when there is none."""
        for group, segments in list(self._tables.segments.items()):
            chosen = next_merge(segments, self._tables.hidden.get(group, Hidden()))
            if chosen:
                self._merge(group, chosen, stopped)
                return True
        return False

    def give_back_memory(self) -> None:
        """Return what Arrow keeps after writing to the system; without a write Arrow is not even loaded."""
        if self._wrote:
            from coldframe.engines.logstore.arrow import pa

            pa.default_memory_pool().release_unused()
            self._wrote = False

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:012d}.parquet"

    def _remembered(self, frozen: MemoryTable, group: str) -> Iterable[Any]:
        with self._tables.lock:
            hidden = self._tables.hidden.get(group, Hidden())
            memory = frozen.groups.get(group)
            chunks = list(memory.chunks) if memory else []
        return merged_chunks(chunks, hidden)

    def _write(self, group: str, tables: Iterable[Any], stopped: Callable[[], None]) -> Written | None:
        self._wrote = True
        self._last += 1
        final = self._path(self._last)
        temporary = final.with_suffix(".tmp")
        try:
            result = SegmentWriter(self._last, group).write(temporary, tables, stopped)
            if result is not None:
                self._disk.reached("segment: written")
                self._disk.publish(temporary, final)
        except BaseException:
            remove([temporary, final])
            raise
        return result

    def _change(self, *, added: list[Written], **change: Any) -> None:
        """Change the catalog; files of a change that failed stay until the catalog surely does not name them."""
        facts = [*change.pop("facts", ()), ("last_segment", self._last)]
        try:
            self._catalog.change(added=added, facts=facts, **change)
        except sqlite3.Error:
            self._orphans += [self._path(entry.id) for entry, _ in added]
            raise

    def _remove_orphans(self) -> None:
        if self._orphans:
            # A commit that failed late may still be in the database's log; one that succeeds writes over it.
            self._change(added=[])
            orphans, self._orphans = self._orphans, []
            remove(orphans)

    def _remove_dead(self, group: str) -> None:
        hidden = self._tables.hidden.get(group, Hidden())
        gone = [segment for segment in self._tables.segments.get(group, ()) if dead(segment, hidden)]
        if gone:
            self._disk.reached("sweep: before removal")
            self._take_out(group, gone, [])
            self._disk.reached("sweep: removed")

    def _take_out(self, group: str, gone: list[Segment], added: list[Written]) -> None:
        for segment in gone:
            # A reader that holds the segment may not have asked for its content yet, and the catalog forgets it now.
            segment.load()
        numbers = {segment.id for segment in gone}
        self._change(added=added, removed=numbers)
        self._disk.reached("catalog: segments taken out")
        self._tables.replace_segments(group, [self.segment(*result) for result in added], numbers)
        self._blocks.forget(numbers)

    def _needed_days(self, group: str, days: set[int]) -> set[int]:
        with self._tables.lock:
            hidden = self._tables.hidden.get(group, Hidden())
            segments = [s for s in self._tables.segments.get(group, ()) if not dead(s, hidden)]
            tables = [t for t in (self._tables.frozen, self._tables.active) if t is not None]
            memories = [table.groups[group] for table in tables if group in table.groups]
        spans = [(day_of(s.entry.low_ingest), day_of(s.entry.high_ingest)) for s in segments]
        spans += [
            (day_of(m.low_ingest), EVER)
            for m in memories
            if any(c.high.timestamp >= hidden.floor_of(c.high_seq) for c in m.chunks)
        ]
        return {day for day in days if any(low <= day <= high for low, high in spans)}

    def _merge(self, group: str, chosen: list[Segment], stopped: Callable[[], None]) -> None:
        with self._tables.lock:
            hidden = self._tables.hidden.get(group, Hidden())
            for segment in chosen:
                segment.readers += 1
        with View(self._tables, [], [], tuple(chosen), hidden):
            try:
                result = self._write(group, merged_segments(chosen, hidden), stopped)
            except CorruptBlock as error:
                self._quarantine(error, chosen)
                return
            self._disk.reached("compaction: written")
            self._take_out(group, chosen, [result] if result else [])
        self._disk.reached("compaction: done")
        self.drop_keys(group)

    def _quarantine(self, error: CorruptBlock, chosen: list[Segment]) -> None:
        self._tables.report(error)
        for segment in chosen:
            if segment.path.name == error.file:
                segment.quarantined = True
                self._catalog.quarantine(segment.id)

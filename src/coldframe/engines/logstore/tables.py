"""The store's present state: memory tables, segments and what is hidden, with consistent views for readers."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from coldframe.engines.logstore.errors import CorruptBlock
from coldframe.engines.logstore.journal import Batch, Entry, Expired, GroupDropped, StreamDropped
from coldframe.engines.logstore.memory import Chunk, MemoryTable
from coldframe.engines.logstore.merge import Block, merged
from coldframe.engines.logstore.rows import Columns, Problem, SegmentFacts, StreamFacts
from coldframe.engines.logstore.segment import Segment
from coldframe.engines.logstore.selection import Expiry, Hidden, Selection, everything


class Tables:
    """All state that reads need. Its lock is held for moments only, never during a read or write of a file."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.lock = threading.Lock()
        self.active = MemoryTable()
        self.frozen: MemoryTable | None = None
        self.segments: dict[str, tuple[Segment, ...]] = {}
        self.hidden: dict[str, Hidden] = {}
        self.unsaved: set[str] = set()
        self.unswept: set[str] = set()
        self.problems: dict[tuple[str, int], Problem] = {}
        self._now = now
        # What views held that have ended, until it is counted.
        self._left: deque[tuple[Segment, ...]] = deque()

    def apply(self, entry: Entry, columns: Columns | None = None) -> None:
        """Make a durable entry of the log readable; `columns` saves building a batch's rows again."""
        with self.lock:
            if isinstance(entry, Batch):
                self.active.add(entry.group, columns or entry.columns())
                return
            self._hide(entry)

    def _hide(self, entry: GroupDropped | StreamDropped | Expired) -> None:
        known = self.hidden.get(entry.group, Hidden())
        if isinstance(entry, Expired):
            known = known.with_expired(Expiry(entry.floor, entry.before))
        elif isinstance(entry, StreamDropped):
            known = replace(known, streams={**known.streams, entry.stream: entry.before})
        else:
            known = Hidden(known.expired, entry.before, {})
        for table in (self.active, self.frozen):
            if table is None:
                continue
            if isinstance(entry, StreamDropped) and entry.group in table.groups:
                table.groups[entry.group].facts.pop(entry.stream, None)
                table.groups[entry.group].high.pop(entry.stream, None)
            elif isinstance(entry, GroupDropped):
                table.groups.pop(entry.group, None)
        self.hidden[entry.group] = known
        self.unsaved.add(entry.group)
        self.unswept.add(entry.group)

    def freeze(self, last_wal: int) -> None:
        """Set the active memory table aside to be written out; the log files up to last_wal hold its rows."""
        with self.lock:
            self.active.last_wal = last_wal
            self.frozen = self.active
            self.active = MemoryTable()

    def view(self, group: str) -> "View":
        """Return a consistent view of the group; close it when done."""
        with self.lock:
            chunks: list[Chunk] = []
            facts: list[dict[str, StreamFacts]] = []
            highs: list[dict[str, int]] = []
            for table in (self.frozen, self.active):
                if table is not None and group in table.groups:
                    chunks += table.groups[group].chunks
                    facts.append(dict(table.groups[group].facts))
                    highs.append(dict(table.groups[group].high))
            segments = self.segments.get(group, ())
            for segment in segments:
                segment.readers += 1
            return View(self, chunks, facts, segments, self.hidden.get(group, Hidden()), highs)

    def release(self, segments: tuple[Segment, ...]) -> None:
        """End a view's hold on its segments and remove the files nobody needs any more."""
        self._left.append(segments)
        with self.lock:
            unneeded = self._let_go()
        remove(unneeded)

    def leave(self, segments: tuple[Segment, ...]) -> None:
        """End a hold now, or with the next release when the lock is taken.

        For garbage, which is collected between any two steps of a thread, also one that has the lock.
        """
        self._left.append(segments)
        if self.lock.acquire(blocking=False):
            try:
                unneeded = self._let_go()
            finally:
                self.lock.release()
            remove(unneeded)

    def _let_go(self) -> list[Path]:
        """Count readers less, under the lock; return the files that nobody needs any more."""
        unneeded: list[Path] = []
        while self._left:
            segments = self._left.popleft()
            for segment in segments:
                segment.readers -= 1
            unneeded += [segment.path for segment in segments if segment.doomed and not segment.readers]
        return unneeded

    def replace_segments(self, group: str, added: list[Segment], removed: set[int]) -> None:
        """Put segments in and out of the group's list at once."""
        with self.lock:
            self._replace(group, added, removed)
            doomed = self._doomed_of_last_change
        remove(doomed)

    def thaw(self, added: dict[str, list[Segment]]) -> None:
        """Replace the frozen memory table by the segments written from it, at once."""
        with self.lock:
            for group, segments in added.items():
                self._replace(group, segments, set())
            self.frozen = None

    def _replace(self, group: str, added: list[Segment], removed: set[int]) -> None:
        before = self.segments.get(group, ())
        after = (*(segment for segment in before if segment.id not in removed), *added)
        for segment in before:
            segment.doomed = segment.doomed or segment.id in removed
        self._doomed_of_last_change = [s.path for s in before if s.doomed and not s.readers]
        if after:
            self.segments[group] = after
        else:
            self.segments.pop(group, None)

    def report(self, error: CorruptBlock) -> None:
        """Remember something that did not read back, once."""
        with self.lock:
            self.problems.setdefault(
                (error.file, error.offset), Problem(error.file, error.offset, error.reason, self._now())
            )


class View:
    """The rows of one group at one moment: memory chunks, segments and what is hidden.

    `covered` tells that some may be covered, so that only the store's scans can read them.
    """

    def __init__(
        self,
        tables: Tables,
        chunks: list[Chunk],
        memory_facts: list[dict[str, StreamFacts]],
        segments: tuple[Segment, ...],
        hidden: Hidden,
        memory_highs: Sequence[Mapping[str, int]] = (),
    ) -> None:
        self._tables = tables
        self._held = segments
        self.chunks = chunks
        self.memory_facts = memory_facts
        self.memory_highs = memory_highs
        self.segments = segments
        self.hidden = hidden
        self.covered = False

    def columns(self, selection: Selection) -> Iterator[Columns]:
        """Give the selected rows in order, a portion at a time; damage goes to the store's problems."""
        runs: list[Iterator[Block]] = [iter((chunk,)) for chunk in self.chunks if chunk.touches(selection)]
        runs += [
            segment.blocks(selection)
            for segment in self.segments
            if selection.touches(segment.low, segment.high)
        ]
        return merged(runs, selection, self._tables.report)

    def segments_between(self, start: int, end: int) -> list[SegmentFacts]:
        """Return the files with timestamps from start (inclusive) to end (exclusive)."""
        return [
            SegmentFacts(segment.path, segment.low.timestamp, segment.high.timestamp, segment.entry.rows)
            for segment in self.segments
            if segment.low.timestamp < end and segment.high.timestamp >= start
        ]

    def recent(self) -> Columns:
        """Return the rows that are in memory only, ordered."""
        rows = Columns.empty()
        chosen = everything(self.hidden)
        for portion in merged([iter((chunk,)) for chunk in self.chunks], chosen, self._tables.report):
            rows.extend(portion)
        return rows

    def close(self) -> None:
        """Let go of the segments' files; may be called twice."""
        held, self._held = self._held, ()
        if held:
            self._tables.release(held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __del__(self) -> None:
        if self._held:
            self._tables.leave(self._held)


def visible_facts(view: View) -> dict[str, StreamFacts]:
    """Return the facts of the streams that have visible rows."""
    found: dict[str, StreamFacts] = {}
    hidden = view.hidden
    parts = [
        (segment.entry.high_seq, name, facts)
        for segment in view.segments
        for name, facts in segment.content.streams.items()
    ]
    for highs, streams in zip(view.memory_highs, view.memory_facts, strict=True):
        parts += [(highs[name], name, facts) for name, facts in streams.items()]
    for high, name, facts in parts:
        floor = hidden.floor_of(high)
        if high < max(hidden.before, hidden.streams.get(name, 0)) or facts.last_timestamp < floor:
            continue
        visible = facts._replace(first_timestamp=max(facts.first_timestamp, floor))
        found[name] = found[name].joined(visible) if name in found else visible
    return found


def remove(paths: list[Path]) -> None:
    """Remove files; what a crash leaves behind is removed at the next start."""
    for path in paths:
        path.unlink(missing_ok=True)

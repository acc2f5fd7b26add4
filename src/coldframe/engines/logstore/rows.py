"""The shapes that go in and come out of the log store: events, rows, positions, columns and plain facts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, overload

Span = tuple[int, int, int]


class Event(NamedTuple):
    """One event to store. Times are milliseconds since the epoch.

    `message` is the masked text. `spans` are (start, end, kind index) in characters of it. `original` is the text
    before masking when something was masked; it has the same length and differs inside the spans only.
    """

    timestamp: int
    ingestion: int
    message: str
    spans: Sequence[Span] = ()
    original: str | None = None


class EventColumns(Sequence[Event]):
    """Events to store as parallel lists; `spans` and `originals` hold those of masked events, by index.

    An append takes the lists as they are, and whoever wants events gets them made.
    """

    __slots__ = ("ingestions", "messages", "originals", "spans", "timestamps")

    def __init__(
        self,
        timestamps: list[int],
        ingestions: list[int],
        messages: list[str],
        spans: dict[int, Sequence[Span]] | None = None,
        originals: dict[int, str] | None = None,
    ) -> None:
        self.timestamps = timestamps
        self.ingestions = ingestions
        self.messages = messages
        self.spans = spans or {}
        self.originals = originals or {}

    @classmethod
    def of(cls, events: Sequence[Event]) -> "EventColumns":
        """Return the events as columns."""
        if isinstance(events, EventColumns):
            return events
        timestamps, ingestions, messages, spans, originals = zip(*events, strict=True)
        return cls(
            list(timestamps),
            list(ingestions),
            list(messages),
            {index: each for index, each in enumerate(spans) if each},
            {index: each for index, each in enumerate(originals) if each is not None},
        )

    def flat_spans(self) -> list[tuple[int, ...] | None] | None:
        """Return each event's spans as one flat tuple, or None where it has none; None when no event has any."""
        if not self.spans:
            return None
        flat: list[tuple[int, ...] | None] = [None] * len(self.timestamps)
        for at, spans in self.spans.items():
            flat[at] = flattened(spans)
        return flat

    def __len__(self) -> int:
        return len(self.timestamps)

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        return Event(
            self.timestamps[at],
            self.ingestions[at],
            self.messages[at],
            self.spans.get(at, ()),
            self.originals.get(at),
        )


class Position(NamedTuple):
    """Where a row stands in a group: rows are ordered by timestamp, then by sequence."""

    timestamp: int
    sequence: int


class Row(NamedTuple):
    """One stored event; `sealed` is the encrypted original of its spans, or None when nothing was masked."""

    timestamp: int
    sequence: int
    ingestion: int
    stream: str
    message: str
    spans: tuple[Span, ...]
    sealed: bytes | None

    @property
    def position(self) -> Position:
        """The place to continue after this row."""
        return Position(self.timestamp, self.sequence)


class Appended(NamedTuple):
    """Facts of a durable append: its rows have the sequences first_sequence to last_sequence."""

    first_sequence: int
    last_sequence: int


class StreamFacts(NamedTuple):
    """What a stream holds: times in milliseconds, bytes of masked UTF-8 text, number of events."""

    first_timestamp: int
    last_timestamp: int
    last_ingestion: int
    bytes: int
    events: int

    def joined(self, other: "StreamFacts") -> "StreamFacts":
        """Return the facts of both together."""
        return StreamFacts(
            min(self.first_timestamp, other.first_timestamp),
            max(self.last_timestamp, other.last_timestamp),
            max(self.last_ingestion, other.last_ingestion),
            self.bytes + other.bytes,
            self.events + other.events,
        )


class SegmentFacts(NamedTuple):
    """One immutable Parquet file of a group and the timestamps (milliseconds, both inclusive) it spans."""

    path: Path
    first_timestamp: int
    last_timestamp: int
    rows: int


class Problem(NamedTuple):
    """Something stored that does not read back; `at` is when it was noticed, in milliseconds."""

    file: str
    offset: int
    reason: str
    at: int


@dataclass(slots=True)
class Columns:
    """Rows as parallel lists; spans are flat (start, end, kind, start, ...) or None when there are none."""

    ts: list[int]
    seq: list[int]
    ingest: list[int]
    stream: list[str]
    message: list[str]
    spans: list[tuple[int, ...] | None]
    sealed: list[bytes | None]

    @classmethod
    def empty(cls) -> Self:
        """Return columns without rows."""
        return cls([], [], [], [], [], [], [])

    def __len__(self) -> int:
        return len(self.ts)

    def pick(self, indices: Sequence[int]) -> "Columns":
        """Return the rows at these indices, in their order."""
        lists = (self.ts, self.seq, self.ingest, self.stream, self.message, self.spans, self.sealed)
        if isinstance(indices, range) and indices.step == 1:
            part = slice(indices.start, indices.stop)
            return Columns(*(values[part] for values in lists))  # type: ignore[arg-type]
        return Columns(*([values[i] for i in indices] for values in lists))  # type: ignore[arg-type]

    def extend(self, other: "Columns") -> None:
        """Add the other's rows at the end."""
        self.ts += other.ts
        self.seq += other.seq
        self.ingest += other.ingest
        self.stream += other.stream
        self.message += other.message
        self.spans += other.spans
        self.sealed += other.sealed

    def ordered(self) -> "Columns":
        """Return the rows by (timestamp, sequence); the same object when they already are."""
        if self.ts == sorted(self.ts) and self.seq == sorted(self.seq):
            return self
        keys = list(zip(self.ts, self.seq, strict=True))
        if keys == sorted(keys):
            return self
        return self.pick(sorted(range(len(keys)), key=keys.__getitem__))

    def rows(self) -> Iterator[Row]:
        """Give the rows one by one."""
        for ts, seq, ingest, stream, message, flat, sealed in zip(
            self.ts, self.seq, self.ingest, self.stream, self.message, self.spans, self.sealed, strict=True
        ):
            yield Row(ts, seq, ingest, stream, message, triples(flat) if flat else (), sealed)


def triples(flat: Sequence[int]) -> tuple[Span, ...]:
    """Return (start, end, kind) triples of a flat list."""
    return tuple(zip(flat[0::3], flat[1::3], flat[2::3], strict=True))


def flattened(spans: Sequence[Span]) -> tuple[int, ...] | None:
    """Return the triples as one flat tuple, or None when there are none."""
    return tuple(number for span in spans for number in span) if spans else None

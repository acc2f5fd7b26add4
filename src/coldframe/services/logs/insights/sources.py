"""What a query reads: the events of its log groups and time range, as relations of the query engine."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from coldframe.engines.logstore.memory import Chunk
from coldframe.engines.logstore.rows import Columns, Row, triples
from coldframe.engines.logstore.store import LogStore
from coldframe.engines.logstore.tables import View
from coldframe.engines.query.engine import Relation, Session
from coldframe.services.logs.insights.errors import QueryFailed

_PLAIN = ("ts", "seq", "ingest", "stream", "message")
_SEALED = (*_PLAIN, "spans", "sealed")
MOST_ORIGINALS = 200_000

Originals = Callable[[list[Row]], list[str]]


class Group(NamedTuple):
    """A log group of a query: the id of its events, its name, `account:name`, and the first time retention keeps."""

    id: str
    name: str
    label: str
    floor: int


class Scanned(NamedTuple):
    """How many events, and bytes of their messages, lie in a query's time range."""

    records: int
    bytes: float


class Sources:
    """The relations `events0`, `events1` ... of a session, for times from `start` to `end` inclusive, in milliseconds."""

    def __init__(self, store: LogStore, session: Session, start: int, end: int) -> None:
        self._store = store
        self._session = session
        self._start = start
        self._end = end

    @contextmanager
    def open(
        self, groups: list[Group], *, newest: int | None, originals: list[Originals] | None
    ) -> Iterator[list[Scanned]]:
        """Define the relations, of only the `newest` events where that is enough; files stay until the block ends."""
        with ExitStack() as stack:
            scanned = []
            for number, group in enumerate(groups):
                view = stack.enter_context(self._store.view(group.id))
                scanned.append(self._scanned(number, group, view))
                unmask = originals[number] if originals is not None else None
                self._define(number, group, view, newest, unmask)
            yield scanned

    def _define(
        self, number: int, group: Group, view: View, newest: int | None, originals: Originals | None
    ) -> None:
        name = f"events{number}"
        columns = _PLAIN if originals is None else _SEALED
        plain = name if originals is None else f"plain{number}"
        start = max(self._start, group.floor)
        if newest is not None or view.covered:
            # Files hold covered texts as ciphertexts, so all of them are read and uncovered here.
            rows = table(_first(self._store, group, start, self._end, newest), columns)
            self._session.define(Relation(plain, columns, (), rows))
        else:
            files = tuple(facts.path for facts in view.segments_between(start, self._end + 1))
            rows = table(_memory(view, start, self._end), columns)
            self._session.define(Relation(plain, columns, files, rows, self._conditions(number, start, view)))
        if originals is not None:
            self._unmasked(number, originals)

    def _unmasked(self, number: int, originals: Originals) -> None:
        """Add to the events of a group the texts of those that were masked, in memory only."""
        from coldframe.engines.logstore.arrow import pa

        found = self._session.run(
            f"SELECT {', '.join(_SEALED)} FROM plain{number} WHERE sealed IS NOT NULL LIMIT {MOST_ORIGINALS + 1}"
        )
        if len(found) > MOST_ORIGINALS:
            raise QueryFailed(
                f"more than {MOST_ORIGINALS} masked events would be unmasked: narrow the time range"
            )
        rows = [
            Row(ts, seq, ingest, stream, message, triples(spans or ()), bytes(sealed))
            for ts, seq, ingest, stream, message, spans, sealed in found
        ]
        texts = originals(rows)
        keys = {"ts": [row.timestamp for row in rows], "seq": [row.sequence for row in rows]}
        schema = pa.schema([("ts", pa.int64()), ("seq", pa.int64()), ("original", pa.string())])
        self._session.register(f"originals{number}", pa.table({**keys, "original": texts}, schema=schema))
        self._session.run(
            f"CREATE TEMP VIEW events{number} AS SELECT p.*, coalesce(o.original, p.message) AS original"
            f" FROM plain{number} p LEFT JOIN originals{number} o ON p.ts = o.ts AND p.seq = o.seq"
        )

    def _conditions(self, number: int, start: int, view: View) -> tuple[str, ...]:
        """Return which rows count: those of the time range that were not dropped or expired."""
        hidden = view.hidden
        conditions = [f"ts >= {max(start, hidden.floor)}", f"ts <= {self._end}"]
        if hidden.before:
            conditions.append(f"seq >= {hidden.before}")
        if hidden.streams:
            from coldframe.engines.logstore.arrow import pa

            dropped = pa.table({"name": list(hidden.streams), "before": list(hidden.streams.values())})
            self._session.register(f"dropped{number}", dropped)
            conditions.append(
                f"NOT EXISTS (SELECT 1 FROM dropped{number} d WHERE d.name = stream AND seq < d.before)"
            )
        return tuple(conditions)

    def _scanned(self, number: int, group: Group, view: View) -> Scanned:
        """Count the events in the time range: from the catalog where it knows, from the times of the rest."""
        start = max(self._start, group.floor, view.hidden.floor)
        untouched = not view.hidden.before and not view.hidden.streams
        records, size = _in_memory(view, start, self._end)
        partly = []
        for segment in view.segments:
            entry = segment.entry
            if entry.first_ts > self._end or entry.last_ts < start:
                continue
            if untouched and entry.first_ts >= start and entry.last_ts <= self._end:
                records += entry.rows
                size += entry.bytes
            else:
                partly.append(segment)
        if partly:
            name = f"partly{number}"
            files = tuple(segment.path for segment in partly)
            conditions = self._conditions(number, start, view)
            self._session.define(Relation(name, ("ts",), files, None, conditions))
            count = int(self._session.run(f"SELECT count(*) FROM {name}")[0][0])
            records += count
            rows = sum(segment.entry.rows for segment in partly)
            size += sum(segment.entry.bytes for segment in partly) * count / max(rows, 1)
        return Scanned(records, size)


def _within(chunk: Chunk, start: int, end: int) -> range:
    """Return which rows of a chunk have times from start to end, both inclusive."""
    places = range(len(chunk))
    first = bisect_left(places, start, key=lambda at: chunk.position(at)[0])
    return range(first, bisect_right(places, end, first, key=lambda at: chunk.position(at)[0]))


def _memory(view: View, start: int, end: int) -> Columns:
    """Return the rows that are in memory only, of the time range, in no order and with dropped ones among them."""
    found = Columns.empty()
    for chunk in view.chunks:
        rows = _within(chunk, start, end)
        if rows:
            found.extend(chunk.columns(rows))
    return found


def _in_memory(view: View, start: int, end: int) -> tuple[int, float]:
    """Return how many rows of the time range are in memory only, and about how many bytes they have."""
    hidden = view.hidden
    records = 0
    for chunk in view.chunks:
        rows = _within(chunk, start, end)
        if not hidden.before and not hidden.streams:
            records += len(rows)
        elif rows:
            part = chunk.columns(rows)
            records += sum(
                seq >= max(hidden.before, hidden.streams.get(stream, 0))
                for seq, stream in zip(part.seq, part.stream, strict=True)
            )
    facts = [each for table in view.memory_facts for each in table.values()]
    events = sum(each.events for each in facts)
    return records, sum(each.bytes for each in facts) * records / max(events, 1)


def _first(store: LogStore, group: Group, start: int, end: int, count: int | None) -> Columns:
    found = Columns.empty()
    with store.scan_batches(group.id, start=start, end=end + 1, descending=True) as batches:  # type: ignore[attr-defined]
        for batch in batches:
            found.extend(batch)
            if count is not None and len(found) >= count:
                break
    return found.pick(range(len(found) if count is None else min(count, len(found))))


def table(rows: Columns, columns: tuple[str, ...]) -> Any:
    """Return these columns of rows as an Arrow table."""
    from coldframe.engines.logstore.arrow import pa

    kinds = {
        "ts": pa.int64(), "seq": pa.int64(), "ingest": pa.int64(), "stream": pa.string(), "message": pa.string(),
        "spans": pa.list_(pa.int32()), "sealed": pa.binary(),
    }  # fmt: skip
    schema = pa.schema([(name, kinds[name]) for name in columns])
    arrays = [pa.array(getattr(rows, name), kinds[name]) for name in columns]
    return pa.Table.from_arrays(arrays, schema=schema)

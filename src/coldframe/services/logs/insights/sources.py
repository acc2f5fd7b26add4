"""What a query reads: the events of its log groups and time range, as relations of the query engine."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from coldframe.engines.logstore.memory import Chunk
from coldframe.engines.logstore.rows import Columns, Row, triples
from coldframe.engines.logstore.selection import EVER, Selection, select
from coldframe.engines.logstore.store import LogStore
from coldframe.engines.logstore.tables import View
from coldframe.engines.query.engine import Relation, Session
from coldframe.services.logs.insights.errors import QueryFailed
from coldframe.services.logs.insights.stage import Reading

_PLAIN = ("ts", "seq", "ingest", "stream", "message")
_SEALED = (*_PLAIN, "spans", "sealed")
MOST_ORIGINALS = 200_000
MOST_TRANSFORMED = 500_000

Originals = Callable[[list[Row]], list[str]]


class Group(NamedTuple):
    """A log group of a query: the id of its events, its name, `account:name`, and the first time retention keeps.

    `transformed` makes of a message, its stream and its time what the group's transformer does; it is for events that
    have arrived `since`.
    """

    id: str
    name: str
    label: str
    floor: int
    transformed: Callable[[str, str, int], str] | None = None
    since: int = 0


class Scanned(NamedTuple):
    """How many events, and bytes of their messages, lie in a query's time range."""

    records: int
    bytes: float


class Sources:
    """The relations of events that a query reads, in a session of its own."""

    def __init__(self, store: LogStore, session: Session) -> None:
        self._store = store
        self._session = session

    @contextmanager
    def open(
        self,
        readings: list[Reading],
        groups: list[Group],
        *,
        newest: int | None,
        originals: list[Originals] | None,
        messages: bool = True,
    ) -> Iterator[list[Scanned]]:
        """Define the relations, of only the `newest` events where that is enough; files stay until the block ends.

        Raises QueryFailed where more events would have to be unmasked or transformed than one query may.
        """
        with ExitStack() as stack:
            scanned = []
            for reading in readings:
                group = groups[reading.group]
                view = stack.enter_context(self._store.view(group.id))
                source = _Source(self._store, self._session, reading, group, view)
                scanned.append(source.scanned())
                unmask = originals[reading.group] if originals is not None else None
                source.define(newest, unmask, messages=messages)
            yield scanned


class _Source:
    """One relation of events."""

    def __init__(self, store: LogStore, session: Session, reading: Reading, group: Group, view: View) -> None:
        self._store = store
        self._session = session
        self._name = reading.relation
        self._start = max(reading.start, group.floor)
        self._end = reading.end
        self._group = group
        self._view = view

    def define(self, newest: int | None, originals: Originals | None, *, messages: bool) -> None:
        """Define the relation; without `messages` nobody looks at what the events say."""
        columns = _PLAIN if originals is None else _SEALED
        changes = originals is not None or (self._group.transformed is not None and messages)
        stored = f"{self._name}_stored" if changes else self._name
        if newest is not None or self._view.covered:
            # Files hold covered texts as ciphertexts, so all of them are read and uncovered here.
            rows = table(_first(self._store, self._group, self._start, self._end, newest), columns)
            self._session.define(Relation(stored, columns, (), rows))
        else:
            files = tuple(facts.path for facts in self._view.segments_between(self._start, self._end + 1))
            rows = table(_memory(self._view, self._start, self._end), columns)
            self._session.define(Relation(stored, columns, files, rows, self._conditions()))
        if self._group.transformed is not None and messages:
            self._transform(self._group.transformed, stored, originals)
        elif originals is not None:
            self._unmask(stored, originals)

    def _unmask(self, stored: str, originals: Originals) -> None:
        """Add to the events of a group the texts of those that were masked, in memory only."""
        from coldframe.engines.logstore.arrow import pa

        rows = self._sealed(self._rows(stored, _SEALED, "WHERE sealed IS NOT NULL", MOST_ORIGINALS))
        keys = {"ts": [row.timestamp for row in rows], "seq": [row.sequence for row in rows]}
        schema = pa.schema([("ts", pa.int64()), ("seq", pa.int64()), ("original", pa.string())])
        texts = pa.table({**keys, "original": originals(rows)}, schema=schema)
        self._session.register(f"{self._name}_originals", texts)
        self._session.run(
            f"CREATE TEMP VIEW {self._name} AS SELECT p.*, coalesce(o.original, p.message) AS original"
            f" FROM {stored} p LEFT JOIN {self._name}_originals o ON p.ts = o.ts AND p.seq = o.seq"
        )

    def _transform(
        self, transformed: Callable[[str, str, int], str], stored: str, originals: Originals | None
    ) -> None:
        """Define the relation with what the group's transformer makes of the events, in memory only."""
        from coldframe.engines.logstore.arrow import pa

        columns = _PLAIN if originals is None else _SEALED
        found = self._rows(stored, columns, "", MOST_TRANSFORMED)
        made = {name: [row[at] for row in found] for at, name in enumerate(_PLAIN)}
        made["message"] = [self._transformed(transformed, row, row[4]) for row in found]
        if originals is not None:
            sealed = [at for at, row in enumerate(found) if row[6] is not None]
            if len(sealed) > MOST_ORIGINALS:
                raise _too_many(MOST_ORIGINALS, "masked events would be unmasked")
            made["original"] = list(made["message"])
            texts = originals(self._sealed([found[at] for at in sealed]))
            for at, text in zip(sealed, texts, strict=True):
                made["original"][at] = self._transformed(transformed, found[at], text)
        kinds = {name: pa.int64() if name in {"ts", "seq", "ingest"} else pa.string() for name in made}
        self._session.register(self._name, pa.table(made, schema=pa.schema(list(kinds.items()))))

    def _transformed(
        self, transformed: Callable[[str, str, int], str], row: tuple[Any, ...], text: str
    ) -> str:
        ts, _, ingest, stream = row[:4]
        return transformed(text, stream, ts) if ingest >= self._group.since else text

    def _rows(self, stored: str, columns: tuple[str, ...], where: str, most: int) -> list[tuple[Any, ...]]:
        """Return these columns of the stored rows; raises QueryFailed where there are too many of them."""
        found = self._session.run(f"SELECT {', '.join(columns)} FROM {stored} {where} LIMIT {most + 1}")
        if len(found) > most:
            raise _too_many(
                most, "masked events would be unmasked" if where else "events would be transformed"
            )
        return found

    @staticmethod
    def _sealed(found: list[tuple[Any, ...]]) -> list[Row]:
        return [
            Row(ts, seq, ingest, stream, message, triples(spans or ()), bytes(sealed))
            for ts, seq, ingest, stream, message, spans, sealed in found
        ]

    def _conditions(self) -> tuple[str, ...]:
        """Return which rows count: those of the time range that were not dropped or expired."""
        hidden = self._view.hidden
        conditions = [f"ts >= {self._start}", f"ts <= {self._end}"]
        conditions += [
            f"NOT (ts < {floor} AND seq < {before})"
            for floor, before in hidden.expired
            if floor > self._start
        ]
        if hidden.before:
            conditions.append(f"seq >= {hidden.before}")
        if hidden.streams:
            from coldframe.engines.logstore.arrow import pa

            dropped = pa.table({"name": list(hidden.streams), "before": list(hidden.streams.values())})
            self._session.register(f"{self._name}_dropped", dropped)
            conditions.append(
                f"NOT EXISTS (SELECT 1 FROM {self._name}_dropped d WHERE d.name = stream AND seq < d.before)"
            )
        return tuple(conditions)

    def scanned(self) -> Scanned:
        """Count the events in the time range: from the catalog where it knows, from the times of the rest."""
        view, start = self._view, self._start
        untouched = not _chosen(view, start).hides_some
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
            name = f"{self._name}_partly"
            files = tuple(segment.path for segment in partly)
            self._session.define(Relation(name, ("ts",), files, None, self._conditions()))
            count = int(self._session.run(f"SELECT count(*) FROM {name}")[0][0])
            records += count
            rows = sum(segment.entry.rows for segment in partly)
            size += sum(segment.entry.bytes for segment in partly) * count / max(rows, 1)
        return Scanned(records, size)


def _too_many(most: int, what: str) -> QueryFailed:
    return QueryFailed(f"more than {most} {what}: narrow the time range")


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


def _chosen(view: View, start: int) -> Selection:
    """Return the selection of the rows of a view from a time on that are neither dropped nor expired."""
    return select(start, EVER, streams=None, after=None, descending=False, contains=None, hidden=view.hidden)


def _in_memory(view: View, start: int, end: int) -> tuple[int, float]:
    """Return how many rows of the time range are in memory only, and about how many bytes they have."""
    chosen = _chosen(view, start)
    records = 0
    for chunk in view.chunks:
        rows = _within(chunk, start, end)
        if not chosen.hides_some:
            records += len(rows)
        elif rows:
            part = chunk.columns(rows)
            records += sum(map(chosen.wants, part.stream, part.ts, part.seq))
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

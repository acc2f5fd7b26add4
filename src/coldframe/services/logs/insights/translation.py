"""From the text of a query to a plan: SQL with bound values, and what its columns mean."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from coldframe.services.logs.insights import tree
from coldframe.services.logs.insights.commands import COMMANDS
from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.expressions import Times
from coldframe.services.logs.insights.parsing import parse
from coldframe.services.logs.insights.stage import Chain, Lookup, Reading, Stage, base
from coldframe.services.logs.insights.statistics import children
from coldframe.services.logs.insights.times import milliseconds
from coldframe.services.logs.insights.tree import Command, Source
from coldframe.services.logs.insights.values import Kind

DEFAULT_LIMIT = 10_000
_PARAMETER = re.compile(r"\$(p\d+)")
_STANDARD_ONLY = (tree.Pattern, tree.Anomaly, tree.Compare, tree.Unmask)
_KEEPS_ROWS = (
    *(
        tree.Source,
        tree.Fields,
        tree.Display,
        tree.ParseGlob,
        tree.ParseRegex,
        tree.ParseForm,
        tree.JsonField,
        tree.Unmask,
        tree.Lookup,
    ),
)

Resolve = Callable[[Source], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and the values it names."""

    sql: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a query runs: temporary tables to make, the result, and the count of matching events.

    The relations of `readings` are expected, with ts, seq, ingest, stream, message, and `original` where `unmasks`,
    and those of `lookups`. `matched` is None where every event matches. Where `pointers`, the last three columns of
    the result are group, time and sequence. With `newest`, that many newest events of each group are all it needs;
    without `messages` it looks at no message.
    """

    prepared: list[Statement]
    result: Statement
    matched: Statement | None
    columns: list[tuple[str, Kind]]
    pointers: bool
    unmasks: bool
    newest: int | None
    readings: list[Reading]
    lookups: list[Lookup]
    messages: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was asked: its text, its commands and its times."""

    text: str
    commands: tuple[Command, ...]
    times: Times

    @property
    def unmasks(self) -> bool:
        """Tell whether it reads originals."""
        return any(
            isinstance(node, tree.Unmask) or (isinstance(node, tree.Call) and node.name.lower() == "unmask")
            for node in _nodes(self.commands)
        )

    def sources(self) -> list[Source]:
        """Return every SOURCE of it, that of the main pipeline first."""
        return [node for node in _nodes(self.commands) if isinstance(node, Source)]

    def refuse_for_rare_access(self) -> None:
        """Raise QueryError for a command that log groups of the class INFREQUENT_ACCESS do not support."""
        for node in _nodes(self.commands):
            unmasks = isinstance(node, tree.Call) and node.name.lower() == "unmask"
            indexed = isinstance(node, tree.Filter) and node.indexed
            if unmasks or indexed or isinstance(node, _STANDARD_ONLY):
                raise QueryError(
                    "log groups of the class INFREQUENT_ACCESS do not support this command", node.span
                )


def read(text: str, times: Times) -> Query:
    """Return a query read from its text; raises QueryError."""
    return Query(text, parse(text), times)


def no_table(name: str, span: Span) -> tuple[str, ...]:
    """Say of every lookup table that it is not there."""
    raise QueryError(f"there is no lookup table {name}", span)


def all_indexed(group: int, fields: frozenset[str]) -> frozenset[str]:
    """Say of every log group that it has an index of every field."""
    del group
    return fields


def translate(
    query: Query,
    labels: list[str],
    groups: tuple[int, ...],
    resolve: Resolve,
    limit: int | None,
    tables: Callable[[str, Span], tuple[str, ...]] = no_table,
    indexed: Callable[[int, frozenset[str]], frozenset[str]] = all_indexed,
) -> Plan:
    """Return the plan of a query over log groups, which are numbers in `labels` (account:name); raises QueryError.

    `groups` are those of the main pipeline unless it has a SOURCE, for which `resolve` gives the numbers. `tables`
    gives the columns of a lookup table, or raises QueryError; `indexed` tells of which of some fields a log group has
    indexes.
    """

    def pipeline(
        commands: tuple[Command, ...], *, main: bool = False, window: tuple[int, int] | None = None
    ) -> Stage:
        first = commands[0] if commands and isinstance(commands[0], Source) else None
        chosen = groups if first is None else resolve(first)
        stage = base(chain, chosen, window or _window(query.times, first), main=main)
        for command in commands:
            COMMANDS[type(command)](stage, command)
        return stage

    chain = Chain(query.text, query.times, labels, pipeline, query.unmasks, tables, indexed)
    stage = pipeline(query.commands, main=True)
    stage.counted()
    most = limit if limit is not None else _limit(query.commands)
    names = stage.names()
    columns = [(name, stage.scope.columns[name]) for name in names]
    selects = [column.sql for _, column in columns]
    position = stage.scope.position
    if position is not None:
        selects += [position.group, position.time, position.sequence]
    sql = chain.statement(
        f"SELECT {', '.join(selects)} FROM {stage.relation} {stage.ordering()} LIMIT {most}"
    )
    prepared = [_statement(chain, each) for each in chain.prepared]
    result = _statement(chain, sql)
    matched = _statement(chain, chain.matched) if chain.matched else None
    return Plan(
        prepared,
        result,
        matched,
        [(name, column.kind) for name, column in columns],
        position is not None,
        query.unmasks,
        _newest(query.commands, most),
        list(chain.readings.values()),
        list(chain.lookups.values()),
        any(_reads(each.sql, chain.texts) for each in (*prepared, result, *([matched] if matched else []))),
    )


def _reads(sql: str, texts: set[str]) -> bool:
    """Tell whether SQL uses one of the columns of messages, beyond giving it its name."""
    return any(
        len(re.findall(rf"\b{name}\b", sql)) > len(re.findall(rf"\bAS {name}\b", sql)) for name in texts
    )


def _window(times: Times, source: Source | None) -> tuple[int, int]:
    """Return the time range of a pipeline: the query's, unless its SOURCE names another start or end."""
    start, end = times.start, times.end
    if source is not None and source.start is not None:
        start = _moment(source.start, times)
    if source is not None and source.end is not None:
        end = _moment(source.end, times)
    if source is not None and start > end:
        raise QueryError("the start of SOURCE must not be after its end", source.span)
    return start, end


def _moment(moment: tree.Moment, times: Times) -> int:
    if moment.before_now is not None:
        length = milliseconds(moment.before_now)
        if length is None:
            raise QueryError("a time of SOURCE is so many weeks, or shorter units, before now", moment.span)
        return times.now - length
    return times.now if moment.milliseconds < 0 else moment.milliseconds


def _limit(commands: tuple[Command, ...]) -> int:
    counts = [command.count for command in commands if isinstance(command, tree.Limit)]
    return max(counts, default=DEFAULT_LIMIT)


def _statement(chain: Chain, sql: str) -> Statement:
    return Statement(sql, {name: chain.bind.values[name] for name in set(_PARAMETER.findall(sql))})


def _newest(commands: tuple[Command, ...], most: int) -> int | None:
    """Return how many of the newest events of each group suffice, None where others may matter."""
    others = tree.Join | tree.AppendColumns | tree.AmongResults | tree.Compare
    if any(isinstance(node, others) for node in _nodes(commands)):
        return None
    for command in commands:
        if isinstance(command, tree.Limit):
            return None if command.last else command.count
        if isinstance(command, tree.Sort):
            key = command.keys[0]
            named = isinstance(key.expression, tree.Field) and key.expression.path == ("@timestamp",)
            if len(command.keys) != 1 or not named or not key.descending:
                return None
        elif not isinstance(command, _KEEPS_ROWS):
            return None
    return most


def _nodes(commands: tuple[Command, ...]) -> Iterator[Any]:
    waiting: list[Any] = list(reversed(commands))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(children(node))

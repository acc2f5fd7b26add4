"""A pipeline half translated: the relation its commands have made so far, as a chain of common table expressions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from coldframe.services.logs.insights import known_lines
from coldframe.services.logs.insights.errors import Span
from coldframe.services.logs.insights.expressions import Compiler, Times
from coldframe.services.logs.insights.scope import Binder, Column, Position, Scope
from coldframe.services.logs.insights.tree import Command, Item, Period
from coldframe.services.logs.insights.values import Sql


class Reading(NamedTuple):
    """A relation of events: its name, the number of their group, and their times, both inclusive, in milliseconds."""

    relation: str
    group: int
    start: int
    end: int


class Lookup(NamedTuple):
    """A lookup table as a relation: r and c0, c1 ... as text, one for each column.

    With `ranges`, the number of the column that has ranges of addresses: version, low, high and c0, c1 ...
    """

    relation: str
    table: str
    columns: tuple[str, ...]
    ranges: int | None


@dataclass(frozen=True, slots=True)
class Templates:
    """The columns that `pattern` has made: templates, how many texts each has, one of them, how many of late."""

    text: str
    count: str
    sample: str
    recent: str


class Pipeline(Protocol):
    """Makes the stage of a pipeline of its own, of events in another time range if one is given."""

    def __call__(self, commands: tuple[Command, ...], *, window: tuple[int, int] | None = None) -> "Stage":
        """Return the stage after all of the commands."""


@dataclass(slots=True)
class Chain:
    """What the pipelines of one query share: values, names, and the expressions written so far.

    `columns` gives the names of the columns of a lookup table, by its name and the place where the query names it;
    `indexed` which of some fields a log group, by its number, has indexes of; `texts` are the columns of messages.
    """

    text: str
    times: Times
    labels: list[str]
    pipeline: Pipeline
    unmasks: bool
    columns: Callable[[str, Span], tuple[str, ...]]
    indexed: Callable[[int, frozenset[str]], frozenset[str]]
    readings: dict[tuple[int, int, int], Reading] = field(default_factory=dict)
    lookups: dict[tuple[str, int | None], Lookup] = field(default_factory=dict)
    bind: Binder = field(default_factory=Binder)
    texts: set[str] = field(default_factory=set)
    expressions: list[str] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    matched: str = ""

    def add(self, sql: str) -> str:
        """Add a common table expression and return its name."""
        name = self.bind.name("r")
        self.expressions.append(f"{name} AS NOT MATERIALIZED ({sql})")
        return name

    def statement(self, select: str) -> str:
        """Return a whole statement that may use every expression written so far."""
        return (f"WITH RECURSIVE {', '.join(self.expressions)} " if self.expressions else "") + select

    def events(self, group: int, window: tuple[int, int]) -> str:
        """Return the name of the relation of a group's events in a time range."""
        own = window == (self.times.start, self.times.end)
        name = f"events{group}" if own else f"events{group}t{len(self.readings)}"
        return self.readings.setdefault((group, *window), Reading(name, group, *window)).relation

    def lookup(self, table: str, span: Span, *, ranges: int | None = None) -> Lookup:
        """Return the relation of a lookup table; raises QueryError for one that is not there."""
        known = self.lookups.get((table, ranges))
        if known is None:
            name = f"lookup{len(self.lookups)}"
            known = self.lookups[table, ranges] = Lookup(name, table, self.columns(table, span), ranges)
        return known

    def materialize(self, relation: str) -> str:
        """Have a relation computed once, into a temporary table; return the table's name."""
        name = self.bind.name("a")
        self.prepared.append(f"CREATE TEMP TABLE {name} AS {self.statement(f'SELECT * FROM {relation}')}")
        self.expressions.clear()
        return name


@dataclass(slots=True)
class Stage:
    """The rows after some commands: their relation, the names they have, and what will be shown in which order."""

    chain: Chain
    relation: str
    scope: Scope
    main: bool
    window: tuple[int, int]
    shown: list[str] = field(default_factory=list)
    parsed: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    bins: list[tuple[str, Period]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    filtered: bool = False
    counting: bool = True
    templates: Templates | None = None
    events: str = ""
    """The relation that the pipeline began with."""

    def compiler(self, *, unmasked: bool = False) -> Compiler:
        """Return a compiler of expressions over the present rows."""
        return Compiler(
            self.chain.bind, self.scope, self.chain.times, self.chain.text, self.subquery, unmasked=unmasked
        )

    def subquery(self, commands: tuple[Command, ...], name: str, span: Span) -> str:
        """Return SQL for the one column of a subquery that an outer field is looked for in."""
        from coldframe.services.logs.insights.errors import QueryError

        inner = self.chain.pipeline(commands)
        names = inner.names()
        wanted = name if name in names else names[0]
        if len(names) > 1 and wanted != name:
            raise QueryError(f"the subquery has to give one field, or one called {name}", span)
        from coldframe.services.logs.insights import values

        column = inner.scope.columns[wanted]
        value = values.text(Sql(column.sql, column.kind))
        return f"SELECT {value} FROM {inner.relation} WHERE {column.sql} IS NOT NULL"

    def step(self, select: str = "*", tail: str = "") -> None:
        """Add one expression over the present relation and go on from it."""
        self.relation = self.chain.add(f"SELECT {select} FROM {self.relation}{' ' + tail if tail else ''}")

    def keep(self, condition: str) -> None:
        """Keep the rows that satisfy a condition."""
        self.step("*", f"WHERE {condition}")
        self.filtered = True

    def counted(self) -> None:
        """Say that from here on rows are no longer the events that matched; those are counted up to here."""
        if self.main and self.counting and self.filtered:
            self.chain.matched = self.chain.statement(f"SELECT count(*) FROM {self.relation}")
        self.counting = False

    def define(self, items: Sequence[tuple[str, Sql, Sql | None]]) -> None:
        """Add columns: a name, its value, and its value in the unmasked text where that differs."""
        selects = ["*"]
        for name, value, twin in items:
            column = self.chain.bind.name()
            selects.append(f"{value.text} AS {column}")
            twin_column = None
            if twin is not None and twin.text != value.text:
                twin_column = self.chain.bind.name()
                selects.append(f"{twin.text} AS {twin_column}")
            kind = "any" if value.kind in {"null", "text"} else value.kind
            self.scope.columns[name] = Column(column, kind, twin_column)
        self.step(", ".join(selects))

    def values(self, items: tuple[Item, ...]) -> None:
        """Define the columns of a list of items, of which each may use those before it."""
        waiting: list[tuple[str, Sql, Sql | None]] = []
        for item in items:
            if not item.aliased and item.name in self.scope.columns:
                continue
            if item.name == "@ptr":
                continue
            if waiting and _mentions(self.chain.text, item, [each[0] for each in waiting]):
                self.define(waiting)
                waiting = []
            value = self.compiler().value(item.expression)
            twin = self.compiler(unmasked=True).value(item.expression) if self.chain.unmasks else None
            waiting.append((item.name, value, twin))
        if waiting:
            self.define(waiting)

    def show(self, names: list[str]) -> None:
        """Add names to those that will be shown."""
        self.shown += [name for name in dict.fromkeys(names) if name not in self.shown and name != "@ptr"]

    def names(self) -> list[str]:
        """Return the names that are shown."""
        shown = self.shown or [name for name in ("@timestamp", "@message") if name in self.scope.columns]
        more = [name for name in self.parsed if name not in shown]
        return [name for name in [*shown, *more] if name in self.scope.columns] or list(self.scope.columns)[
            :1
        ]

    def ordering(self) -> str:
        """Return the ORDER BY of the present rows: what was sorted by, then newest first."""
        order = list(self.order)
        position = self.scope.position
        if position is not None:
            up = bool(order) and order[0].startswith(f"{position.time} ASC")
            way = "ASC" if up else "DESC"
            order += [f"{position.time} {way}", f"{position.sequence} {way}", f"{position.group} {way}"]
        return f"ORDER BY {', '.join(order)}" if order else ""


def base(chain: Chain, groups: tuple[int, ...], window: tuple[int, int], *, main: bool) -> Stage:
    """Return the events of some groups, by their numbers, in a time range as the first stage of a pipeline."""
    names = {letter: chain.bind.name(letter) for letter in "tqgmsil"}
    unmasked = chain.bind.name("u") if chain.unmasks else None
    chain.texts |= {names["m"]} if unmasked is None else {names["m"], unmasked}
    parts = []
    for number in groups:
        label = chain.bind.bind(chain.labels[number])
        original = f", original AS {unmasked}" if unmasked else ""
        parts.append(
            f"SELECT ts AS {names['t']}, seq AS {names['q']}, {number} AS {names['g']}, message AS {names['m']},"
            f" stream AS {names['s']}, ingest AS {names['i']}, CAST({label} AS VARCHAR) AS {names['l']}{original}"
            f" FROM {chain.events(number, window)}"
        )
    relation = chain.add(" UNION ALL ".join(parts))
    message = Column(names["m"], "any", unmasked)
    twin = _parsed(unmasked, chain.bind) if unmasked else None
    scope = Scope(
        {
            "@timestamp": Column(names["t"], "time"),
            "@message": message,
            "@logStream": Column(names["s"], "any"),
            "@log": Column(names["l"], "any"),
            "@ingestionTime": Column(names["i"], "time"),
        },
        message,
        Column(_parsed(names["m"], chain.bind), "json", twin),
        position=Position(names["t"], names["q"], names["g"]),
    )
    return Stage(chain, relation, scope, main, window, events=relation)


def _parsed(message: str, bind: Binder) -> str:
    """Return SQL for the JSON of a message: all of it, or what a function logged behind its runtime's prefix."""
    begins, prefix = bind.bind(known_lines.JSON_BEGINS), bind.bind(known_lines.FUNCTION_JSON)
    return (
        f"(CASE WHEN starts_with(ltrim({message}), chr(123)) THEN TRY_CAST({message} AS JSON)"
        f" WHEN contains({message}, {begins}) AND regexp_matches({message}, {prefix})"
        f" THEN TRY_CAST(substr({message}, instr({message}, {begins}) + 1) AS JSON) END)"
    )


def _mentions(text: str, item: Item, names: list[str]) -> bool:
    written = text[item.expression.span.start : item.expression.span.end]
    return any(name in written for name in names) or "`" in written

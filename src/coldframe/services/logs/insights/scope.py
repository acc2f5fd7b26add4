"""Which names a command may use, and the SQL columns they stand for."""

from dataclasses import dataclass, field, replace

from coldframe.services.logs.insights import known_lines
from coldframe.services.logs.insights.values import NULL, Kind, Sql

_MOST_STEPS = 5


@dataclass(frozen=True, slots=True)
class Column:
    """A SQL column (a name of our own making) and its kind; `twin` holds the same from the unmasked text."""

    sql: str
    kind: Kind
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The columns that say which event a row is: its time, its sequence and the number of its group."""

    time: str
    sequence: str
    group: str


@dataclass(slots=True)
class Scope:
    """The columns of a relation by the names the query has for them.

    `message` and `parsed` are the columns of the event's text and of its JSON, which fields are discovered in; None
    once rows are no longer events. `sides` are the two sides of a join by their aliases.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    message: Column | None = None
    parsed: Column | None = None
    sides: dict[str, "Scope"] = field(default_factory=dict)
    position: Position | None = None

    def copy(self) -> "Scope":
        """Return a scope that may be changed without changing this one."""
        return replace(self, columns=dict(self.columns), sides=dict(self.sides))

    def find(self, path: tuple[str, ...], bind: "Binder", *, unmasked: bool = False) -> Sql:
        """Return the SQL of a field: a column, a part of a column's JSON, or a field of the event's JSON."""
        name = ".".join(path)
        column = self.columns.get(name)
        if column is not None:
            return Sql(_side(column, unmasked), column.kind)
        if path[0] in self.sides and len(path) > 1:
            return self.sides[path[0]].find(path[1:], bind, unmasked=unmasked)
        for length in range(len(path) - 1, 0, -1):
            column = self.columns.get(".".join(path[:length]))
            if column is not None and column is not self.columns.get("@message"):
                return _part(
                    _as_json(column, unmasked),
                    path[length:],
                    bind,
                    f"CAST({_side(column, unmasked)} AS VARCHAR)",
                )
        for scope in (self, *self.sides.values()):
            if scope.message is not None and scope.parsed is not None:
                return scope.discovered(path, bind, unmasked)
        return NULL

    def discovered(self, path: tuple[str, ...], bind: "Binder", unmasked: bool) -> Sql:
        """Return the SQL of a field of the event's JSON, or of a line of a known format."""
        assert self.message is not None, "asked only of scopes of events"
        assert self.parsed is not None, "asked only of scopes of events"
        known = known_lines.places(path[0]) if len(path) == 1 else []
        message = _side(self.message, unmasked)
        line = [_of_line(place, message, bind) for place in known]
        if known and path[0] in known_lines.NUMBERS:
            return Sql(f"(TRY_CAST({line[0]} AS DOUBLE) * {known[0].factor})", "number")
        # Of the event's own names, those that begin with @ are written with one more.
        own = (path[0][1:], *path[1:]) if path[0].startswith("@@") else path
        parsed = _part(_side(self.parsed, unmasked), own, bind, message)
        return Sql(f"coalesce({', '.join([parsed.text, *line])})", "any") if line else parsed


class Binder:
    """Gives every value of a query a name in the SQL, `$p1` and so on: no text of a query is ever part of the SQL."""

    def __init__(self) -> None:
        self.values: dict[str, str | float | int | list[str]] = {}
        self._numbers = 0

    def bind(self, value: str | float) -> str:
        """Return the name under which the value is handed over."""
        name = f"p{len(self.values) + 1}"
        self.values[name] = value
        return f"${name}"

    def name(self, letter: str = "c") -> str:
        """Return a name that no other column or relation has."""
        self._numbers += 1
        return f"{letter}{self._numbers}"


def member(value: Sql, path: tuple[str, ...], bind: Binder) -> Sql:
    """Return SQL for a part of a value that is a document, by its steps."""
    document = value.text if value.kind == "json" else f"TRY_CAST({value.text} AS JSON)"
    return _part(document, path, bind, f"CAST({value.text} AS VARCHAR)")


def _side(column: Column, unmasked: bool) -> str:
    return column.twin if unmasked and column.twin is not None else column.sql


def _as_json(column: Column, unmasked: bool) -> str:
    sql = _side(column, unmasked)
    return sql if column.kind == "json" else f"TRY_CAST({sql} AS JSON)"


def _part(document: str, path: tuple[str, ...], bind: Binder, text: str) -> Sql:
    """Return SQL for a value inside a JSON document: by its steps, by what their dots part, or by keys with dots.

    Keys with dots are looked for only where the document's text has them, which is cheaper.
    """
    found = []
    for way in _ways(path):
        value = _scalar(document, bind.bind("".join("/" + _escaped(step) for step in way)))
        key = max((step for step in way if "." in step), key=len, default="")
        if key and way != path:
            value = f"(CASE WHEN contains({text}, {bind.bind(key)}) THEN {value} END)"
        found.append(value)
    return Sql(f"coalesce({', '.join(found)})" if len(found) > 1 else found[0], "any")


def _ways(path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the steps that a name may stand for, as every dot in it may be a key's own: first as it was written."""
    steps = ".".join(path).split(".")
    if len(steps) > _MOST_STEPS:
        return list(dict.fromkeys((path, tuple(steps), (".".join(steps),))))
    found = [path]
    for joined in range(2 ** (len(steps) - 1)):
        way = [steps[0]]
        for at, step in enumerate(steps[1:]):
            if joined >> at & 1:
                way[-1] += "." + step
            else:
                way.append(step)
        found.append(tuple(way))
    return list(dict.fromkeys(found))


def _scalar(document: str, pointer: str) -> str:
    value = f"json_extract_string({document}, {pointer})"
    number = f"CASE json_type({document}, {pointer}) WHEN 'BOOLEAN' THEN "
    return (
        f"(CASE {value} WHEN 'true' THEN {number} '1' ELSE 'true' END"
        f" WHEN 'false' THEN {number} '0' ELSE 'false' END ELSE {value} END)"
    )


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _of_line(place: known_lines.Place, message: str, bind: Binder) -> str:
    """Return SQL for a field of a line of a known format; a dash is no value."""
    found = f"regexp_extract({message}, {bind.bind(place.pattern)}, 1)"
    text = f"(CASE WHEN {found} NOT IN ('', '-') THEN {found} END)"
    return f"(CASE WHEN contains({message}, {bind.bind(place.mark)}) THEN {text} END)" if place.mark else text

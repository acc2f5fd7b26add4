"""Which names a command may use, and the SQL columns they stand for."""

from dataclasses import dataclass, field, replace

from coldframe.services.logs.insights.values import NULL, Kind, Sql

# What Lambda's own lines say; the groups are read from the line as it is, times in milliseconds, sizes in bytes.
_REPORT = {
    "@duration": (r"^REPORT .*?\tDuration: ([0-9.]+) ms", 1),
    "@billedDuration": (r"^REPORT .*\tBilled Duration: ([0-9.]+) ms", 1),
    "@initDuration": (r"^REPORT .*\tInit Duration: ([0-9.]+) ms", 1),
    "@memorySize": (r"^REPORT .*\tMemory Size: ([0-9]+) MB", 1_000_000),
    "@maxMemoryUsed": (r"^REPORT .*\tMax Memory Used: ([0-9]+) MB", 1_000_000),
}
_REQUEST = r"(?:RequestId: |^[^\t]*\t)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_KIND = r"^(START|END|REPORT) RequestId: "


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
                return _part(_as_json(column, unmasked), path[length:], bind)
        for scope in (self, *self.sides.values()):
            if scope.message is not None and scope.parsed is not None:
                return scope.discovered(path, bind, unmasked)
        return NULL

    def discovered(self, path: tuple[str, ...], bind: "Binder", unmasked: bool) -> Sql:
        """Return the SQL of a field of the event's JSON, or of a line of Lambda's."""
        assert self.message is not None, "asked only of scopes of events"
        assert self.parsed is not None, "asked only of scopes of events"
        parsed = _part(_side(self.parsed, unmasked), path, bind)
        message = _side(self.message, unmasked)
        if len(path) == 1 and path[0].startswith("@"):
            lambda_field = _of_lambda(path[0], message, bind)
            if lambda_field is not None:
                return lambda_field
        return parsed


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


def _side(column: Column, unmasked: bool) -> str:
    return column.twin if unmasked and column.twin is not None else column.sql


def _as_json(column: Column, unmasked: bool) -> str:
    sql = _side(column, unmasked)
    return sql if column.kind == "json" else f"TRY_CAST({sql} AS JSON)"


def _part(document: str, path: tuple[str, ...], bind: Binder) -> Sql:
    """Return SQL for a value inside a JSON document, by its steps or else by a key that has dots itself."""
    pointer = bind.bind("".join("/" + _escaped(step) for step in path))
    found = _scalar(document, pointer)
    if len(path) > 1:
        found = f"coalesce({found}, {_scalar(document, bind.bind('/' + _escaped('.'.join(path))))})"
    return Sql(found, "any")


def _scalar(document: str, pointer: str) -> str:
    value = f"json_extract_string({document}, {pointer})"
    number = f"CASE json_type({document}, {pointer}) WHEN 'BOOLEAN' THEN "
    return (
        f"(CASE {value} WHEN 'true' THEN {number} '1' ELSE 'true' END"
        f" WHEN 'false' THEN {number} '0' ELSE 'false' END ELSE {value} END)"
    )


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _of_lambda(name: str, message: str, bind: Binder) -> Sql | None:
    """Return SQL for a field of Lambda's START, END and REPORT lines, None for any other name."""
    if name in _REPORT:
        pattern, factor = _REPORT[name]
        found = f"TRY_CAST(nullif(regexp_extract({message}, {bind.bind(pattern)}, 1), '') AS DOUBLE)"
        return Sql(found if factor == 1 else f"({found} * {factor})", "number")
    if name == "@requestId":
        return Sql(f"nullif(regexp_extract({message}, {bind.bind(_REQUEST)}, 1), '')", "any")
    if name == "@type":
        return Sql(f"nullif(regexp_extract({message}, {bind.bind(_KIND)}, 1), '')", "any")
    return None

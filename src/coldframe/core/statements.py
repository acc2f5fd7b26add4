"""SQL text for records: each statement is built by SQLAlchemy once per shape and kept as text with its parameters."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, literal_column, or_, select, tuple_
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import Executable
from sqlalchemy.sql.compiler import SQLCompiler

from coldframe.core.tables import ACCOUNT, BODY, REGION, Declaration

LAST_CHARACTER = "\U0010ffff"


class Filters(TypedDict, total=False):
    """What `Records.list` and `Records.count` narrow by; every field named is a key or an index field."""

    key_prefix: tuple[Any, ...]
    starts_with: tuple[str, str] | None
    contains: tuple[str, str] | None
    where: dict[str, Any]
    below: tuple[str, Any] | None


class Listing(Filters, total=False):
    """Filters, and the order and the part of it that is wanted."""

    order: str | None
    descending: bool
    after: tuple[Any, ...] | None
    limit: int | None


@dataclass(frozen=True)
class Prepared:
    """SQL text in the driver's parameter style, the parameters' names in order, and the values the statement came with."""

    sql: str
    names: tuple[str, ...]
    values: dict[str, Any]


class Statements:
    """The statements of one database, by record class and shape."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: dict[Any, Prepared] = {}

    def find(self, about: Declaration) -> str:
        """SELECT the body of one row; parameters: account, region, key."""
        return self._fixed(("find", about), lambda: select(about.table.c[BODY]).where(_is_row(about)))

    def add(self, about: Declaration) -> str:
        """INSERT unless the row is there; parameters: account, region, key, index, body."""
        return self._fixed(("add", about), lambda: self._insert(about).on_conflict_do_nothing())

    def put(self, about: Declaration) -> str:
        """INSERT or replace; parameters as for `add`."""

        def build() -> Any:
            insert = self._insert(about)
            return insert.on_conflict_do_update(
                index_elements=[ACCOUNT, REGION, *about.key],
                set_={column: insert.excluded[column] for column in (*about.index, BODY)},
            )

        return self._fixed(("put", about), build)

    def remove(self, about: Declaration) -> str:
        """DELETE one row; parameters: account, region, key."""
        return self._fixed(("remove", about), lambda: delete(about.table).where(_is_row(about)))

    def rows(self, about: Declaration, filters: Listing, *, placed: bool) -> tuple[str, list[Any]]:
        """SELECT account, region and body of the rows wanted, with the values; the first two are the place's if `placed`."""
        values = _values(about, filters)
        prepared = self._shaped("rows", about, filters, values, placed)
        return prepared.sql, [values.get(name, prepared.values.get(name)) for name in prepared.names]

    def count(self, about: Declaration, filters: Filters) -> tuple[str, list[Any]]:
        """SELECT the number of the rows wanted, with the values, of which the first two are the place's."""
        values = _values(about, filters)  # type: ignore[arg-type]
        prepared = self._shaped("count", about, filters, values, True)  # type: ignore[arg-type]
        return prepared.sql, [values.get(name, prepared.values.get(name)) for name in prepared.names]

    def text(self, statement: Executable) -> Prepared:
        """Any statement as text."""
        compiled: SQLCompiler = statement.compile(  # type: ignore[attr-defined]
            dialect=self._dialect, compile_kwargs={"render_postcompile": True}
        )
        return Prepared(str(compiled), tuple(compiled.positiontup or ()), dict(compiled.params))

    def _fixed(self, slot: Any, build: Any) -> str:
        known = self._known.get(slot)
        if known is None:
            known = self._known[slot] = self.text(build())
        return known.sql

    def _insert(self, about: Declaration) -> Any:
        # Imported here, because most installations never need PostgreSQL's dialect, and it slows the start.
        insert = import_module(f"sqlalchemy.dialects.{self._dialect.name}").insert
        return insert(about.table).values({column.name: _bind(column.name) for column in about.table.c})

    def _shaped(
        self, kind: str, about: Declaration, filters: Listing, values: dict[str, Any], placed: bool
    ) -> Prepared:
        after = filters.get("after")
        order = filters.get("order")
        slot = (
            kind,
            about,
            placed,
            tuple((name, value is None) for name, value in values.items()),
            order,
            filters.get("descending", False),
            after is None,
        )
        known = self._known.get(slot)
        if known is None:
            known = self._known[slot] = self.text(self._build(kind, about, filters, values, placed))
        return known

    def _build(
        self, kind: str, about: Declaration, filters: Listing, values: dict[str, Any], placed: bool
    ) -> Executable:
        columns = about.table.c
        conditions: list[ColumnElement[bool]] = []
        if placed:
            conditions = [columns[ACCOUNT] == _bind("at_account"), columns[REGION] == _bind("at_region")]
        conditions += [
            self._condition(about, name, value is None) for name, value in values.items() if _narrows(name)
        ]
        if kind == "count":
            return select(func.count()).select_from(about.table).where(*conditions)
        order = filters.get("order")
        ordered = (*((order,) if order else ()), *about.key)
        descending = filters.get("descending", False)
        if filters.get("after") is not None:
            conditions.append(_beyond(about, order, values, descending))
        scope = () if placed else (ACCOUNT, REGION)
        query = select(columns[ACCOUNT], columns[REGION], columns[BODY]).where(*conditions)
        query = query.order_by(*(_sorted(about, name, descending) for name in (*scope, *ordered)))
        return query.limit(_bind("limit")) if values.get("limit") is not None else query

    def _condition(self, about: Declaration, name: str, none: bool) -> Any:
        kind, field, *_ = name.split(":")
        column = about.table.c[field]
        value: Any = _bind(name, type_=column.type)
        if kind == "contains":
            found = func.strpos if self._dialect.name == "postgresql" else func.instr
            return found(column, value) > literal_column("0")
        if kind == "in":
            count = int(name.split(":")[2])
            return column.in_([_bind(f"item:{field}:{n}", type_=column.type) for n in range(count)])
        if kind == "from":
            return column >= value
        if kind in {"below", "until"}:
            return column < value
        return column.is_(None) if none else column == value


def following(prefix: str) -> str | None:
    """The first text, bytewise in UTF-8, after every text with this prefix; None when there is none."""
    kept = prefix.rstrip(LAST_CHARACTER)
    if not kept:
        return None
    successor = ord(kept[-1]) + 1
    # Surrogates are no characters, so the one after U+D7FF is U+E000.
    return kept[:-1] + chr(0xE000 if successor == 0xD800 else successor)


def _is_row(about: Declaration) -> ColumnElement[bool]:
    columns = about.table.c
    return and_(*(columns[name] == _bind(name) for name in (ACCOUNT, REGION, *about.key)))


def _sorted(about: Declaration, name: str, descending: bool) -> ColumnElement[Any]:
    column: ColumnElement[Any] = about.table.c[name]
    ordered = column.desc() if descending else column.asc()
    if name not in about.nullable:
        return ordered
    return ordered.nulls_last() if descending else ordered.nulls_first()


def _beyond(
    about: Declaration, order: str | None, values: dict[str, Any], descending: bool
) -> ColumnElement[bool]:
    """Rows after the given one; None sorts below every value, as in SQLite."""
    columns = about.table.c
    given = [name for name in about.key if f"after {name}" in values]
    keys = tuple_(*(columns[name] for name in given))
    key_values = tuple_(*(_bind(f"after {name}", type_=columns[name].type) for name in given))
    later_key = keys < key_values if descending else keys > key_values
    if order is None:
        return later_key
    column = columns[order]
    value: Any = _bind(f"after {order}", type_=column.type)
    if order not in about.nullable:
        names = (order, *about.key)
        row = tuple_(*(columns[name] for name in names))
        start = tuple_(*(_bind(f"after {name}", type_=columns[name].type) for name in names))
        return row < start if descending else row > start
    if values[f"after {order}"] is None:
        same = and_(column.is_(None), later_key)
        return same if descending else or_(column.is_not(None), same)
    same = and_(column == value, later_key)
    return or_(column < value, column.is_(None), same) if descending else or_(column > value, same)


def _values(about: Declaration, filters: Listing) -> dict[str, Any]:
    """The parameters of a listing; a name with a colon is a condition: what, field (and how many)."""
    values: dict[str, Any] = {}
    prefix = filters.get("key_prefix", ())
    for field, value in zip(about.key[: len(prefix)], prefix, strict=True):
        values[f"key:{field}"] = value
    for field, value in filters.get("where", {}).items():
        if isinstance(value, list | tuple | set | frozenset):
            values[f"in:{_field(about, field)}:{len(value)}"] = True
            values |= {f"item:{field}:{n}": item for n, item in enumerate(value)}
        else:
            values[f"where:{_field(about, field)}"] = value
    if start := filters.get("starts_with"):
        values[f"from:{_field(about, start[0])}"] = start[1]
        if (end := following(start[1])) is not None:
            values[f"until:{start[0]}"] = end
    if part := filters.get("contains"):
        values[f"contains:{_field(about, part[0])}"] = part[1]
    if bound := filters.get("below"):
        values[f"below:{_field(about, bound[0])}"] = bound[1]
    order = filters.get("order")
    names = (*((_field(about, order),) if order else ()), *about.key)
    if (after := filters.get("after")) is not None:
        if len(after) != len(names):
            raise TypeError(f"{about.name}: after needs {', '.join(names)}, got {after!r}")
        # What the prefix says already is not said again: SQLite would sort all rows behind the position to give a few.
        known = len(prefix) if order is None and tuple(after[: len(prefix)]) == tuple(prefix) else 0
        known = min(known, len(names) - 1)
        values |= {f"after {name}": value for name, value in zip(names[known:], after[known:], strict=True)}
        forward = not filters.get("descending", False)
        if forward and known and start and start[0] == names[known] and after[known] > start[1]:
            values[f"from:{start[0]}"] = after[known]
    if (limit := filters.get("limit")) is not None:
        values["limit"] = limit
    return values


def _bind(name: str, type_: Any = None) -> Any:
    """A parameter that need not have a value when the text is made."""
    return bindparam(name, None, type_=type_)


def _narrows(name: str) -> bool:
    return ":" in name and not name.startswith("item:")


def _field(about: Declaration, field: str) -> str:
    if field not in about.key and field not in about.index:
        raise TypeError(f"{about.name}: {field!r} is neither a key nor an index field")
    return field

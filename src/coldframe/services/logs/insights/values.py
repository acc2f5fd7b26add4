"""Pieces of SQL with the kind of value they give, and how one kind is read as another.

Kinds: `any` is text from a log, which counts as a number where it reads as one; `text` is text made by a function;
`time` is milliseconds since the epoch; `json` is a parsed document. Booleans are written 1 and 0, as the service does.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "time", "bool", "any", "text", "json", "period", "regex", "null"]
NUMERIC = frozenset({"number", "time", "bool"})


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL text without any text of the user's in it; `constant` is the value of a literal."""

    text: str
    kind: Kind
    constant: str | float | None = None


NULL = Sql("CAST(NULL AS VARCHAR)", "null")


def plain_number(value: float) -> str:
    """Return a number as results show it: without a fraction when it is whole."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def number(value: Sql) -> str:
    """Return SQL for the number a value is, NULL where it is none."""
    if value.kind in {"number", "time"}:
        return value.text
    if value.kind == "bool":
        return f"CAST({value.text} AS DOUBLE)"
    if value.kind == "null":
        return "CAST(NULL AS DOUBLE)"
    cast = f"TRY_CAST({text(value)} AS DOUBLE)"
    return f"(CASE WHEN isfinite({cast}) THEN {cast} END)"


def text(value: Sql) -> str:
    """Return SQL for a value as results would show it."""
    if value.kind == "number":
        if isinstance(value.constant, float):
            return "'" + plain_number(value.constant) + "'"
        whole = f"{value.text} = trunc({value.text}) AND abs({value.text}) < 1e15"
        return (
            f"(CASE WHEN {whole} THEN CAST(CAST({value.text} AS BIGINT) AS VARCHAR)"
            f" ELSE CAST({value.text} AS VARCHAR) END)"
        )
    if value.kind == "time":
        return f"strftime(make_timestamp_ms(CAST({value.text} AS BIGINT)), '%Y-%m-%d %H:%M:%S.%g')"
    if value.kind == "bool":
        return f"CAST(CAST({value.text} AS INTEGER) AS VARCHAR)"
    if value.kind == "json":
        return f"json_extract_string({value.text}, '$')"
    return value.text


def condition(value: Sql) -> str:
    """Return SQL for a value taken as a condition."""
    if value.kind == "bool":
        return value.text
    if value.kind in NUMERIC:
        return f"({value.text} <> 0)"
    return f"(lower({text(value)}) IN ('1', 'true'))"


def joined(kinds: set[str]) -> Kind:
    """Return the kind of a value that may be any of these."""
    kinds = kinds - {"null"}
    if len(kinds) == 1:
        return kinds.pop()  # type: ignore[return-value]
    return "any"


def as_kind(value: Sql, kind: Kind) -> str:
    """Return SQL for a value read as this kind."""
    if value.kind == kind:
        return value.text
    if value.kind == "null":
        return "NULL"
    return number(value) if kind in NUMERIC else text(value)

"""Comparisons: of numbers where both sides read as numbers, else of texts; unknown where a side is missing."""

import math

from coldframe.services.logs.insights import values
from coldframe.services.logs.insights.values import NUMERIC, Sql


def compared(operator: str, left: Sql, right: Sql) -> Sql:
    """Return SQL of a comparison with one of = != < <= > >=."""
    sign = "<>" if operator == "!=" else operator
    if left.kind in NUMERIC and right.kind in NUMERIC:
        return Sql(f"({values.number(left)} {sign} {values.number(right)})", "bool")
    if _never_numeric(left) or _never_numeric(right):
        return Sql(f"({values.text(left)} {sign} {values.text(right)})", "bool")
    left_number, right_number = _number(left), _number(right)
    texts = f"{values.text(left)} {sign} {values.text(right)}"
    known = [
        side for side, value in ((left_number, left), (right_number, right)) if not _always_numeric(value)
    ]
    if not known:
        return Sql(f"({left_number} {sign} {right_number})", "bool")
    both = " AND ".join(f"{side} IS NOT NULL" for side in known)
    return Sql(f"(CASE WHEN {both} THEN {left_number} {sign} {right_number} ELSE {texts} END)", "bool")


def _number(value: Sql) -> str:
    if isinstance(value.constant, str) and (read := _read(value.constant)) is not None:
        return f"CAST({read!r} AS DOUBLE)"
    return values.number(value)


def _always_numeric(value: Sql) -> bool:
    return value.kind in NUMERIC or (isinstance(value.constant, str) and _read(value.constant) is not None)


def _never_numeric(value: Sql) -> bool:
    return value.kind == "null" or (isinstance(value.constant, str) and _read(value.constant) is None)


def _read(text: str) -> float | None:
    try:
        read = float(text)
    except ValueError:
        return None
    return read if math.isfinite(read) else None

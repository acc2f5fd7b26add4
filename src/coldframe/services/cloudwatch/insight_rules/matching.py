"""Which contributor an event speaks of, and with what value: fields of JSON or of the common log format."""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from coldframe.services.cloudwatch.insight_rules.definition import Definition, Filter

_CLF = re.compile(r'"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|(\S+)')
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Contribution(NamedTuple):
    """What one event adds: to whom (a value for each key) and how much."""

    keys: tuple[str, ...]
    value: float


def contribution(definition: Definition, message: str) -> Contribution | None:
    """Return what an event adds, None when the rule does not match it."""
    field = _clf_reader(definition, message) if definition.clf else _json_reader(message)
    if field is None or not all(_passes(each, field(each.field)) for each in definition.filters):
        return None
    keys = [field(key) for key in definition.keys]
    if any(key is None for key in keys):
        return None
    value = 1.0
    if definition.value_of is not None:
        number = _number(field(definition.value_of))
        if number is None:
            return None
        value = number
    return Contribution(tuple(_text(key) for key in keys), value)


Reader = Callable[[str], Any]


def _json_reader(message: str) -> Reader | None:
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None

    def field(name: str) -> Any:
        at: Any = event
        for step in _path(name):
            if isinstance(step, int):
                at = at[step] if isinstance(at, list) and step < len(at) else None
            else:
                at = at.get(step) if isinstance(at, dict) else None
        return at

    return field


@lru_cache(1024)
def _path(name: str) -> tuple[str | int, ...]:
    return tuple(word or int(place) for word, place in _STEP.findall(name.removeprefix("$.")))


def _clf_reader(definition: Definition, message: str) -> Reader:
    parts = [next(part for part in found if part is not None) for found in _groups(message)]

    def field(name: str) -> Any:
        place = definition.fields.get(name) or (int(name) if name.isdecimal() else 0)
        return parts[place - 1] if 0 < place <= len(parts) else None

    return field


def _groups(message: str) -> list[tuple[str | None, ...]]:
    return [found.groups() for found in _CLF.finditer(message)]


def _passes(condition: Filter, value: Any) -> bool:
    operator, operand = condition.operator, condition.operand
    if operator == "IsPresent":
        return (value is not None) is bool(operand)
    if value is None:
        return False
    if operator == "In":
        return _text(value) in operand
    if operator == "NotIn":
        return _text(value) not in operand
    if operator == "StartsWith":
        return _text(value).startswith(tuple(operand))
    number = _number(value)
    if number is None:
        return False
    compared: dict[str, bool] = {
        "GreaterThan": number > operand,
        "LessThan": number < operand,
        "EqualTo": number == operand,
        "NotEqualTo": number != operand,
    }
    return compared[operator]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))

"""typeConverter: the value of a field as an integer, a double, a string or a boolean."""

import math
from collections.abc import Callable
from typing import Any

from coldframe.services.logs.transformers.configuration import TypeConverter
from coldframe.services.logs.transformers.errors import TransformationFailed
from coldframe.services.logs.transformers.event import ABSENT, Step, TransformingEvent
from coldframe.services.logs.transformers.paths import put, target_path

_LEAST, _GREATEST = -(2**63), 2**63 - 1


def type_converter(settings: TypeConverter) -> Step:
    """Return the step; a value that has no meaning in the other type fails the event."""
    entries = [(target_path(each.key), each.type) for each in settings.entries]

    def step(event: TransformingEvent) -> None:
        for path, kind in entries:
            value = event.read(path)
            if value is ABSENT or value is None:
                continue
            try:
                put(event.fields, path, _CONVERTERS[kind](value), overwrite=True)
            except (TypeError, ValueError, OverflowError) as error:
                raise TransformationFailed(f"the value of {path.text} is no {kind}") from error

    return step


def _integer(value: Any) -> int:
    if isinstance(value, str) and len(value) > 32:
        raise ValueError("too long")
    whole = int(_scalar(value))
    if not _LEAST <= whole <= _GREATEST:
        raise ValueError("out of range")
    return whole


def _double(value: Any) -> float:
    number = float(_scalar(value))
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(_scalar(value))


def _boolean(value: Any) -> bool:
    if not isinstance(value, str):
        return bool(_scalar(value))
    if value.strip().lower() not in {"true", "false"}:
        raise ValueError("neither true nor false")
    return value.strip().lower() == "true"


def _scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise TypeError("neither text nor a number")
    return value


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "double": _double,
    "string": _string,
}

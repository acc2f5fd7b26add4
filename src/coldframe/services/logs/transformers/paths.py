"""Places in an event by dotted paths: `a.b` is a key below a key, `a[0]` an element of a list."""

import re
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
MISSING: Any = object()


def steps(path: str) -> list[str | int]:
    """Return the steps of a path: keys, and numbers of elements."""
    return [key or int(number) for key, number in _STEP.findall(path)]


def get(event: Any, path: str) -> Any:
    """Return the value at a path, MISSING where there is none."""
    if isinstance(event, dict) and path in event:
        return event[path]
    for step in steps(path):
        if (isinstance(step, str) and isinstance(event, dict) and step in event) or (
            isinstance(step, int) and isinstance(event, list) and step < len(event)
        ):
            event = event[step]
        else:
            return MISSING
    return event


def put(event: dict[str, Any], path: str, value: Any, *, overwrite: bool) -> None:
    """Set the value at a path, made where it is missing; without `overwrite` a value that is there stays."""
    if not overwrite and get(event, path) is not MISSING:
        return
    *parents, last = [str(step) for step in steps(path)] or [path]
    for step in parents:
        below = event.get(step)
        if not isinstance(below, dict):
            below = event[step] = {}
        event = below
    event[last] = value


def remove(event: dict[str, Any], path: str) -> Any:
    """Remove the value at a path and return it, MISSING where there is none."""
    if path in event:
        return event.pop(path)
    *parents, last = steps(path) or [path]
    for step in parents:
        event = get(event, str(step)) if isinstance(step, str) else MISSING
        if not isinstance(event, dict):
            return MISSING
    return event.pop(last, MISSING) if isinstance(last, str) else MISSING

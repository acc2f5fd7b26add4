"""The body of a dashboard: what is wrong with it, and what is merely unknown."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

MOST_WIDGETS = 500
LONGEST = 1024 * 1024
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "any": (object,),
}


class Finding(NamedTuple):
    """Something about a body: where it is, as a path, what it is, and whether it keeps the body from being stored."""

    path: str
    message: str
    fatal: bool


@cache
def _schema() -> dict[str, Any]:
    return tomllib.loads(
        files("coldframe.services.cloudwatch.dashboards").joinpath("body.toml").read_text("utf-8")
    )


def check(text: str) -> list[Finding]:
    """Return what there is to say about a dashboard's body."""
    if len(text.encode()) > LONGEST:
        return [Finding("", f"The dashboard body must not be longer than {LONGEST} bytes", True)]
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return [Finding("", "The field DashboardBody must be a valid JSON object", True)]
    if not isinstance(body, dict):
        return [Finding("", "The field DashboardBody must be a valid JSON object", True)]
    return list(_check_body(body))


def _check_body(body: dict[str, Any]) -> Iterator[Finding]:
    schema = _schema()
    if "widgets" not in body:
        yield Finding("/", "Should have required property 'widgets'", True)
    yield from _check_properties("", body, schema["top"])
    widgets = body.get("widgets")
    if not isinstance(widgets, list):
        return
    if len(widgets) > MOST_WIDGETS:
        yield Finding("/widgets", f"Should NOT have more than {MOST_WIDGETS} items", True)
        return
    for number, widget in enumerate(widgets):
        yield from _check_widget(f"/widgets/{number}", widget, schema)


def _check_widget(path: str, widget: Any, schema: Mapping[str, Any]) -> Iterator[Finding]:
    if not isinstance(widget, dict):
        yield Finding(path, "Should be object", True)
        return
    for name in ("type", "properties"):
        if name not in widget:
            yield Finding(path, f"Should have required property '{name}'", True)
    yield from _check_properties(path, widget, schema["widget"])
    for name, (low, high) in schema["limits"].items():
        value = widget.get(name)
        if _is(value, "integer") and not low <= value <= high:
            limit = f">= {low}" if value < low else f"<= {high}"
            yield Finding(f"{path}/{name}", f"Should be {limit}", True)
    if ("x" in widget) != ("y" in widget):
        missing = "y" if "x" in widget else "x"
        yield Finding(path, f"Should have property '{missing}' when the other coordinate is present", True)
    kind, properties = widget.get("type"), widget.get("properties")
    if not isinstance(kind, str) or not isinstance(properties, dict):
        return
    about = schema["types"].get(kind)
    if about is None:
        allowed = ", ".join(schema["types"])
        yield Finding(f"{path}/type", f"Should be equal to one of the allowed values: {allowed}", True)
        return
    for name in about["required"]:
        if name not in properties:
            yield Finding(f"{path}/properties", f"Should have required property '{name}'", True)
    either = about.get("either")
    if either and not any(name in properties for name in either):
        names = " or ".join(f"'{name}'" for name in either)
        yield Finding(f"{path}/properties", f"Should have required property {names}", True)
    yield from _check_properties(f"{path}/properties", properties, about["properties"])


def _check_properties(path: str, found: dict[str, Any], known: Mapping[str, str]) -> Iterator[Finding]:
    choices = _schema()["choices"]
    for name, value in found.items():
        kind = known.get(name)
        if kind is None:
            yield Finding(f"{path}/{name}", "Should NOT have additional properties", False)
        elif not _is(value, kind):
            yield Finding(f"{path}/{name}", f"Should be {kind}", True)
        elif name in choices and value not in choices[name]:
            allowed = ", ".join(choices[name])
            yield Finding(f"{path}/{name}", f"Should be equal to one of the allowed values: {allowed}", True)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind in {"boolean", "any"}
    return isinstance(value, _TYPES[kind])

"""Forms made from AWS's model: a field for each member, and back from what was typed to the member's value."""

import html
import json
import re
from typing import Any, Literal

import msgspec
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from coldframe.console.resources.description import Action
from coldframe.core.service import Service

Widget = Literal["text", "number", "choice", "lines", "pairs", "json", "secret"]
_TAGS = re.compile(r"<[^>]+>")
_HINT = 240


class Field(msgspec.Struct):
    """A field of a form, what was typed into it, and what is wrong with that."""

    name: str
    title: str
    widget: Widget
    hint: str
    required: bool
    options: list[str]
    value: str = ""
    problem: str = ""


class BadField(Exception):
    """What was typed cannot be the member's value; names the field."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def fields(service: Service, action: Action) -> list[Field]:
    """Return the fields of an action's form, in the order in which it asks."""
    shape = service.model.operation_model(action.operation).input_shape
    if shape is None:
        return []
    required = set(shape.required_members)
    return [
        _field(
            name,
            shape.members[name],
            action,
            required=name in required and not _may_be_empty(shape.members[name]),
        )
        for name in action.asks
    ]


def values(service: Service, action: Action, sent: dict[str, list[str]]) -> dict[str, Any]:
    """Return the members that a form's fields stand for; empty ones are left out. Raises BadField."""
    shape = service.model.operation_model(action.operation).input_shape
    found: dict[str, Any] = {}
    for name in action.asks if shape is not None else ():
        text = sent.get(name, [""])[0]
        member = shape.members[name]
        if text == "":
            if name in shape.required_members and _may_be_empty(member):
                found[name] = ""
            continue
        found[name] = _value(name, member, text)
    return found


def _field(name: str, shape: Shape, action: Action, *, required: bool) -> Field:
    # A box that is not ticked would say no where nothing is meant, so that there are three answers.
    options = ["true", "false"] if shape.type_name == "boolean" else list(getattr(shape, "enum", []))
    return Field(
        name,
        _title(name),
        "json" if name in action.documents else _widget(shape),
        _hint(shape),
        required,
        options,
        value=action.defaults.get(name, ""),
    )


def _may_be_empty(shape: Shape) -> bool:
    """Tell whether a member takes an empty text, as a filter pattern does."""
    return isinstance(shape, StringShape) and not shape.enum and shape.metadata.get("min", 1) == 0


def _widget(shape: Shape) -> Widget:
    if isinstance(shape, StringShape):
        return "choice" if shape.enum else "secret" if shape.metadata.get("sensitive") else "text"
    if shape.type_name == "boolean":
        return "choice"
    if shape.type_name in {"integer", "long", "float", "double"}:
        return "number"
    if isinstance(shape, ListShape) and not isinstance(shape.member, StructureShape | ListShape | MapShape):
        return "lines"
    if isinstance(shape, MapShape) and not isinstance(shape.value, StructureShape | ListShape | MapShape):
        return "pairs"
    return "json" if isinstance(shape, StructureShape | ListShape | MapShape) else "text"


def _value(name: str, shape: Shape, text: str) -> Any:
    widget = _widget(shape)
    if shape.type_name == "boolean":
        return text == "true"
    if widget == "number":
        try:
            return int(text) if shape.type_name in {"integer", "long"} else float(text)
        except ValueError:
            raise BadField(name, f"{text!r} is no number.") from None
    if widget == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if widget == "pairs":
        return dict(_pair(name, line) for line in text.splitlines() if line.strip())
    if widget == "json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise BadField(name, f"This is no JSON: {error}.") from None
    return text


def _pair(name: str, line: str) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if not equals or not key.strip():
        raise BadField(name, f"{line.strip()!r} is not of the form name=value.")
    return key.strip(), value.strip()


def _title(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return words[:1].upper() + words[1:]


def _hint(shape: Shape) -> str:
    """Return the first sentence that AWS's model says of a member, without its markup."""
    text = " ".join(html.unescape(_TAGS.sub("", shape.documentation or "")).split())
    sentence = re.split(r"(?<=[a-z0-9)])\. ", text, maxsplit=1)[0]
    return sentence if len(sentence) <= _HINT else sentence[: _HINT - 1].rstrip() + "…"

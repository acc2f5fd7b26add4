"""parseCloudfront, parsePostgres, parseRoute53, parseVPC and parseWAF: the formats in which AWS services write logs."""

import re
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import unquote

import msgspec

from coldframe.core.struct_types import whole
from coldframe.services.logs.transformers.configuration import VendedParser
from coldframe.services.logs.transformers.errors import InvalidTransformer, TransformationFailed
from coldframe.services.logs.transformers.event import Step, TransformingEvent
from coldframe.services.logs.transformers.json_parsing import decoded
from coldframe.services.logs.transformers.paths import MESSAGE

_POSTGRES = re.compile(
    r"(?P<logTime>[0-9: .-]{10,30} [A-Za-z0-9+-]{1,10}):(?P<srcIp>[^@]{0,300}?):(?P<userName>[^@:]{0,100})@"
    r"(?P<dbName>[^:]{0,100}):\[(?P<processId>\d{1,10})\]:(?P<logLevel>[A-Z0-9]{1,20}):",
    re.ASCII,
)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
_DOUBLE = re.compile(r"-?\d{1,18}\.\d{1,18}", re.ASCII)
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    decoding: Literal["percent", "octal"]
    text: list[str]
    fields: list[str]


def parse_vended(name: str, settings: VendedParser) -> Step:
    """Return the step of one of the parsers; raises InvalidTransformer for a source other than @message."""
    if settings.source != MESSAGE:
        raise InvalidTransformer(f"source can only be {MESSAGE}")
    parse = _PARSERS[name]

    def step(event: TransformingEvent) -> None:
        event.fields.update(parse(event.message))

    return step


@cache
def _lines() -> dict[str, _Line]:
    text = resources.files(__package__).joinpath("vended_formats.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=whole(dict[str, _Line]))


def _line(name: str) -> Callable[[str], dict[str, Any]]:
    def parse(message: str) -> dict[str, Any]:
        line = _lines()[name]
        values = message.split()
        if len(values) != len(line.fields):
            raise TransformationFailed(f"the text has {len(values)} values, not {len(line.fields)}")
        return {
            field: value if field in line.text else _typed(value)
            for field, value in zip(line.fields, _decoded(values, line.decoding), strict=True)
        }

    return parse


def _decoded(values: list[str], decoding: str) -> list[str]:
    if decoding == "percent":
        return [unquote(value) if "%" in value else value for value in values]
    return [_OCTAL.sub(lambda found: chr(int(found[1], 8)), value) for value in values]


def _typed(value: str) -> str | int | float:
    if _INTEGER.fullmatch(value):
        return int(value)
    return float(value) if _DOUBLE.fullmatch(value) else value


def _postgres(message: str) -> dict[str, Any]:
    found = _POSTGRES.match(message)
    if found is None:
        raise TransformationFailed("the text is no line of a PostgreSQL log of Amazon RDS")
    return found.groupdict()


def _waf(message: str) -> dict[str, Any]:
    log = decoded(message)
    if not isinstance(log, dict):
        raise TransformationFailed("the JSON is no object")
    request = log.get("httpRequest")
    if isinstance(request, dict) and isinstance(request.get("headers"), list):
        request["headers"] = _named(request["headers"])
    if isinstance(log.get("labels"), list):
        log["labels"] = _named(log["labels"])
    return log


def _named(elements: list[Any]) -> dict[str, Any]:
    """Return name: value for objects with both, the members of all others; of several values of a name, their list."""
    values: dict[str, list[Any]] = {}
    for element in elements:
        if not isinstance(element, dict):
            continue
        if set(element) == {"name", "value"}:
            values.setdefault(str(element["name"]), []).append(element["value"])
        else:
            for key, value in element.items():
                values.setdefault(key, []).append(value)
    return {key: found[0] if len(found) == 1 else found for key, found in values.items()}


_PARSERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "parseCloudfront": _line("parseCloudfront"),
    "parsePostgres": _postgres,
    "parseRoute53": _line("parseRoute53"),
    "parseVPC": _line("parseVPC"),
    "parseWAF": _waf,
}

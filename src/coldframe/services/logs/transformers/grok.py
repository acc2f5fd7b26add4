"""grok: text is matched as a whole against named patterns, and what they match becomes fields.

Source: "grok" in the CloudWatch Logs user guide. Between the patterns stands plain text; its example has square
brackets that mean themselves. A backslash before a sign that is no letter or digit is dropped, as in `\\[`.
"""

import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec

from coldframe.core.struct_types import whole
from coldframe.services.logs.transformers.configuration import Grok
from coldframe.services.logs.transformers.errors import InvalidTransformer, TransformationFailed
from coldframe.services.logs.transformers.event import Step, TransformingEvent
from coldframe.services.logs.transformers.expressions import compiled, refuse_long
from coldframe.services.logs.transformers.paths import Path, put, source_path, target_path

MOST_PATTERNS = 20
MOST_OPEN_PATTERNS = 5

_OPEN = {"URI", "URIPARAM", "URIPATHPARAM", "SPACE", "DATA", "GREEDYDATA", "GREEDYDATA_MULTILINE"}
_AFTER_A_FORMAT = {"DATA", "GREEDYDATA", "GREEDYDATA_MULTILINE"}
_INTERNAL = {"HEXTET", "STRUCTURED"}
_USE = re.compile(r"%\{([A-Za-z0-9_]+)(?::([^}]*))?\}")


class _Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expression: str
    integers: list[str]
    alone: str = ""
    http_date: str = ""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    patterns: dict[str, str]
    limits: dict[str, int]
    formats: dict[str, _Format]


class _Use(NamedTuple):
    """One `%{NAME:field}`, and the plain text before it."""

    before: str
    name: str
    field: str | None


class _Field(NamedTuple):
    """A field that a group of the expression fills; `quoted` text loses its quotation marks."""

    path: Path
    quoted: bool


def grok(settings: Grok) -> Step:
    """Return the step; an event that the pattern does not match fails. Raises InvalidTransformer."""
    source = source_path(settings.source)
    uses, rest = _uses(settings.match)
    line_format = _checked(uses)
    fields: list[_Field] = []
    expression = ""
    for use in uses:
        expression += _literal(use.before)
        if use.name in _table().formats:
            expression += _expanded(_format_expression(use.name, alone=len(uses) == 1), fields)
        else:
            expression += _use_expression(use.name, use.field, fields)
    program = compiled(expression + _literal(rest), whole=True)

    def step(event: TransformingEvent) -> None:
        text = event.text_to_parse(source)
        if text is None:
            return
        data = text.encode("utf-8", "surrogatepass")
        refuse_long(program, data)
        match = program.match(data)
        if match is None:
            raise TransformationFailed("the text does not match the pattern")
        for field, value in zip(fields, match.groups(), strict=True):
            if value is not None:
                _set(event.fields, field, value.decode("utf-8", "surrogatepass"), line_format)

    return step


def _set(fields: dict[str, Any], field: _Field, text: str, line_format: _Format | None) -> None:
    value: str | int = text[1:-1] if field.quoted else text
    if line_format is not None:
        if text == "-":
            return
        if field.path.text in line_format.integers:
            value = _number(text)
        elif field.path.text == line_format.http_date:
            value = _iso(text)
    put(fields, field.path, value, overwrite=True)


def _number(text: str) -> int:
    if len(text) > 18:
        raise TransformationFailed(f"{text[:18]}... is too large a number")
    return int(text)


def _iso(text: str) -> str:
    try:
        moment = datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise TransformationFailed(f"{text} is no date and time of an access log") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def _table() -> _Table:
    text = resources.files(__package__).joinpath("grok_patterns.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=whole(_Table))


def _uses(match: str) -> tuple[list[_Use], str]:
    """Return the patterns used with the text before each, and the text behind the last; raises InvalidTransformer."""
    uses: list[_Use] = []
    at = 0
    for found in _USE.finditer(match):
        name, field = found[1], found[2]
        if name not in _table().formats and (name not in _table().patterns or name in _INTERNAL):
            raise InvalidTransformer(f"match: {name} is not one of the supported grok patterns")
        if field is not None and ":" in field:
            raise InvalidTransformer(f"match: {found[0]}: type conversions are not supported")
        uses.append(_Use(match[at : found.start()], name, field))
        at = found.end()
    rest = match[at:]
    for text in (*(use.before for use in uses), rest):
        if "%{" in text:
            raise InvalidTransformer(
                f"match: {text[text.index('%{') :][:40]} is no %{{PATTERN_NAME:FIELD_NAME}}"
            )
    return uses, rest


def _checked(uses: list[_Use]) -> _Format | None:
    """Hold the patterns against the documented limits; returns the format of whole lines among them."""
    if not 1 <= len(uses) <= MOST_PATTERNS:
        raise InvalidTransformer(f"match must have 1 to {MOST_PATTERNS} grok patterns, and has {len(uses)}")
    table = _table()
    counts = Counter(use.name for use in uses)
    for name, count in counts.items():
        if count > table.limits.get(name, MOST_PATTERNS):
            raise InvalidTransformer(f"match: {name} can be used at most {table.limits[name]} times")
    if sum(counts[name] for name in _OPEN) > MOST_OPEN_PATTERNS:
        raise InvalidTransformer(
            f"match: {', '.join(sorted(_OPEN))} together can be used at most {MOST_OPEN_PATTERNS} times"
        )
    if not any(use.name in table.formats for use in uses):
        return None
    first, *others = uses
    if (
        first.name not in table.formats
        or first.before
        or len(others) > 1
        or any(use.name not in _AFTER_A_FORMAT for use in others)
    ):
        raise InvalidTransformer(
            f"match: {', '.join(table.formats)} must come first, and only one of"
            f" {', '.join(sorted(_AFTER_A_FORMAT))} may follow"
        )
    return table.formats[first.name]


def _format_expression(name: str, *, alone: bool) -> str:
    line_format = _table().formats[name]
    return line_format.expression + (line_format.alone if alone else "")


def _use_expression(name: str, field: str | None, fields: list[_Field]) -> str:
    """Return the expression of one pattern; its own field comes before those inside it, as its group does."""
    if not field:
        return f"(?:{_expanded(_table().patterns[name], fields)})"
    fields.append(_Field(target_path(field), name == "QUOTEDSTRING"))
    return f"({_expanded(_table().patterns[name], fields)})"


def _expanded(expression: str, fields: list[_Field]) -> str:
    return _USE.sub(lambda found: _use_expression(found[1], found[2], fields), expression)


def _literal(text: str) -> str:
    return re.escape(re.sub(r"\\([^A-Za-z0-9])", r"\1", text))

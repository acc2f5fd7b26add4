"""A transformer: its processors one after another, under the rules on their order and number."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from coldframe.core.faults import NotBuilt
from coldframe.services.logs.transformers import (
    configuration,
    date_conversion,
    grok,
    json_parsing,
    key_changes,
    separated_values,
    string_changes,
    substitution,
    type_conversion,
    vended_logs,
)
from coldframe.services.logs.transformers.errors import InvalidTransformer, TransformationFailed
from coldframe.services.logs.transformers.event import Origin, Step, TransformingEvent
from coldframe.services.logs.transformers.expressions import MOST_BYTES
from coldframe.services.logs.transformers.paths import MESSAGE

MOST_PARSERS = 5
MOST_FIELDS = 200

_VENDED = ("parseCloudfront", "parsePostgres", "parseRoute53", "parseToOCSF", "parseVPC", "parseWAF")
_PARSERS = ("parseJSON", "grok", "csv", "parseKeyValue", *_VENDED)
_ONCE = ("grok", "addKeys", "copyValue")

_MAKERS: dict[str, Callable[[Any], Step]] = {
    "addKeys": key_changes.add_keys,
    "copyValue": key_changes.copy_value,
    "csv": separated_values.parse_csv,
    "dateTimeConverter": date_conversion.date_time_converter,
    "deleteKeys": key_changes.delete_keys,
    "grok": grok.grok,
    "listToMap": key_changes.list_to_map,
    "lowerCaseString": string_changes.lower_case_string,
    "moveKeys": key_changes.move_keys,
    "parseJSON": json_parsing.parse_json,
    "parseKeyValue": separated_values.parse_key_value,
    "renameKeys": key_changes.rename_keys,
    "splitString": string_changes.split_string,
    "substituteString": substitution.substitute_string,
    "trimString": string_changes.trim_string,
    "typeConverter": type_conversion.type_converter,
    "upperCaseString": string_changes.upper_case_string,
    **{name: partial(vended_logs.parse_vended, name) for name in _VENDED if name != "parseToOCSF"},
}


class Transformed(NamedTuple):
    """The text of the transformed event; where that failed the original text, and in `error` the reason."""

    text: str
    error: str = ""


class Transformer:
    """A pipeline of processors, ready to work on any number of events; it keeps nothing of them."""

    def __init__(self, steps: Sequence[tuple[str, Step]]) -> None:
        self._steps = steps

    def transform(self, message: str, origin: Origin) -> Transformed:
        """Return the event as JSON. An event that a processor cannot work on keeps its text, whole and unchanged."""
        event = TransformingEvent(message, origin)
        try:
            for name, step in self._steps:
                try:
                    step(event)
                except TransformationFailed as failure:
                    return Transformed(message, f"{name}: {failure.reason}")
            return self._written(event)
        except RecursionError:
            return Transformed(message, "the event is nested too deeply")

    @staticmethod
    def _written(event: TransformingEvent) -> Transformed:
        if _count(event.fields) > MOST_FIELDS:
            return Transformed(event.message, f"the event has more than {MOST_FIELDS} fields")
        try:
            text = json.dumps(event.fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except ValueError:
            return Transformed(event.message, "a number of the event is outside of what JSON can hold")
        if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
            return Transformed(
                event.message, f"the transformed event would have more than {MOST_BYTES} bytes"
            )
        return Transformed(text)


def compile_transformer(config: Any) -> Transformer:
    """Return the transformer of a transformerConfig as plain data.

    Raises InvalidTransformer, whose message names the processor and the reason, and NotBuilt for parseToOCSF.
    Source: "Create and manage log transformers" and "Processors that you can use" in the user guide.
    """
    processors = configuration.read(config)
    _check_order([name for name, _ in processors])
    first_name, first = processors[0]
    if first.source != MESSAGE:
        raise InvalidTransformer(f"{first_name}: the first processor can only parse {MESSAGE}")
    steps = []
    for name, settings in processors:
        try:
            steps.append((name, _MAKERS[name](settings)))
        except InvalidTransformer as error:
            raise InvalidTransformer(f"{name}: {error.message}") from error
    return Transformer(steps)


def _check_order(names: list[str]) -> None:
    if names[0] not in _PARSERS:
        raise InvalidTransformer(f"{names[0]}: the first processor must be a parser")
    parsers = [name for name in names if name in _PARSERS]
    if len(parsers) > MOST_PARSERS:
        raise InvalidTransformer(
            f"a transformer can have at most {MOST_PARSERS} parsers, and has {len(parsers)}"
        )
    for name in names[1:]:
        if name in _VENDED:
            raise InvalidTransformer(
                f"{name}: must be the first processor, and there can be only one of its kind"
            )
    for name in _ONCE:
        if names.count(name) > 1:
            raise InvalidTransformer(f"{name}: a transformer can have only one")
    if "parseToOCSF" in names:
        raise NotBuilt("The processor parseToOCSF is not built in coldframe yet.")


def _count(value: Any) -> int:
    """Return how many fields a value has: every leaf is one, and an object or list without any is one too."""
    count, waiting = 0, [value]
    while waiting and count <= MOST_FIELDS:
        each = waiting.pop()
        below = list(each.values()) if isinstance(each, dict) else each if isinstance(each, list) else []
        count += not below
        waiting += below
    return count

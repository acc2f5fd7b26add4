"""A transformer: its configuration checked, and events put through its processors one after another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

import msgspec

from coldframe.services.logs.transformers import grok, mutators, parsers
from coldframe.services.logs.transformers.errors import InvalidTransformer, Untransformed

Process = Callable[[dict[str, Any], Mapping[str, Any]], None]
MOST_PARSERS = 5

_FIRST_ONLY: dict[str, Process] = {
    "parseVPC": parsers.parse_columns("parseVPC"),
    "parseRoute53": parsers.parse_columns("parseRoute53"),
    "parsePostgres": parsers.parse_postgres,
}
_PARSERS: dict[str, Process] = {
    **_FIRST_ONLY,
    "parseJSON": parsers.parse_json,
    "csv": parsers.parse_csv,
    "parseKeyValue": parsers.parse_key_value,
    "grok": parsers.parse_grok,
}
_PROCESSORS: dict[str, Process] = {
    **_PARSERS,
    "addKeys": mutators.add_keys,
    "copyValue": mutators.copy_value,
    "dateTimeConverter": mutators.convert_date,
    "deleteKeys": mutators.delete_keys,
    "listToMap": mutators.list_to_map,
    "lowerCaseString": mutators.on_texts(str.lower),
    "moveKeys": mutators.move_keys,
    "renameKeys": mutators.rename_keys,
    "splitString": mutators.split_string,
    "substituteString": mutators.substitute_string,
    "trimString": mutators.on_texts(str.strip),
    "typeConverter": mutators.convert_types,
    "upperCaseString": mutators.on_texts(str.upper),
}
NOT_BUILT = ("parseCloudfront", "parseToOCSF", "parseWAF")


class Transformer:
    """The processors of a configuration, in its order."""

    def __init__(self, configuration: Sequence[Mapping[str, Any]]) -> None:
        """Check the configuration; raises InvalidTransformer."""
        self._steps: list[tuple[Process, Mapping[str, Any]]] = []
        names = [_only(processor) for processor in configuration]
        if names[0] not in _PARSERS:
            raise InvalidTransformer(f"the first processor must be a parser, and {names[0]} is none")
        if sum(name in _PARSERS for name in names) > MOST_PARSERS:
            raise InvalidTransformer(f"a transformer has up to {MOST_PARSERS} parsers")
        for place, (name, processor) in enumerate(zip(names, configuration, strict=True)):
            if name in _FIRST_ONLY and place:
                raise InvalidTransformer(f"{name} must be the first processor")
            _check(name, processor[name])
            self._steps.append((_PROCESSORS[name], processor[name]))

    def transformed(self, message: str) -> str | None:
        """Return the JSON that a message becomes, None when a processor cannot take it."""
        event: dict[str, Any] = {parsers.MESSAGE: message}
        try:
            for process, settings in self._steps:
                process(event, settings)
        except Untransformed:
            return None
        event.pop(parsers.MESSAGE, None)
        return msgspec.json.encode(event).decode()


def _only(processor: Mapping[str, Any]) -> str:
    names = [name for name, settings in processor.items() if settings is not None]
    if len(names) != 1:
        raise InvalidTransformer("each element of transformerConfig holds exactly one processor")
    if names[0] not in _PROCESSORS:
        raise InvalidTransformer(f"the processor {names[0]} is not built")
    return names[0]


def _check(name: str, settings: Mapping[str, Any]) -> None:
    """Raise InvalidTransformer for settings that no event could be processed with."""
    if name == "grok":
        grok.compiled(settings["match"])
    if name in _FIRST_ONLY and settings.get("source", parsers.MESSAGE) != parsers.MESSAGE:
        raise InvalidTransformer(f"the source of {name} is @message")
    if name == "listToMap" and settings.get("flatten") and "flattenedElement" not in settings:
        raise InvalidTransformer("listToMap with flatten needs flattenedElement")
    if name == "substituteString":
        for entry in settings["entries"]:
            mutators.expression(entry["from"])
    if name == "dateTimeConverter":
        for pattern in (*settings["matchPatterns"], settings.get("targetFormat", "yyyy")):
            mutators.spelled(pattern)
        for zone in (settings.get("sourceTimezone", "UTC"), settings.get("targetTimezone", "UTC")):
            if zone not in available_timezones():
                raise InvalidTransformer(f"unknown time zone {zone}")

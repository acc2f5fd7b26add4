"""Processors that read a text: JSON, CSV, key-value pairs, grok, and lines of some AWS services."""

import csv
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from coldframe.services.logs.transformers import grok, paths
from coldframe.services.logs.transformers.errors import Untransformed

Event = dict[str, Any]
MESSAGE = "@message"

_COLUMNS = {
    "parseVPC": [
        "version",
        "accountId",
        "interfaceId",
        "srcAddr",
        "dstAddr",
        "srcPort",
        "dstPort",
        "protocol",
        "packets",
        "bytes",
        "start",
        "end",
        "action",
        "logStatus",
    ],
    "parseRoute53": [
        "version",
        "queryTimestamp",
        "hostZoneId",
        "queryName",
        "queryType",
        "responseCode",
        "protocol",
        "edgeLocation",
        "resolverIp",
        "ednsClientSubnet",
    ],
}
_POSTGRES = re.compile(
    r"(?P<logTime>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+):(?P<srcIp>[\d.:a-fA-F]+)(?:\(\d+\))?:(?P<userName>[^@]*)@(?P<dbName>[^:]*)"
    r":\[(?P<processId>\d+)\]:(?P<logLevel>\w+):"
)


def parse_json(event: Event, settings: Mapping[str, Any]) -> None:
    """Read a JSON object."""
    try:
        read = msgspec.json.decode(_text(event, settings))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Untransformed("the text is no JSON") from error
    if not isinstance(read, dict):
        raise Untransformed("the JSON is no object")
    _place(event, settings, read)


def parse_csv(event: Event, settings: Mapping[str, Any]) -> None:
    """Read one line of separated values."""
    quote, delimiter = settings.get("quoteCharacter", '"'), settings.get("delimiter", ",")
    text = _text(event, settings)
    separator = {"\\t": "\t"}.get(delimiter, delimiter)
    if len(separator) > 1:
        # The reader knows single characters only; this one is in no log line.
        text, separator = text.replace(separator, "\x1f"), "\x1f"
    values = next(csv.reader([text], delimiter=separator, quotechar=quote), [])
    names = settings.get("columns") or [f"column_{number}" for number in range(1, len(values) + 1)]
    _place(event, settings, dict(zip(names, values, strict=False)))


def parse_key_value(event: Event, settings: Mapping[str, Any]) -> None:
    """Read pairs of keys and values."""
    between, within = settings.get("fieldDelimiter", "&"), settings.get("keyValueDelimiter", "=")
    prefix, otherwise = settings.get("keyPrefix", ""), settings.get("nonMatchValue")
    found: Event = {}
    for pair in _text(event, settings).split(between):
        key, separator, value = pair.partition(within)
        if separator:
            found[prefix + key.strip()] = value
        elif otherwise is not None and key.strip():
            found[prefix + key.strip()] = otherwise
    overwrite = bool(settings.get("overwriteIfExists", False))
    target = settings.get("destination")
    if target is not None:
        paths.put(event, target, found, overwrite=overwrite)
        return
    for key, value in found.items():
        if overwrite or key not in event:
            event[key] = value


def parse_grok(event: Event, settings: Mapping[str, Any]) -> None:
    """Read a text by a grok pattern; raises Untransformed for one that does not match."""
    found = grok.compiled(settings["match"]).match(_text(event, settings))
    if found is None:
        raise Untransformed("the text does not match the grok pattern")
    for name, value in found.items():
        paths.put(event, name, value, overwrite=True)


def parse_columns(name: str) -> Any:
    """Return the processor that reads the space-separated lines of an AWS service."""

    def parse(event: Event, settings: Mapping[str, Any]) -> None:
        values = _text(event, settings).split()
        if len(values) != len(_COLUMNS[name]):
            raise Untransformed(f"the text has {len(values)} columns, not {len(_COLUMNS[name])}")
        event.update(zip(_COLUMNS[name], values, strict=True))

    return parse


def parse_postgres(event: Event, settings: Mapping[str, Any]) -> None:
    """Read the prefix of a line of RDS for PostgreSQL."""
    found = _POSTGRES.match(_text(event, settings))
    if found is None:
        raise Untransformed("the text is no line of PostgreSQL")
    event.update(found.groupdict())


def _text(event: Event, settings: Mapping[str, Any]) -> str:
    found = paths.get(event, settings.get("source", MESSAGE))
    if not isinstance(found, str):
        raise Untransformed(f"there is no text at {settings.get('source', MESSAGE)}")
    return found


def _place(event: Event, settings: Mapping[str, Any], found: Event) -> None:
    target = settings.get("destination")
    if target is not None:
        paths.put(event, target, found, overwrite=True)
    else:
        event.update(found)

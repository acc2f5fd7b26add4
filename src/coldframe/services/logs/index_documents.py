"""Field index policies as text: which fields of log events are indexed, and how."""

from typing import Any

import msgspec

from coldframe.core.struct_types import whole
from coldframe.services.logs.lookup import invalid

MOST_FIELDS = 20
MOST_CHARACTERS = 100

DEFAULTS = ("@logStream", "@aws.region", "@aws.account", "@source.log", "traceId")
"""The fields with an index in every log group of the Standard class, as PutIndexPolicy lists them."""

_GENERATED = frozenset(
    {
        *DEFAULTS,
        "@ingestionTime",
        "@requestId",
        "@type",
        "@initDuration",
        "@duration",
        "@billedDuration",
        "@memorySize",
        "@maxMemoryUsed",
        "@xrayTraceId",
        "@xraySegmentId",
        "@data_source_name",
        "@data_source_type",
        "@data_format",
    }
)


class _Index(msgspec.Struct, forbid_unknown_fields=True):
    type: str


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    Fields: list[str] = []
    FieldsV2: dict[str, _Index] = {}


def indexes(text: str) -> dict[str, str]:
    """Return the fields of a policy with the type of their index; raises InvalidParameterException."""
    try:
        document = msgspec.json.decode(text, type=whole(_Document))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise invalid(f"Invalid field index policy: {error}.") from error
    if twice := sorted(set(document.Fields) & set(document.FieldsV2)):
        raise invalid(f"Invalid field index policy: {twice[0]!r} is in both Fields and FieldsV2.")
    if len(set(document.Fields)) != len(document.Fields):
        raise invalid("Invalid field index policy: Fields names a field twice.")
    found = dict.fromkeys(document.Fields, "FIELD_INDEX")
    for name, index in document.FieldsV2.items():
        if index.type not in {"FIELD_INDEX", "FACET"}:
            raise invalid(f"Invalid field index policy: the type of {name!r} must be FIELD_INDEX or FACET.")
        found[name] = index.type
    if not 1 <= len(found) <= MOST_FIELDS:
        raise invalid(
            f"Invalid field index policy: it must have 1 to {MOST_FIELDS} fields, and has {len(found)}."
        )
    for name in found:
        _check_name(name)
    return found


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MOST_CHARACTERS:
        raise invalid(f"Invalid field index policy: names of fields have 1 to {MOST_CHARACTERS} characters.")
    if name.startswith("@") and not name.startswith("@@") and name not in _GENERATED:
        raise invalid(
            f"Invalid field index policy: {name!r} is no generated field that can be indexed;"
            " write a field of your own that begins with @ with one more @."
        )


def value_at(document: Any, name: str) -> Any:
    """Return the value of a field named with dots in a decoded event, None where it has none."""
    name = name[1:] if name.startswith("@@") else name
    if isinstance(document, dict) and name in document:
        return document[name]
    for step in name.split("."):
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdigit() and len(step) < 7:
            document = document[int(step)] if int(step) < len(document) else None
        else:
            return None
    return document

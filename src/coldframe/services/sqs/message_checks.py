"""What a message may be: its body, its attributes, their size, its delay, group and deduplication id."""

import re
from collections.abc import Mapping
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.sqs.lookup import invalid_value, missing
from coldframe.services.sqs.storage import Attribute

_MOST_ATTRIBUTES = 10
_INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").search
# More letters than the documented ones are taken.
_NAME = re.compile(r"[\w\-.]{1,256}")
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FIFO_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")


def check_body(body: str) -> None:
    """Refuse a body that is empty (MissingParameter) or has characters that XML has not (InvalidMessageContents)."""
    if not body:
        raise missing("MessageBody")
    if _INVALID(body):
        raise ServiceFault(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to"
            " #xFFFD | #x10000 to #x10FFFF",
        )


def attributes_of(given: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return message attributes as they are kept; raises InvalidParameterValue for what is none."""
    if len(given) > _MOST_ATTRIBUTES:
        text = (
            f"Number of message attributes [{len(given)}] exceeds the allowed maximum [{_MOST_ATTRIBUTES}]."
        )
        raise ServiceFault("InvalidParameterValue", text)
    return {name: _attribute(name, value) for name, value in given.items()}


def system_attributes_of(given: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return message system attributes: AWS X-Ray's header is the only one there is."""
    for name in given:
        if name != "AWSTraceHeader":
            raise ServiceFault("InvalidParameterValue", f"Message system attribute name '{name}' is invalid.")
    return {name: _attribute(name, value) for name, value in given.items()}


def size_of(body: str, attributes: Mapping[str, Attribute]) -> int:
    """Return the bytes of a message that count: its body, and name, type and value of each attribute."""
    return len(body.encode()) + sum(
        len(name.encode()) + len(attribute.type.encode()) + len(attribute.text.encode()) + len(attribute.data)
        for name, attribute in attributes.items()
    )


def sent_size(entry: Mapping[str, Any]) -> int:
    """Return the bytes of an entry of a batch that count, whether or not it may be sent."""
    attributes = entry.get("MessageAttributes") or {}
    return len(entry["MessageBody"].encode()) + sum(
        len(name.encode())
        + len(value.get("DataType", "").encode())
        + len(value.get("StringValue", "").encode())
        + len(value.get("BinaryValue", b""))
        for name, value in attributes.items()
    )


def check_fifo_id(name: str, value: str) -> None:
    """Check a message group id or a deduplication id."""
    if _FIFO_ID.fullmatch(value) is None:
        raise invalid_value(
            name,
            value,
            f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        )


def _attribute(name: str, value: Mapping[str, Any]) -> Attribute:
    _check_name(name)
    kind = value["DataType"]
    if not kind:
        raise _refused(f"The message attribute '{name}' must contain non-empty message attribute type.")
    found = _TYPE.fullmatch(kind)
    if found is None or len(kind) > 256:
        raise _refused(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes"
            " is Binary, Number, and String."
        )
    text, binary = value.get("StringValue"), value.get("BinaryValue")
    if found[1] == "Binary":
        if not binary or text is not None:
            raise _refused(
                f"Message (user) attribute '{name}' must contain a non-empty value of type 'Binary'."
            )
        return Attribute(kind, "", bytes(binary))
    if not text or binary is not None:
        raise _refused(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{found[1]}'."
        )
    if found[1] == "Number" and _NUMBER.fullmatch(text) is None:
        raise _refused(f"Can't cast the value of message attribute '{name}' to a number.")
    if _INVALID(text):
        raise _refused(f"The message attribute '{name}' has characters that are not allowed.")
    return Attribute(kind, text)


def _check_name(name: str) -> None:
    lower = name.lower()
    if lower.startswith(("aws.", "amazon.")) or name[:1] == "." or name[-1:] == "." or ".." in name:
        raise _refused(f"The message attribute name '{name}' is invalid.")
    if _NAME.fullmatch(name) is None:
        raise _refused(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_),"
            " hyphen (-), and period (.) characters."
        )


def _refused(text: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValue", text)

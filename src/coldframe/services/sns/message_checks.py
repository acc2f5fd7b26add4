"""What a message may be: its text for each protocol, subject, attributes, size, group and deduplication id."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.sns.arns import invalid
from coldframe.services.sns.outbox import Attribute

MOST_BYTES = 256 * 1024
_OTHER = re.compile(r"[^A-Za-z0-9_\-.]").search
_LONGEST_NAME = 256
_TYPE = re.compile(r"(String|Number|Binary|String\.Array)(\..+)?")
_FIFO_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_LONGEST_SUBJECT = 100


def texts_of(request: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the message for protocols without one of their own, and those of the others; raises InvalidParameter."""
    message = request["Message"]
    if not message:
        raise invalid("Empty message")
    structure = request.get("MessageStructure")
    if structure is None or structure == "":
        return message, {}
    if structure != "json":
        raise invalid("MessageStructure")
    try:
        document = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise invalid("Message Structure - JSON message body failed to parse") from error
    if not isinstance(document, dict) or not isinstance(document.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")
    return document["default"], {key: text for key, text in document.items() if isinstance(text, str)}


def check_subject(subject: str | None) -> None:
    """Refuse a subject that is too long, begins with white space or has line breaks or control characters."""
    if subject is None:
        return
    control = any(ord(character) < 32 or ord(character) == 127 for character in subject)
    if not subject or len(subject) > _LONGEST_SUBJECT or subject[0].isspace() or control:
        raise invalid("Subject")


def attributes_of(given: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return message attributes as they are kept; raises ParameterValueInvalid for what is none."""
    return {name: _attribute(name, value) for name, value in given.items()}


def values_of(attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    """Return what filter policies see of attributes: texts, numbers, the elements of arrays; no binary values."""
    found: dict[str, Any] = {}
    for name, attribute in attributes.items():
        if attribute.type.startswith("Binary"):
            continue
        if attribute.type.startswith("Number"):
            found[name] = float(attribute.value)
        elif attribute.type == "String.Array":
            found[name] = json.loads(attribute.value)
        else:
            found[name] = attribute.value
    return found


def size_of(message: str, attributes: Mapping[str, Attribute]) -> int:
    """Return the bytes of a message that count: its text, and name, type and value of each attribute."""
    return len(message.encode()) + sum(
        len(name.encode()) + len(attribute.type.encode()) + len(attribute.value.encode())
        for name, attribute in attributes.items()
    )


def check_fifo_id(name: str, value: str) -> None:
    """Check a message group id or a deduplication id."""
    if _FIFO_ID.fullmatch(value) is None:
        raise invalid(
            f"{name} Reason: it can only include alphanumeric and punctuation characters, 1 to 128 of them"
        )


def _attribute(name: str, value: Mapping[str, Any]) -> Attribute:
    _check_name(name)
    kind = value["DataType"]
    if _TYPE.fullmatch(kind) is None:
        raise _refused(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes"
            " is Binary, Number, and String."
        )
    if kind.startswith("Binary"):
        if not value.get("BinaryValue") and value.get("StringValue"):
            raise _refused(f"The message attribute '{name}' with type '{kind}' must use field 'Binary'.")
        if not value.get("BinaryValue"):
            raise _empty(name, kind)
        return Attribute(kind, base64.b64encode(value["BinaryValue"]).decode())
    text = value.get("StringValue")
    if not text and value.get("BinaryValue"):
        raise _refused(f"The message attribute '{name}' with type '{kind}' must use field 'String'.")
    if not text:
        raise _empty(name, kind)
    if kind.startswith("Number"):
        _check_number(name, text)
    if kind == "String.Array":
        _check_array(name, text)
    return Attribute(kind, text)


def _check_name(name: str) -> None:
    if len(name.encode()) > _LONGEST_NAME:
        raise _refused(f"Length of message attribute name must be less than {_LONGEST_NAME} bytes.")
    other = _OTHER(name)
    if other is not None or not name:
        shown = f"#x{ord(other[0]):X}" if other else ""
        raise _refused(
            f"Invalid non-alphanumeric character '{shown}' was found in the message attribute name. Can only include"
            " alphanumeric characters, hyphens, underscores, or dots."
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise _refused(f"The message attribute name '{name}' begins with AWS. or Amazon., which is reserved.")
    if name[0] == ".":
        raise _refused("Invalid message attribute name starting with character '.' was found.")
    if name[-1] == ".":
        raise _refused("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise _refused("Message attribute name can not have successive '.' character.")


def _empty(name: str, kind: str) -> ServiceFault:
    return _refused(
        f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type"
        f" '{kind}'."
    )


def _check_number(name: str, text: str) -> None:
    try:
        float(text)
    except ValueError as error:
        raise _refused(f"Could not cast message attribute '{name}' value to number.") from error


def _check_array(name: str, text: str) -> None:
    try:
        right = isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        right = False
    if not right:
        raise _refused(f"Message attribute name '{name}' and type 'String.Array' has invalid array value.")


def _refused(text: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValueException", text)

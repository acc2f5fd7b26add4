"""Queue attributes: which there are, what they may be, and what a queue has."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from coldframe.core.faults import ServiceFault
from coldframe.core.struct_types import whole
from coldframe.identity.policies import parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.services.sqs.lookup import invalid_value
from coldframe.services.sqs.records import Queue

READ_ONLY = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
)
_MOST_RECEIVES = 1000
_REUSE_SECONDS = "300"
_MOST_SOURCES = 10
_SCOPE_CHANGES_AFTER = 60_000


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What attributes.toml says of one attribute."""

    kind: Literal["number", "flag", "choice", "policy", "redrive", "redrive-allow", "kms"]
    default: str = ""
    least: int = 0
    most: int = 0
    choices: list[str] = []
    fifo: bool = False


class Redrive(msgspec.Struct, frozen=True, rename="camel"):
    """A redrive policy: after how many receptions a message goes where; AWS takes the number as text too."""

    dead_letter_target_arn: str
    max_receive_count: int


class RedriveAllow(msgspec.Struct, frozen=True, rename="camel"):
    """Which queues may use this one for their dead letters."""

    redrive_permission: Literal["allowAll", "denyAll", "byQueue"] = "allowAll"
    source_queue_arns: list[str] = []


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every attribute that may be set, by name."""
    text = files("coldframe.services.sqs").joinpath("attributes.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=whole(dict[str, Kind]))


def number(queue: Queue, name: str) -> int:
    """Return a numeric attribute of a queue."""
    return int(queue.attributes.get(name) or kinds()[name].default)


def flag(queue: Queue, name: str) -> bool:
    """Return whether an attribute of a queue is true."""
    return (queue.attributes.get(name) or kinds()[name].default) == "true"


def deduplication_scope(queue: Queue, now: int) -> str:
    """Return within what deduplication ids are told apart: a change takes effect a minute later.

    Documented: attributes take up to 60 seconds; observed at AWS: messages right after a change go by the former scope.
    """
    if queue.former_scope and now < queue.scope_changed + _SCOPE_CHANGES_AFTER:
        return queue.former_scope
    return queue.attributes.get("DeduplicationScope") or kinds()["DeduplicationScope"].default


def effective(queue: Queue) -> dict[str, str]:
    """Return the settings of a queue, with the defaults of those that were not set."""
    found = {
        name: kind.default for name, kind in kinds().items() if kind.default and (queue.fifo or not kind.fifo)
    }
    found.update(queue.attributes)
    if queue.attributes.get("KmsMasterKeyId"):
        found["SqsManagedSseEnabled"] = "false"
        found.setdefault("KmsDataKeyReusePeriodSeconds", _REUSE_SECONDS)
    if queue.fifo:
        found["FifoQueue"] = "true"
    return found


def redrive_of(queue: Queue) -> Redrive | None:
    """Return the redrive policy of a queue, if it has one."""
    text = queue.attributes.get("RedrivePolicy")
    return redrive(text) if text else None


def redrive(text: str) -> Redrive:
    """Read a redrive policy; raises InvalidParameterValue."""
    try:
        given = msgspec.json.decode(text, type=dict[str, Any])
        for name in ("deadLetterTargetArn", "maxReceiveCount"):
            if name not in given:
                reason = f"Redrive policy does not contain mandatory attribute: {name}."
                raise invalid_value("RedrivePolicy", text, reason)
        found = msgspec.json.decode(text, type=whole(Redrive), strict=False)
    except msgspec.MsgspecError as error:
        raise invalid_value("RedrivePolicy", text, f"It is not a redrive policy: {error}") from error
    if not 1 <= found.max_receive_count <= _MOST_RECEIVES:
        reason = f"Invalid value for maxReceiveCount: {found.max_receive_count}, valid values are from 1 to 1000 both inclusive."
        raise invalid_value("RedrivePolicy", text, reason)
    return found


def redrive_allow(text: str) -> RedriveAllow:
    """Read which queues may send their dead letters; raises InvalidParameterValue."""
    try:
        found = msgspec.json.decode(text or "{}", type=whole(RedriveAllow))
    except msgspec.MsgspecError as error:
        raise invalid_value("RedriveAllowPolicy", text, f"It is not valid: {error}") from error
    by_queue = found.redrive_permission == "byQueue"
    if by_queue != bool(found.source_queue_arns) or len(found.source_queue_arns) > _MOST_SOURCES:
        reason = "sourceQueueArns has to name 1 to 10 queues with byQueue, and may not be given otherwise."
        raise invalid_value("RedriveAllowPolicy", text, reason)
    return found


def checked(given: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """Return attributes as they are kept; raises InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue."""
    found = {}
    for name, value in given.items():
        kind = kinds().get(name)
        if kind is not None and kind.kind == "choice" and not fifo:
            text = f"You can specify the {name} only when FifoQueue is set to true."
            raise ServiceFault("InvalidAttributeName", text)
        if kind is None or (kind.fifo and not fifo):
            raise ServiceFault("InvalidAttributeName", f"Unknown Attribute {name}.")
        found[name] = _checked(name, kind, value.strip())
    if found.get("KmsMasterKeyId") and found.get("SqsManagedSseEnabled") == "true":
        text = "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
        raise ServiceFault("InvalidAttributeName", text)
    return found


def merged(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes that are set after a change; SSE of one kind ends that of the other."""
    found = {name: value for name, value in {**present, **wanted}.items() if value}
    if wanted.get("SqsManagedSseEnabled") == "true":
        found.pop("KmsMasterKeyId", None)
    if wanted.get("KmsMasterKeyId"):
        # It stays so when the key is taken away: the queue has no SSE then.
        found["SqsManagedSseEnabled"] = "false"
    if not found.get("KmsMasterKeyId"):
        found.pop("KmsDataKeyReusePeriodSeconds", None)
    return found


def _checked(name: str, kind: Kind, value: str) -> str:
    if kind.kind == "number":
        if not value.isascii() or not value.isdecimal() or not kind.least <= int(value) <= kind.most:
            raise _invalid(name)
        return str(int(value))
    if kind.kind == "flag":
        if value.lower() not in {"true", "false"}:
            raise _invalid(name)
        return value.lower()
    if kind.kind == "choice":
        if value not in kind.choices:
            raise _invalid(name)
        return value
    if value:
        _check_document(name, kind, value)
    return _with_number(value) if value and kind.kind == "redrive" else value


def _with_number(policy: str) -> str:
    """Return a redrive policy as AWS gives it back: with its number as one, where a text was given."""
    document = json.loads(policy)
    if not isinstance(document["maxReceiveCount"], str):
        return policy
    document["maxReceiveCount"] = int(document["maxReceiveCount"])
    return json.dumps(document, separators=(",", ":"))


def _check_document(name: str, kind: Kind, value: str) -> None:
    if kind.kind == "policy":
        try:
            parse_policy(value, "resource")
        except PolicyError as error:
            raise ServiceFault(
                "InvalidAttributeValue", f"Invalid value for the parameter Policy. Reason: {error}"
            ) from error
    elif kind.kind == "redrive":
        redrive(value)
    elif kind.kind == "redrive-allow":
        redrive_allow(value)


def same(name: str, first: str, second: str) -> bool:
    """Tell whether two values of an attribute mean the same: documents are compared by what they say."""
    if first == second or kinds()[name].kind not in {"policy", "redrive", "redrive-allow"}:
        return first == second
    return bool(first and second) and json.loads(first) == json.loads(second)


def _invalid(name: str) -> ServiceFault:
    return ServiceFault("InvalidAttributeValue", f"Invalid value for the parameter {name}.")

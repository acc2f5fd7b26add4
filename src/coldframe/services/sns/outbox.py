"""Where messages wait for their delivery: a queue for each subscription, in a message store of SNS's own."""

import msgspec

from coldframe.core.seal import Seal
from coldframe.core.struct_types import whole
from coldframe.engines.queue import MessageStore

_PURPOSE = "sns-outbox"
_FIRST_SEQUENCE = 10_000_000_000_000_000_000


class Outbox(MessageStore):
    """The messages on their way, by subscription."""


class Attribute(msgspec.Struct, array_like=True, frozen=True):
    """A message attribute: its data type, and its text or, for Binary, its bytes in base64."""

    type: str
    value: str


def sequence_number(sequence: int) -> str:
    """Return the documented twenty digits for a message's place in the order of the outbox."""
    return str(_FIRST_SEQUENCE + sequence)


class Notification(msgspec.Struct, array_like=True, frozen=True):
    """What is to be delivered: its kind as the envelope names it, the text for this protocol, and the rest."""

    kind: str
    topic_arn: str
    message: str
    timestamp: int
    subject: str | None = None
    attributes: dict[str, Attribute] = {}
    group: str = ""
    deduplication: str = ""
    unused: str = ""  # keeps its place: what an earlier version left to be delivered is read as well
    token: str = ""
    endpoint: str = ""
    trace: str = ""


encoded = msgspec.msgpack.Encoder().encode
decoded = msgspec.msgpack.Decoder(whole(Notification)).decode


def pack(seal: Seal, identifier: str, notification: Notification) -> bytes:
    """Return what is kept of a message, sealed."""
    return seal.seal(_PURPOSE, identifier, encoded(notification))


def unpack(seal: Seal, identifier: str, kept: bytes) -> Notification:
    """Return what is to be delivered; raises SealBroken when it was changed on the disk."""
    return decoded(seal.open(_PURPOSE, identifier, kept))

"""Where SQS keeps messages: its own message store, each message sealed unless its queue says otherwise."""

import msgspec

from coldframe.core.seal import Seal
from coldframe.core.struct_types import whole
from coldframe.engines.queue import MessageStore

_PURPOSE = "sqs-messages"
_CLEAR, _SEALED = b"\0", b"\1"


class QueueMessages(MessageStore):
    """The messages of all queues."""


class Attribute(msgspec.Struct, array_like=True, frozen=True):
    """A message attribute: its data type, and its text or, where that is empty, its bytes."""

    type: str
    text: str
    data: bytes = b""


class Content(msgspec.Struct, array_like=True, frozen=True):
    """What was sent: the body, attributes, system attributes, who sent it, its deduplication id."""

    body: str
    attributes: dict[str, Attribute] = {}
    system: dict[str, Attribute] = {}
    sender: str = ""
    deduplication: str = ""


encoded = msgspec.msgpack.Encoder().encode
decoded = msgspec.msgpack.Decoder(whole(Content)).decode


def pack(seal: Seal, identifier: str, content: Content, *, sealed: bool) -> bytes:
    """Return what is kept of a message; sealed, it opens only as the body of the message with this id."""
    plain = encoded(content)
    return _SEALED + seal.seal(_PURPOSE, identifier, plain) if sealed else _CLEAR + plain


def unpack(seal: Seal, identifier: str, kept: bytes) -> Content:
    """Return what was sent; raises SealBroken when it was changed on the disk."""
    inside = kept[1:]
    return decoded(seal.open(_PURPOSE, identifier, inside) if kept[:1] == _SEALED else inside)

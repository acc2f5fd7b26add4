"""Where records wait to be written: a queue for each stream, in a message store of Firehose's own, each record sealed."""

from coldframe.core.seal import Seal
from coldframe.engines.queue import MessageStore

_PURPOSE = "firehose-records"


class Buffers(MessageStore):
    """The records of all streams that are not in S3 yet."""


def pack(seal: Seal, identifier: str, data: bytes) -> bytes:
    """Return what is kept of a record."""
    return seal.seal(_PURPOSE, identifier, data)


def unpack(seal: Seal, identifier: str, kept: bytes) -> bytes:
    """Return a record's data; raises SealBroken when it was changed on the disk."""
    return seal.open(_PURPOSE, identifier, kept)

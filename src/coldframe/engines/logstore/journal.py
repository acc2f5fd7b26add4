"""What the write-ahead log's records say: a batch of rows, or that a group, a stream or a span of time is gone."""

from typing import Any

import msgspec

from coldframe.core.struct_types import whole
from coldframe.engines.logstore.errors import CorruptBlock
from coldframe.engines.logstore.rows import Columns


class Batch(msgspec.Struct, tag="b", array_like=True, gc=False):
    """Rows of one append, with consecutive sequences from `first`; absent lists mean nothing masked."""

    group: str
    stream: str
    first: int
    ts: list[int]
    ingest: list[int]
    message: list[str]
    spans: list[tuple[int, ...] | None] | None
    sealed: list[bytes | None] | None

    def columns(self) -> Columns:
        """Return the rows in the order (timestamp, sequence)."""
        count = len(self.ts)
        columns = Columns(
            self.ts,
            list(range(self.first, self.first + count)),
            self.ingest,
            [self.stream] * count,
            self.message,
            self.spans if self.spans is not None else [None] * count,
            self.sealed if self.sealed is not None else [None] * count,
        )
        # Their sequences rise, so rows that came in the order of time are in order.
        return columns if self.ts == sorted(self.ts) else columns.ordered()


class GroupDropped(msgspec.Struct, tag="g", array_like=True):
    """Rows of the group with a sequence below `before` are gone."""

    group: str
    before: int


class StreamDropped(msgspec.Struct, tag="s", array_like=True):
    """Rows of the stream with a sequence below `before` are gone."""

    group: str
    stream: str
    before: int


class Expired(msgspec.Struct, tag="e", array_like=True):
    """Rows of the group with a timestamp below `floor` (milliseconds) and a sequence below `before` are gone.

    Where `before` is 0, a version of coldframe wrote the record that told only times: all rows before it are meant.
    """

    group: str
    floor: int
    before: int = 0


Entry = Batch | GroupDropped | StreamDropped | Expired

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(whole(Entry))


def encode(entry: Entry) -> bytes:
    """Return the record; raises ValueError when a text is no valid Unicode (a lone surrogate)."""
    try:
        return _ENCODER.encode(entry)
    except UnicodeEncodeError as error:
        raise ValueError(f"a text to store is no valid Unicode: {error.reason}") from error


def decode(payload: bytes, file: str, offset: int) -> Entry:
    """Return the record's entry; raises CorruptBlock when it is none."""
    try:
        entry: Entry = _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        raise CorruptBlock(file, offset, str(error)) from error
    return entry

"""Originals as sealed fragments: AES-256-GCM under a data key per group and UTC day of ingestion (NIST SP 800-38D).

A sealed value is: version (1 byte), day since the epoch (4 bytes), nonce (12 bytes), ciphertext and tag. The
plaintext is the msgpack list of the texts under the union of the spans; group, stream and sequence are authenticated,
so a sealed value moved to another row does not open.
"""

import os
import struct
from collections.abc import Callable, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coldframe.engines.logstore.errors import CorruptBlock, Shredded
from coldframe.engines.logstore.rows import Event, Row, Span

_HEADER = struct.Struct("<BI12s")
_VERSION = 1
_DAY_MS = 86_400_000


def day_of(milliseconds: int) -> int:
    """Return the UTC day of a time, counted from the epoch."""
    return milliseconds // _DAY_MS


def union(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return the disjoint ranges that the spans cover together, ascending."""
    ranges: list[tuple[int, int]] = []
    for start, end, _ in sorted(spans):
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((start, end))
    return ranges


def fragments(event: Event) -> list[str]:
    """Return the texts that masking removed.

    Raises ValueError when a span lies outside the message or original and message differ outside the spans: then
    the original could not be put back, or a secret could have stayed in the message.
    """
    original = event.original or ""
    at = 0
    removed: list[str] = []
    if len(original) != len(event.message):
        raise ValueError("the original and the masked message differ in length")
    for start, end in union(event.spans):
        if not 0 <= start < end <= len(original):
            raise ValueError(f"span {start}..{end} lies outside a message of {len(original)} characters")
        if original[at:start] != event.message[at:start]:
            raise ValueError("the original and the masked message differ outside the spans")
        removed.append(original[start:end])
        at = end
    if original[at:] != event.message[at:]:
        raise ValueError("the original and the masked message differ outside the spans")
    return removed


def seal(key: bytes, day: int, group: str, stream: str, sequence: int, removed: list[str]) -> bytes:
    """Return the sealed value of the removed texts; each call draws a fresh random nonce."""
    nonce = os.urandom(12)
    bound = msgspec.msgpack.encode((group, stream, sequence))
    return _HEADER.pack(_VERSION, day, nonce) + AESGCM(key).encrypt(
        nonce, msgspec.msgpack.encode(removed), bound
    )


def unseal(key_of: Callable[[int], bytes | None], group: str, row: Row) -> str:
    """Return the original text of the row; `key_of` gives the group's data key of a day or None when dropped.

    Raises Shredded when the key is gone and CorruptBlock when the sealed value was altered or moved.
    """
    if row.sealed is None:
        return row.message
    place = f"group {group}, stream {row.stream}, sequence {row.sequence}"
    if len(row.sealed) < _HEADER.size:
        raise CorruptBlock(place, 0, "the sealed value is too short")
    version, day, nonce = _HEADER.unpack_from(row.sealed)
    if version != _VERSION:
        raise CorruptBlock(place, 0, f"the sealed value has unknown version {version}")
    key = key_of(day)
    if key is None:
        raise Shredded(f"{place}: the key of its day was dropped, so the original is gone")
    bound = msgspec.msgpack.encode((group, row.stream, row.sequence))
    try:
        plain = AESGCM(key).decrypt(nonce, row.sealed[_HEADER.size :], bound)
    except InvalidTag as error:
        raise CorruptBlock(place, 0, "the sealed value does not authenticate") from error
    return splice(row, msgspec.msgpack.decode(plain, type=list[str]))


def splice(row: Row, removed: list[str]) -> str:
    """Return the message with the removed texts put back under the union of its spans."""
    parts: list[str] = []
    at = 0
    for (start, end), text in zip(union(row.spans), removed, strict=True):
        parts += (row.message[at:start], text)
        at = end
    return "".join((*parts, row.message[at:]))

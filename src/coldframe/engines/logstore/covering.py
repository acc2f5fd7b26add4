"""Covered rows: the text of a row encrypted once more, under a key that somebody outside of the store gives and takes.

A covered row has the ciphertext of its message, base64, in the message's place. What stands in the place of its sealed
original begins with version (1 byte), number of the key (4 bytes) and nonce (12 bytes); the sealed original follows, if
there is one. Group, stream and sequence are authenticated. The nonce holds the sequence, so that none comes twice.
"""

import base64
import os
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coldframe.engines.logstore.errors import CorruptBlock
from coldframe.engines.logstore.rows import Columns

_HEADER = struct.Struct("<BI12s")
_VERSION = 2


class Cover(NamedTuple):
    """The key that rows are covered with, 32 bytes, and its number within the group."""

    number: int
    key: bytes


class Covers(Protocol):
    """Whoever gives the keys back when rows are read."""

    def covered(self, group: str) -> bool:
        """Tell whether the group may have covered rows."""

    def opened(self, group: str, number: int) -> bytes:
        """Return a key of the group; whatever it raises when the key is not to be had, the read raises."""


def cover(
    chosen: Cover,
    place: tuple[str, str, int],
    messages: Sequence[str],
    sealed: Sequence[bytes | None] | None,
) -> tuple[list[str], list[bytes | None]]:
    """Return messages and sealed values of covered rows; `place` is group, stream and the first row's sequence."""
    group, stream, first = place
    cipher = AESGCM(chosen.key)
    texts: list[str] = []
    heads: list[bytes | None] = []
    for index, message in enumerate(messages):
        sequence = first + index
        nonce = os.urandom(4) + struct.pack("<Q", sequence)
        content = cipher.encrypt(
            nonce, message.encode("utf-8", "surrogatepass"), _bound(group, stream, sequence)
        )
        texts.append(base64.b64encode(content).decode())
        inner = sealed[index] if sealed is not None else None
        heads.append(_HEADER.pack(_VERSION, chosen.number, nonce) + (inner or b""))
    return texts, heads


def uncovered(
    covers: Covers, group: str, portions: Iterator[Columns], contains: str | None
) -> Iterator[Columns]:
    """Give the rows as they were before they were covered; `contains` narrows here, where the text is known."""
    ciphers: dict[int, AESGCM] = {}
    for found in portions:
        portion = found.pick(range(len(found)))
        for index, value in enumerate(portion.sealed):
            if value is not None and value[0] == _VERSION:
                _uncover(covers, group, ciphers, portion, index)
        if contains is not None:
            portion = portion.pick([i for i, text in enumerate(portion.message) if contains in text])
        yield portion


def _uncover(covers: Covers, group: str, ciphers: dict[int, AESGCM], rows: Columns, index: int) -> None:
    value = rows.sealed[index] or b""
    _, number, nonce = _HEADER.unpack_from(value)
    cipher = ciphers.get(number)
    if cipher is None:
        cipher = ciphers[number] = AESGCM(covers.opened(group, number))
    stream, sequence = rows.stream[index], rows.seq[index]
    try:
        content = cipher.decrypt(
            nonce, base64.b64decode(rows.message[index]), _bound(group, stream, sequence)
        )
    except (InvalidTag, ValueError) as error:
        place = f"group {group}, stream {stream}, sequence {sequence}"
        raise CorruptBlock(place, 0, "the covered text does not authenticate") from error
    rows.message[index] = content.decode("utf-8", "surrogatepass")
    rows.sealed[index] = value[_HEADER.size :] or None


def _bound(group: str, stream: str, sequence: int) -> bytes:
    return msgspec.msgpack.encode((group, stream, sequence, "covered"))

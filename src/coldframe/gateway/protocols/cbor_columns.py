"""Long lists of numbers and times in CBOR, written as one piece: the same bytes as item by item, at a tenth of the cost.

Source: RFC 8949, sections 3 (arrays, unsigned integers, doubles) and 3.4.2 (tag 1, time since the epoch).
"""

import math
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import cbor2

_SWAPPED = sys.byteorder == "little"


class Encoded:
    """A value that is CBOR already."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


def write(encoder: Any, value: Any) -> None:
    """Write what cbor2 does not know by itself: encoded values."""
    if not isinstance(value, Encoded):
        raise cbor2.CBOREncodeTypeError(f"cannot serialize type {type(value).__name__}")
    encoder.write(value.data)


def doubles(items: Sequence[Any]) -> Encoded | None:
    """Return a list of finite numbers, encoded; None for any other one."""
    try:
        numbers = array("d", items)
    except (TypeError, OverflowError):
        return None
    return _columns(b"\xfb", numbers) if all(map(math.isfinite, numbers)) else None


def times(items: Sequence[Any]) -> Encoded | None:
    """Return a list of whole seconds between 1970-01-02 and 2106, encoded; None for any other one."""
    if set(map(type, items)) != {int} or min(items) < 2**16 or max(items) >= 2**32:
        return None
    return _columns(b"\xc1\x1a", array("I", items))


WRITERS: dict[str, Callable[[Sequence[Any]], Encoded | None]] = {
    "double": doubles,
    "float": doubles,
    "timestamp": times,
}
"""By the type of a list's items."""


def _columns(prefix: bytes, numbers: "array[Any]") -> Encoded:
    """Return an array of which each item is the prefix and a number, the most significant byte first."""
    if _SWAPPED:
        numbers.byteswap()
    raw, size, count, before = numbers.tobytes(), numbers.itemsize, len(numbers), len(prefix)
    width = before + size
    body = bytearray(width * count)
    for place, byte in enumerate(prefix):
        body[place::width] = bytes([byte]) * count
    for place in range(size):
        body[before + place :: width] = raw[place::size]
    return Encoded(_head(count) + body)


def _head(count: int) -> bytes:
    """Return the head of an array of so many items."""
    if count < 24:
        return bytes([0x80 | count])
    size = 1 if count < 2**8 else 2 if count < 2**16 else 4
    return bytes([0x97 + {1: 1, 2: 2, 4: 3}[size]]) + count.to_bytes(size, "big")

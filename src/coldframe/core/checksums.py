"""The checksums that AWS takes over a body, by their names: CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5.

CRC32C and CRC64NVME are not in the standard library. A remainder is linear, so a long message is first folded: its
front half, times what the distance stands for, is added to its back half, again and again. Whole integers do that
at some fifty megabytes a second where a loop over bytes does five.
"""

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, Protocol

# The reflected polynomials, and how many bits they have.
_POLYNOMIALS: Final = MappingProxyType({"CRC32C": (0x82F63B78, 32), "CRC64NVME": (0x9A6C9329AC4BC9B5, 64)})
_SHORT: Final = 256

# The length in bytes of every checksum.
LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16}
)
HEADER: Final = "x-amz-checksum-"


class Checksum(Protocol):
    """A checksum over bytes that come one after another."""

    def update(self, data: bytes, /) -> object:
        """Take in the next bytes."""

    def digest(self) -> bytes:
        """The checksum of the bytes so far, most significant byte first."""


class Crc32:
    """The CRC of zlib and Ethernet."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Take in the next bytes."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """The checksum of the bytes so far."""
        return self._value.to_bytes(4, "big")


class FoldedCrc:
    """A reflected CRC whose register begins and ends inverted."""

    def __init__(self, polynomial: int, bits: int) -> None:
        self._polynomial = polynomial
        self._bits = bits
        self._every = (1 << bits) - 1
        self._register = self._every

    def update(self, data: bytes, /) -> None:
        """Take in the next bytes."""
        if len(data) > _SHORT:
            data = self._folded(data)
        table = _table(self._polynomial)
        register = self._register
        for byte in data:
            register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
        self._register = register

    def digest(self) -> bytes:
        """The checksum of the bytes so far."""
        return (self._register ^ self._every).to_bytes(self._bits // 8, "big")

    def _folded(self, data: bytes) -> bytes:
        """Give a short message with the remainder of a long one; the register goes into it and starts at zero.

        In a reflected message the lowest bit stands for the highest power, so that powers fall as bits rise.
        """
        message = int.from_bytes(data, "little") ^ self._register
        self._register = 0
        length = 8 * len(data)
        while length > 8 * _SHORT:
            width = (length - self._bits) // 16 * 8
            front, message, length = message & ((1 << width) - 1), message >> width, length - width
            factor = _power(self._polynomial, self._bits, length)
            product = 0
            for at in range(self._bits):
                if factor >> at & 1:
                    product ^= front << at
            # The product has `width + bits - 1` bits; both end at the power zero.
            message ^= product << (length - width - self._bits + 1)
        return message.to_bytes(length // 8, "little")


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    """The 256 remainders of a reflected polynomial."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ polynomial if value & 1 else value >> 1  # noqa: PLW2901 - shifted out bit by bit
        table.append(value)
    return tuple(table)


@cache
def _power(polynomial: int, bits: int, exponent: int) -> int:
    """The remainder of x to the `exponent`, reflected."""
    one = 1 << (bits - 1)
    if exponent == 0:
        return one
    half = _power(polynomial, bits, exponent // 2)
    square = _times(half, half, polynomial)
    return _times(square, one >> 1, polynomial) if exponent & 1 else square


def _times(one: int, other: int, polynomial: int) -> int:
    """The product of two reflected remainders: `other` is taken apart from its lowest power, which is its top bit."""
    product = 0
    bit = 1 << (polynomial.bit_length() - 1)
    while other:
        if other & bit:
            product ^= one
            other ^= bit
        one = (one >> 1) ^ polynomial if one & 1 else one >> 1
        bit >>= 1
    return product


def running(name: str) -> Checksum | None:
    """A checksum that has seen nothing yet, by its name (CRC32, ...); None when there is none of that name."""
    if name in _POLYNOMIALS:
        return FoldedCrc(*_POLYNOMIALS[name])
    if name == "CRC32":
        return Crc32()
    return hashlib.new(name, usedforsecurity=False) if name in LENGTHS else None


def combined(name: str, first: bytes, second: bytes, length: int) -> bytes:
    """The CRC of two messages one after the other, from the CRC of each and the length in bytes of the second."""
    polynomial, bits = _POLYNOMIALS.get(name, (0xEDB88320, 32))
    moved = _times(int.from_bytes(first, "big"), _power(polynomial, bits, 8 * length), polynomial)
    return (moved ^ int.from_bytes(second, "big")).to_bytes(bits // 8, "big")


def checksum(header: str, data: bytes) -> str | None:
    """The checksum in Base64 as the header of this name carries it; None when the name is none of them."""
    found = running(header.removeprefix(HEADER).upper()) if header.startswith(HEADER) else None
    if found is None:
        return None
    found.update(data)
    return b64encode(found.digest()).decode()

"""The checksums that AWS takes over a body, by their names: CRC32, CRC32C, CRC64NVME, the SHAs, the XXHASHes, MD5."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Protocol

# The reflected polynomials, how many bits they have, and the names of the catalogue of CRC algorithms.
_POLYNOMIALS: Final = MappingProxyType(
    {
        "CRC32": (0xEDB88320, 32, "CRC32"),
        "CRC32C": (0x82F63B78, 32, "CRC32-ISCSI"),
        "CRC64NVME": (0x9A6C9329AC4BC9B5, 64, "CRC64-NVME"),
    }
)
_XXHASH: Final = MappingProxyType({"XXHASH64": "xxh64", "XXHASH3": "xxh3_64", "XXHASH128": "xxh128"})

# The length in bytes of every checksum.
LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "CRC32": 4,
        "CRC32C": 4,
        "CRC64NVME": 8,
        "SHA1": 20,
        "SHA256": 32,
        "SHA512": 64,
        "XXHASH64": 8,
        "XXHASH3": 8,
        "XXHASH128": 16,
        "MD5": 16,
    }
)
HEADER: Final = "x-amz-checksum-"


class Checksum(Protocol):
    """A checksum over bytes that come one after another."""

    def update(self, data: bytes, /) -> object:
        """Take in the next bytes."""

    def digest(self) -> bytes:
        """The checksum of the bytes so far, most significant byte first."""


class Crc:
    """A cyclic redundancy check; loaded with the first one, as few requests carry any but CRC32."""

    def __init__(self, name: str) -> None:
        import anycrc

        _, bits, catalogued = _POLYNOMIALS[name]
        self._calculate = anycrc.Model(catalogued).calc
        self._bytes = bits // 8
        self._value: int | None = None

    def update(self, data: Any, /) -> None:
        """Take in the next bytes."""
        self._value = self._calculate(data, self._value)

    def digest(self) -> bytes:
        """The checksum of the bytes so far."""
        return (self._value or 0).to_bytes(self._bytes, "big")


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
        return Crc(name)
    if name in _XXHASH:
        import xxhash

        made: Checksum = getattr(xxhash, _XXHASH[name])()
        return made
    return hashlib.new(name, usedforsecurity=False) if name in LENGTHS else None


def combined(name: str, first: bytes, second: bytes, length: int) -> bytes:
    """The CRC of two messages one after the other, from the CRC of each and the length in bytes of the second."""
    polynomial, bits, _ = _POLYNOMIALS[name]
    moved = _times(int.from_bytes(first, "big"), _power(polynomial, bits, 8 * length), polynomial)
    return (moved ^ int.from_bytes(second, "big")).to_bytes(bits // 8, "big")


def checksum(header: str, data: bytes) -> str | None:
    """The checksum in Base64 as the header of this name carries it; None when the name is none of them."""
    found = running(header.removeprefix(HEADER).upper()) if header.startswith(HEADER) else None
    if found is None:
        return None
    found.update(data)
    return b64encode(found.digest()).decode()

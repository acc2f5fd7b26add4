"""The checksums that a trailer may carry, by the name of its header: CRC32, CRC32C, CRC64NVME, SHA-1, SHA-256.

CRC32C and CRC64NVME are not in the standard library: a table and a loop in Python, some megabytes a second.
"""

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    """The 256 remainders of a reflected polynomial."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ polynomial if value & 1 else value >> 1  # noqa: PLW2901 - shifted out bit by bit
        table.append(value)
    return tuple(table)


def _crc(data: bytes, polynomial: int, bits: int) -> bytes:
    table = _table(polynomial)
    every = (1 << bits) - 1
    remainder = every
    for byte in data:
        remainder = table[(remainder ^ byte) & 0xFF] ^ (remainder >> 8)
    return (remainder ^ every).to_bytes(bits // 8, "big")


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


_CHECKSUMS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "x-amz-checksum-crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
        "x-amz-checksum-crc32c": lambda data: _crc(data, 0x82F63B78, 32),
        "x-amz-checksum-crc64nvme": lambda data: _crc(data, 0x9A6C9329AC4BC9B5, 64),
        "x-amz-checksum-sha1": _sha1,
        "x-amz-checksum-sha256": lambda data: hashlib.sha256(data).digest(),
    }
)


def checksum(header: str, data: bytes) -> str | None:
    """The checksum in Base64 as the header of this name carries it; None when the name is none of them."""
    compute = _CHECKSUMS.get(header)
    return None if compute is None else b64encode(compute(data)).decode()

"""Strings and numbers as the SSH protocols write them (RFC 4251, 5)."""

import struct


class WireError(ValueError):
    """Bytes that end too early or say something impossible."""


def string(content: bytes) -> bytes:
    """Return a string: its length in four bytes, and its bytes."""
    return struct.pack(">I", len(content)) + content


def take(content: bytes, at: int) -> tuple[bytes, int]:
    """Return the string at a place and the place behind it; raises WireError."""
    if at + 4 > len(content):
        raise WireError("it ends too early")
    end = at + 4 + int.from_bytes(content[at : at + 4], "big")
    if end > len(content):
        raise WireError("it ends too early")
    return content[at + 4 : end], end


def number(content: bytes, at: int) -> tuple[int, int]:
    """Return the four-byte number at a place and the place behind it; raises WireError."""
    if at + 4 > len(content):
        raise WireError("it ends too early")
    return int.from_bytes(content[at : at + 4], "big"), at + 4

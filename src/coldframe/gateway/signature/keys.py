"""The signing key: the secret drawn through date, region and service, and signatures made with it."""

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Any


@lru_cache(maxsize=4096)
def signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    """The key for one day (YYYYMMDD), region and service. Kept, because every call of a client uses the same one."""
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode("utf-8", "surrogateescape"), "sha256")
    return key


def sign(key: bytes, text: str) -> str:
    """The signature of a string to sign, in hexadecimal."""
    inner, outer = (begun.copy() for begun in _begun(key))
    inner.update(text.encode("utf-8", "surrogateescape"))
    outer.update(inner.digest())
    return str(outer.hexdigest())


@lru_cache(maxsize=4096)
def _begun(key: bytes) -> tuple[Any, Any]:
    """The two hashes of HMAC-SHA256 (RFC 2104) that have taken in a key: to go on from them costs half of a new HMAC."""
    block = key.ljust(64, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))


def same(one: str, other: str) -> bool:
    """Whether two signatures or tokens are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(
        one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")
    )

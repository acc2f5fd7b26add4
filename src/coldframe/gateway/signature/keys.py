"""Signatures made with a signing key (`identity/secret_keys.py` derives it), and how they are compared."""

import hmac


def sign(key: bytes, text: str) -> str:
    """The signature of a string to sign, in hexadecimal."""
    return hmac.digest(key, text.encode("utf-8", "surrogateescape"), "sha256").hex()


def same(one: str, other: str) -> bool:
    """Whether two signatures or tokens are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(
        one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")
    )

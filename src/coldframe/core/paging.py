"""Pagination tokens: opaque, tied to the call that gave them, and checked when they come back."""

import base64
import binascii
import hashlib
import hmac
from typing import Any

import msgspec

from coldframe.core.faults import ServiceFault

INVALID = "The specified nextToken is invalid."


class Pager:
    """Makes and reads the tokens of one installation; `key` keeps clients from writing their own."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, operation: str, position: Any) -> str:
        """Return the token that stands for `position` (JSON-able) in `operation`'s listing."""
        body = msgspec.json.encode(position)
        return base64.urlsafe_b64encode(self._tag(operation, body) + body).decode().rstrip("=")

    def position(
        self, operation: str, token: str, *, code: str = "InvalidParameterException", text: str = INVALID
    ) -> Any:
        """Return what `token` stands for; raises the fault `code` for a token that this operation never gave."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        tag, body = raw[:12], raw[12:]
        if not body or not hmac.compare_digest(tag, self._tag(operation, body)):
            raise ServiceFault(code, text)
        return msgspec.json.decode(body)

    def _tag(self, operation: str, body: bytes) -> bytes:
        return hmac.digest(self._key, operation.encode() + b"\0" + body, hashlib.sha256)[:12]

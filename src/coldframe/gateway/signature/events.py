"""Signed event streams: each frame carries a date and a signature over the one before it and its own payload.

Source: the Amazon Transcribe Developer Guide, "Event stream encoding"; the request itself is signed with
STREAMING-AWS4-HMAC-SHA256-EVENTS for its body.
"""

import struct
from datetime import UTC, datetime
from hashlib import sha256

from coldframe.gateway.signature.credentials import Verified
from coldframe.gateway.signature.keys import same, sign
from coldframe.gateway.signature.refusals import refusal

_TIMESTAMP_TYPE = 8


class EventChain:
    """Checks the frames of one event stream in their order."""

    def __init__(self, verified: Verified) -> None:
        assert verified.key is not None
        self._key = verified.key
        self._region = verified.region
        self._service = verified.service
        self._family = verified.family
        self._previous = verified.signature

    def check(self, date_milliseconds: int, signature: bytes, payload: bytes) -> None:
        """Check a frame by its `:date`, its `:chunk-signature` and its payload; raises the family's mismatch."""
        try:
            date = datetime.fromtimestamp(date_milliseconds / 1000, UTC)
            header = struct.pack(">B5sBq", 5, b":date", _TIMESTAMP_TYPE, date_milliseconds)
        except (ValueError, OverflowError, OSError, struct.error):
            raise refusal(self._family, "mismatch") from None
        day = f"{date:%Y%m%d}"
        text = "\n".join(
            (
                "AWS4-HMAC-SHA256-PAYLOAD",
                f"{date:%Y%m%dT%H%M%SZ}",
                f"{day}/{self._region}/{self._service}/aws4_request",
                self._previous,
                sha256(header).hexdigest(),
                sha256(payload).hexdigest(),
            )
        )
        wanted = sign(self._key.signing_key(day, self._region, self._service), text)
        if not same(wanted, signature.hex()):
            raise refusal(self._family, "mismatch")
        self._previous = wanted

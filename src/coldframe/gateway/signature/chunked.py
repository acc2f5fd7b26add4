"""The aws-chunked encoding: a body in chunks, each signed or not, with a trailer of checksums or not.

Source: Amazon S3 API Reference, "Signature calculations for the Authorization header: transferring payload in
multiple chunks" and "... including trailing headers".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.signature.checksums import checksum
from coldframe.gateway.signature.credentials import Verified
from coldframe.gateway.signature.keys import same, sign, signing_key
from coldframe.gateway.signature.refusals import refusal

_EMPTY: Final = sha256(b"").hexdigest()
_SMALLEST_CHUNK: Final = 8192
_HEAD: Final = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?").fullmatch
_TRAILER_SIGNATURE: Final = "x-amz-trailer-signature"
_CHUNKED: Final = frozenset(
    {
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    }
)


@dataclass(frozen=True, slots=True)
class Payload:
    """A body without its chunks, and the trailing headers that came after it."""

    body: bytes
    trailers: dict[str, str] = field(default_factory=dict)


def decode_body(verified: Verified, request: WireRequest) -> Payload:
    """Check the chunks and trailing checksums of a verified request and take them off; other bodies stay as they are.

    Raises SignatureDoesNotMatch, IncompleteBody, InvalidChunkSizeError, MalformedTrailerError and BadDigest.
    """
    if verified.payload not in _CHUNKED:
        return Payload(request.body)
    signed = verified.payload.startswith("STREAMING-AWS4")
    chain = _Chain(verified) if signed else None
    parts: list[bytes] = []
    end = 0
    for data, signature, next_at in _chunks(request.body):
        if chain is not None:
            chain.check_chunk(data, signature)
            if parts and data and len(parts[-1]) < _SMALLEST_CHUNK:
                message = "Only the last chunk is allowed to have a size less than 8192 bytes"
                raise ServiceFault("InvalidChunkSizeError", message, status=403)
        parts.append(data)
        end = next_at
    body = b"".join(parts)
    stated = request.headers.get("x-amz-decoded-content-length")
    if stated is not None and stated != str(len(body)):
        raise _incomplete(
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        )
    trailers = _trailers(request, request.body[end:], chain if verified.payload.endswith("TRAILER") else None)
    for name, value in trailers.items():
        actual = checksum(name, body)
        if actual is not None and actual != value:
            algorithm = name.removeprefix("x-amz-checksum-").upper()
            message = f"The {algorithm} you specified did not match the calculated checksum."
            raise ServiceFault("BadDigest", message, status=400)
    return Payload(body, trailers)


class _Chain:
    """The signatures of chunks, each of which covers the one before it; the first follows the request's own."""

    def __init__(self, verified: Verified) -> None:
        assert verified.date is not None
        day = f"{verified.date:%Y%m%d}"
        self._key = signing_key(verified.secret_key, day, verified.region, verified.service)
        scope = f"{day}/{verified.region}/{verified.service}/aws4_request"
        self._above = f"{verified.date:%Y%m%dT%H%M%SZ}\n{scope}\n"
        self._previous = verified.signature
        self._family = verified.family

    def check_chunk(self, data: bytes, signature: str) -> None:
        digest = sha256(data).hexdigest()
        self._check(f"AWS4-HMAC-SHA256-PAYLOAD\n{self._above}{self._previous}\n{_EMPTY}\n{digest}", signature)

    def check_trailer(self, text: str, signature: str) -> None:
        digest = sha256(text.encode("latin-1")).hexdigest()
        self._check(f"AWS4-HMAC-SHA256-TRAILER\n{self._above}{self._previous}\n{digest}", signature)

    def _check(self, text: str, signature: str) -> None:
        wanted = sign(self._key, text)
        if not same(wanted, signature):
            raise refusal(self._family, "mismatch")
        self._previous = wanted


def _chunks(body: bytes) -> Iterator[tuple[bytes, str, int]]:
    """Data, signature and where the next chunk starts, of each chunk up to the empty one that ends them."""
    at = 0
    while True:
        line_end = body.find(b"\r\n", at, at + 128)
        head = _HEAD(body, at, line_end) if line_end >= 0 else None
        if head is None:
            raise _incomplete("The request body terminated unexpectedly")
        size = int(head[1], 16)
        start = line_end + 2
        signature = (head[2] or b"").decode()
        if size == 0:
            yield b"", signature, start
            return
        if body[start + size : start + size + 2] != b"\r\n":
            raise _incomplete("The request body terminated unexpectedly")
        at = start + size + 2
        yield body[start : start + size], signature, at


def _trailers(request: WireRequest, rest: bytes, chain: _Chain | None) -> dict[str, str]:
    lines = [line for line in rest.decode("latin-1").replace("\r\n", "\n").split("\n") if line]
    trailers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise _malformed_trailer()
        trailers[name.strip().lower()] = value.strip()
    signature = trailers.pop(_TRAILER_SIGNATURE, "")
    announced = {
        name.strip().lower() for name in request.headers.get("x-amz-trailer", "").split(",") if name.strip()
    }
    if announced != set(trailers):
        raise _malformed_trailer()
    if chain is not None:
        chain.check_trailer("".join(f"{name}:{value}\n" for name, value in trailers.items()), signature)
    return trailers


def _incomplete(message: str) -> ServiceFault:
    return ServiceFault("IncompleteBody", message, status=400)


def _malformed_trailer() -> ServiceFault:
    return ServiceFault(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        status=400,
    )

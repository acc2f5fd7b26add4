"""The aws-chunked encoding: a body in chunks, each signed or not, with a trailer of checksums or not.

Source: Amazon S3 API Reference, "Signature calculations for the Authorization header: transferring payload in
multiple chunks" and "... including trailing headers".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from coldframe.core.checksums import checksum
from coldframe.core.faults import ServiceFault
from coldframe.core.filling import Fill, Filling, chunks_of
from coldframe.core.wire import BodyStream, WireRequest
from coldframe.gateway.signature.credentials import Verified
from coldframe.gateway.signature.keys import same, sign
from coldframe.gateway.signature.refusals import refusal

_EMPTY: Final = sha256(b"").hexdigest()
_SMALLEST_CHUNK: Final = 8192
_LONGEST_LINE: Final = 1024
_LONGEST_TRAILER: Final = 16 * 1024
# How much is read for a line at once: the end of a chunk and the head of the next, and little of its data.
_READ_AHEAD: Final = 128
_HEAD: Final = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?").fullmatch
_TRAILER_SIGNATURE: Final = "x-amz-trailer-signature"
# What stands for the body in the signature of a request whose body comes in chunks.
UNSIGNED_CHUNKS: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CHUNKED: Final = frozenset(
    {
        UNSIGNED_CHUNKS,
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
    if verified.payload not in CHUNKED:
        return Payload(request.body)
    signed = verified.payload.startswith("STREAMING-AWS4")
    chain = _Chain(verified) if signed else None
    parts: list[bytes] = []
    end = 0
    for data, signature, next_at in _chunks(request.body):
        if chain is not None:
            chain.check_chunk(sha256(data).hexdigest(), signature)
            if parts and data and len(parts[-1]) < _SMALLEST_CHUNK:
                raise _small_chunk()
        parts.append(data)
        end = next_at
    body = b"".join(parts)
    stated = request.headers.get("x-amz-decoded-content-length")
    if stated is not None and stated != str(len(body)):
        raise _wrong_length()
    trailers = _trailers(request, request.body[end:], chain if verified.payload.endswith("TRAILER") else None)
    for name, value in trailers.items():
        actual = checksum(name, body)
        if actual is not None and actual != value:
            algorithm = name.removeprefix("x-amz-checksum-").upper()
            message = f"The {algorithm} you specified did not match the calculated checksum."
            raise ServiceFault("BadDigest", message, status=400)
    return Payload(body, trailers)


def decode_stream(verified: Verified, request: WireRequest, stream: BodyStream) -> BodyStream:
    """Check a body as it arrives: its chunks and trailer as `decode_body` does, or the hash that was signed for it.

    The trailing checksums are left to the reader, who learns from `announced` which ones to take.
    """
    if verified.payload not in CHUNKED:
        if len(verified.payload) == len(_EMPTY):
            hashed = _Hashed(stream.fill or Filling(stream.chunks), verified)
            return BodyStream(chunks_of(hashed), fill=hashed, size=stream.size)
        return stream
    decoded = _Decoded(stream.fill or Filling(stream.chunks), verified, request)
    announced = tuple(sorted(_announced(request)))
    return BodyStream(chunks_of(decoded), announced, decoded.trailers, decoded, decoded.size)


class _Hashed:
    """A body that is held against the hash that was signed for it, when it ends."""

    def __init__(self, fill: Fill, verified: Verified) -> None:
        self._fill = fill
        self._verified = verified
        self._digest = sha256()

    def __call__(self, buffer: memoryview) -> int:
        size = self._fill(buffer)
        self._digest.update(buffer[:size])
        if size < len(buffer):
            digest, stated = self._digest.hexdigest(), self._verified.payload
            if digest != stated.lower():
                members = {"ClientComputedContentSHA256": stated, "S3ComputedContentSHA256": digest}
                raise refusal(self._verified.family, "body_hash", **members)
        return size


class _Decoded:
    """The data of the chunks; each chunk's signature is checked at its end, and the length at the end of all."""

    def __init__(self, fill: Fill, verified: Verified, request: WireRequest) -> None:
        self._source = _Source(fill)
        self._request = request
        self._chain = _Chain(verified) if verified.payload.startswith("STREAMING-AWS4") else None
        self._with_trailer = verified.payload.endswith("TRAILER")
        self._stated = request.headers.get("x-amz-decoded-content-length")
        self.size = int(self._stated) if self._stated and self._stated.isdecimal() else None
        # Of the chunk: its bytes that are still to come, its hash, and what its head says its signature is.
        self._left = 0
        self._digest = sha256()
        self._signature = ""
        self._begun = self._small = self._ended = False
        self._total = 0
        self.trailers: dict[str, str] = {}

    def __call__(self, buffer: memoryview) -> int:
        filled = 0
        while filled < len(buffer):
            if not self._left and not self._next_chunk():
                break
            part = buffer[filled : filled + self._left]
            self._source.take(part)
            if self._chain is not None:
                self._digest.update(part)
            filled += len(part)
            self._left -= len(part)
        return filled

    def _next_chunk(self) -> bool:
        """End the chunk that is read and begin with the next one; False when all have been read."""
        if self._ended:
            return False
        if self._begun:
            self._check_chunk()
            if self._source.line():
                raise _incomplete("The request body terminated unexpectedly")
        head = _HEAD(self._source.line())
        if head is None:
            raise _incomplete("The request body terminated unexpectedly")
        size = int(head[1], 16)
        if self._small and size and self._chain is not None:
            raise _small_chunk()
        self._begun, self._left, self._digest = True, size, sha256()
        self._signature = (head[2] or b"").decode()
        self._total += size
        if self.size is not None and self._total > self.size:
            raise _wrong_length()
        self._small = size < _SMALLEST_CHUNK
        if size == 0:
            self._check_chunk()
            self._end()
        return size != 0

    def _check_chunk(self) -> None:
        if self._chain is not None:
            self._chain.check_chunk(self._digest.hexdigest(), self._signature)

    def _end(self) -> None:
        self._ended = True
        if self._stated is not None and self._stated != str(self._total):
            raise _wrong_length()
        chain = self._chain if self._with_trailer else None
        self.trailers.update(_trailers(self._request, self._source.rest(), chain))


class _Source:
    """The bytes of a body, taken by line or into a buffer."""

    def __init__(self, fill: Fill) -> None:
        self._fill = fill
        self._held = b""
        self._line = memoryview(bytearray(_READ_AHEAD))

    def line(self) -> bytes:
        """Give the bytes up to the next line break; an end or an endless line is IncompleteBody."""
        while (end := self._held.find(b"\r\n")) < 0:
            if len(self._held) > _LONGEST_LINE or not self._more():
                raise _incomplete("The request body terminated unexpectedly")
        found, self._held = self._held[:end], self._held[end + 2 :]
        return found

    def take(self, buffer: memoryview) -> None:
        """Fill the buffer; an end before it is full is IncompleteBody."""
        size = min(len(self._held), len(buffer))
        buffer[:size] = self._held[:size]
        self._held = self._held[size:]
        if size < len(buffer) and self._fill(buffer[size:]) < len(buffer) - size:
            raise _incomplete("The request body terminated unexpectedly")

    def rest(self) -> bytes:
        """Give what is left, which must be short."""
        while self._more():
            if len(self._held) > _LONGEST_TRAILER:
                raise _malformed_trailer()
        return self._held

    def _more(self) -> int:
        size = self._fill(self._line)
        self._held += self._line[:size]
        return size


class _Chain:
    """The signatures of chunks, each of which covers the one before it; the first follows the request's own."""

    def __init__(self, verified: Verified) -> None:
        assert verified.date is not None and verified.key is not None
        day = f"{verified.date:%Y%m%d}"
        self._key = verified.key.signing_key(day, verified.region, verified.service)
        scope = f"{day}/{verified.region}/{verified.service}/aws4_request"
        self._above = f"{verified.date:%Y%m%dT%H%M%SZ}\n{scope}\n"
        self._previous = verified.signature
        self._family = verified.family

    def check_chunk(self, digest: str, signature: str) -> None:
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
    if _announced(request) != set(trailers):
        raise _malformed_trailer()
    if chain is not None:
        chain.check_trailer("".join(f"{name}:{value}\n" for name, value in trailers.items()), signature)
    return trailers


def _announced(request: WireRequest) -> set[str]:
    """The trailing headers that the request says will come."""
    return {
        name.strip().lower() for name in request.headers.get("x-amz-trailer", "").split(",") if name.strip()
    }


def _wrong_length() -> ServiceFault:
    return _incomplete("You did not provide the number of bytes specified by the Content-Length HTTP header")


def _small_chunk() -> ServiceFault:
    message = "Only the last chunk is allowed to have a size less than 8192 bytes"
    return ServiceFault("InvalidChunkSizeError", message, status=403)


def _incomplete(message: str) -> ServiceFault:
    return ServiceFault("IncompleteBody", message, status=400)


def _malformed_trailer() -> ServiceFault:
    return ServiceFault(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        status=400,
    )

"""Receiving the bytes of an object or part: stored while they are digested, and held against what came with them."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, NamedTuple

from coldframe.core.call import Call
from coldframe.core.checksums import HEADER, LENGTHS, Checksum, running
from coldframe.core.faults import ServiceFault
from coldframe.core.filling import Fill, Filling
from coldframe.core.wire import BodyStream
from coldframe.engines.objectstore.errors import StorageFailed, StorageFull
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.engines.objectstore.writing import Blob
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.refusals import bad_digest, invalid_request

LARGEST = 5 * 1024**3
# What S3 takes of bytes that come without a checksum.
DEFAULT_CHECKSUM = "CRC64NVME"


class Received(NamedTuple):
    """A stored body: its blob, pending, its MD5 in hexadecimal, and its checksums in Base64 by algorithm."""

    blob: Blob
    md5: str
    checksums: dict[str, str]


def receive(call: Call, request: Request, *, algorithm: str = "", key: bytes = b"") -> Received:
    """Store the body of PutObject or UploadPart, under its own key where it has one.

    An upload may want a checksum of its own beside the stated one.

    Raises InvalidDigest, BadDigest, EntityTooLarge and InvalidRequest, and nothing is stored then.
    """
    body: Any = request.get("Body") or b""
    stream = body if isinstance(body, BodyStream) else BodyStream(iter((body,)), size=len(body))
    md5 = _md5_stated(request)
    stated = stated_checksums(request)
    names = {*stated, *(_algorithm(header) for header in stream.announced)}
    if algorithm or not names:
        names.add(algorithm or request.get("ChecksumAlgorithm") or DEFAULT_CHECKSUM)
    if int(request.get("ContentLength") or 0) > LARGEST + LARGEST // 1024:
        raise _too_large()
    fill = _Limited(stream.fill or Filling(stream.chunks))
    received = store_body(call, fill, names, key=key, size=stream.size, md5=not key or md5 is not None)
    stated |= {_algorithm(header): value for header, value in stream.trailers.items()}
    try:
        if md5 is not None and md5.hex() != received.md5:
            raise _wrong_md5(request, md5, received.md5)
        for name, value in stated.items():
            if received.checksums[name] != value:
                raise bad_digest(name)
    except ServiceFault:
        call.part(ObjectStore).discard(received.blob.id)
        raise
    # Documented: with a key of the customer's, or of KMS, the ETag is no MD5, which would tell something of the bytes.
    return received._replace(md5=call.new_id().replace("-", "")) if key else received


def store_body(
    call: Call,
    body: Iterable[bytes] | Fill,
    names: Iterable[str],
    *,
    key: bytes = b"",
    size: int | None = None,
    md5: bool = True,
) -> Received:
    """Store bytes, of which there are `size` if that is known, and take the checksums of these names and the MD5.

    The MD5 is empty where it is not wanted: it costs twice what all else does.
    """
    checksums: dict[str, Checksum] = {name: _running(name) for name in names}
    whole = hashlib.md5(usedforsecurity=False) if md5 else None
    digests = [*([whole] if whole else []), *checksums.values()]
    try:
        blob = call.part(ObjectStore).write(body, digests, secret=key, size=size)
    except StorageFull as full:
        text = "The server's disk is full: nothing of the object was stored. Free some space and try again."
        raise ServiceFault("ServiceUnavailable", text, status=503) from full
    except StorageFailed as failed:
        text = f"The server's disk refused to store the object ({failed}): nothing of it was stored."
        raise ServiceFault("ServiceUnavailable", text, status=503) from failed
    found = {name: b64encode(each.digest()).decode() for name, each in checksums.items()}
    return Received(blob, whole.hexdigest() if whole else "", found)


def stated_checksums(request: Request) -> dict[str, str]:
    """Return the checksum that a request states, by its algorithm; at most one."""
    stated = {name: request[f"Checksum{name}"] for name in LENGTHS if request.get(f"Checksum{name}")}
    if len(stated) > 1:
        text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        raise invalid_request(text)
    for name, value in stated.items():
        if len(_decoded(value.partition("-")[0])) != LENGTHS[name]:
            raise invalid_request(f"Value for {HEADER}{name.lower()} header is invalid.")
    return stated


def check_algorithm(request: Request, algorithm: str) -> None:
    """Raise InvalidRequest for a part that comes with a checksum of another algorithm than its upload's."""
    body: Any = request.get("Body")
    announced = body.announced if isinstance(body, BodyStream) else ()
    for name in (*stated_checksums(request), *(_algorithm(header) for header in announced)):
        if algorithm and name != algorithm:
            text = f"expected checksum Type: {algorithm.lower()}, actual checksum Type: {name.lower()}"
            raise invalid_request(f"Checksum Type mismatch occurred, {text}")


def answered_checksums(checksums: dict[str, str], kind: str = "") -> dict[str, str]:
    """Return checksums as the members of an answer."""
    members = {f"Checksum{name}": value for name, value in checksums.items()}
    return members | {"ChecksumType": kind} if kind and members else members


def told_checksums(checksums: dict[str, str], algorithm: str) -> dict[str, str]:
    """Return the one checksum of a part that its sender is told: the upload's, else what came with it or the default."""
    if algorithm in checksums:
        return {algorithm: checksums[algorithm]}
    own = {name: value for name, value in checksums.items() if name != DEFAULT_CHECKSUM}
    return own or checksums


def _running(name: str) -> Checksum:
    found = running(name)
    if found is None:
        raise invalid_request(f"The algorithm {name} is no checksum algorithm of Amazon S3.")
    return found


def _algorithm(header: str) -> str:
    name = header.removeprefix(HEADER).upper()
    if not header.startswith(HEADER) or name not in LENGTHS:
        raise invalid_request("The value specified in the x-amz-trailer header is not supported")
    return name


def _md5_stated(request: Request) -> bytes | None:
    text = request.get("ContentMD5")
    if text is None:
        return None
    digest = _decoded(text)
    if len(digest) != 16:
        stated = {"Content-MD5": text}
        raise ServiceFault(
            "InvalidDigest", "The Content-MD5 you specified was invalid.", status=400, **stated
        )
    return digest


def _wrong_md5(request: Request, stated: bytes, actual: str) -> ServiceFault:
    # AWS writes the digest of an object in hexadecimal and that of a part in Base64.
    expected = b64encode(stated).decode() if request.get("PartNumber") else stated.hex()
    calculated = b64encode(bytes.fromhex(actual)).decode()
    text = "The Content-MD5 you specified did not match what we received."
    members = {"ExpectedDigest": expected, "CalculatedDigest": calculated}
    return ServiceFault("BadDigest", text, status=400, **members)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""


class _Limited:
    """A body that may not pass the limit of an object."""

    def __init__(self, fill: Fill) -> None:
        self._fill = fill
        self._size = 0

    def __call__(self, buffer: memoryview) -> int:
        filled = self._fill(buffer)
        self._size += filled
        if self._size > LARGEST:
            raise _too_large()
        return filled


def _too_large() -> ServiceFault:
    text = "Your proposed upload exceeds the maximum allowed size"
    return ServiceFault("EntityTooLarge", text, status=400, MaxSizeAllowed=str(LARGEST))

"""From uploaded parts to one object: which parts, in which order, and the ETag and checksum of the whole.

Source: Amazon S3 User Guide, Multipart upload overview, and Checking object integrity.
"""

import hashlib
import itertools
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.checksums import combined, running
from coldframe.core.faults import ServiceFault
from coldframe.services.s3.bodies import DEFAULT_CHECKSUM, stated_checksums
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.records import Part, Upload, UploadedPart, Version
from coldframe.services.s3.refusals import bad_digest, invalid_request

SMALLEST_PART = 5 * 1024 * 1024


def check_parts(
    request: Request,
    upload: Upload,
    named: Sequence[Mapping[str, Any]],
    uploaded: Mapping[int, UploadedPart],
) -> list[UploadedPart]:
    """Return the parts that are named; raises InvalidPartOrder, InvalidPart, EntityTooSmall and InvalidRequest."""
    numbers = [int(each.get("PartNumber") or 0) for each in named]
    if any(first >= second for first, second in itertools.pairwise(numbers)):
        text = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise ServiceFault("InvalidPartOrder", text, status=400, UploadId=upload.upload_id)
    _check_kind(request, upload)
    parts = [_named(each, number, upload, uploaded) for each, number in zip(named, numbers, strict=True)]
    for part in parts[:-1]:
        if part.size < SMALLEST_PART:
            raise ServiceFault(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                status=400,
                ProposedSize=str(part.size),
                MinSizeAllowed=str(SMALLEST_PART),
                PartNumber=str(part.number),
                ETag=part.etag,
            )
    stated = request.get("MpuObjectSize")
    size = sum(part.size for part in parts)
    if stated is not None and int(stated) != size:
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {stated} does not match what was computed: {size}"
        )
    return parts


def _check_kind(request: Request, upload: Upload) -> None:
    said, kind = request.get("ChecksumType"), upload.checksum_type or "null"
    if said is not None and said != kind:
        text = (
            f"The upload was created using the {kind} checksum mode. The complete request must use the same"
        )
        raise invalid_request(f"{text} checksum mode.")


def _named(
    each: Mapping[str, Any], number: int, upload: Upload, uploaded: Mapping[int, UploadedPart]
) -> UploadedPart:
    part = uploaded.get(number)
    etag = str(each.get("ETag") or "").strip('"')
    stated, algorithm = stated_checksums(each), upload.algorithm
    for name in stated:
        if algorithm and name != algorithm:
            text = f"The {name.lower()} you specified for part {number} did not match what we received."
            raise ServiceFault("BadDigest", text, status=400)
    # Of an upload that began without an algorithm no part has a checksum that could be named.
    if (
        part is None
        or part.etag != etag
        or any(part.checksums.get(algorithm) != one for one in stated.values())
    ):
        # The two spaces are AWS's.
        text = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the"
        raise ServiceFault(
            "InvalidPart",
            f"{text} specified entity tag may not match the part's entity tag.",
            status=400,
            UploadId=upload.upload_id,
            PartNumber=str(number),
            ETag=etag,
        )
    if algorithm and not stated and upload.checksum_type == "COMPOSITE":
        text = f"The upload was created using a {algorithm.lower()} checksum. The complete request must include the"
        raise invalid_request(
            f"{text} checksum for each part. It was missing for part {number} in the request."
        )
    return part


def assembled(call: Call, request: Request, upload: Upload, parts: Sequence[UploadedPart]) -> Version:
    """Return the version that the parts make; raises BadDigest when the whole is not what the client states."""
    checksums = _whole(upload, parts)
    for name, value in stated_checksums(request).items():
        # AWS takes a checksum without a word on its type for one over those of the parts.
        mistaken = (
            upload.checksum_type == "FULL_OBJECT"
            and name != DEFAULT_CHECKSUM
            and not request.get("ChecksumType")
        )
        wrong = checksums.get(name, "").partition("-")[0] != value.partition("-")[0]
        if upload.algorithm and (wrong or mistaken):
            raise bad_digest(upload.algorithm.lower())
    etag = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
    return replace(
        upload.draft,
        modified=call.now,
        size=sum(part.size for part in parts),
        etag=f"{etag.hexdigest()}-{len(parts)}",
        blobs=[(part.blob, part.size) for part in parts],
        parts=[
            Part(part.number, part.size, part.checksums.get(upload.algorithm or DEFAULT_CHECKSUM, ""))
            for part in parts
        ],
        checksums=checksums,
        checksum_type=_kind(upload) if checksums else "",
        upload_id=upload.upload_id,
    )


def _kind(upload: Upload) -> str:
    return upload.checksum_type if upload.algorithm else "FULL_OBJECT"


def _whole(upload: Upload, parts: Sequence[UploadedPart]) -> dict[str, str]:
    """Return the checksum of the whole: over the parts' checksums, or of all bytes where parts can be combined."""
    name = upload.algorithm or DEFAULT_CHECKSUM
    sealed = bool(upload.draft.customer_key)
    if not upload.algorithm and (sealed or any(name not in part.checksums for part in parts)):
        return {}  # AWS takes no checksum of its own of what is encrypted with a customer's key
    if any(name not in part.checksums for part in parts):
        raise invalid_request(
            f"The upload was created using a {name.lower()} checksum. The complete request must include the checksum for each part."
        )
    digests = [b64decode(part.checksums[name]) for part in parts]
    if _kind(upload) == "FULL_OBJECT":
        value = digests[0]
        for digest, part in zip(digests[1:], parts[1:], strict=True):
            value = combined(name, value, digest, part.size)
        return {name: b64encode(value).decode()}
    over = running(name)
    assert over is not None, "the algorithm was checked when the upload began"
    over.update(b"".join(digests))
    return {name: f"{b64encode(over.digest()).decode()}-{len(parts)}"}

"""Multipart uploads: begin, upload parts, complete, abort and list."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from coldframe.core.call import Call
from coldframe.core.statements import LAST_CHARACTER
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.services.s3 import acls, encryption
from coldframe.services.s3.assembling import assembled, check_parts
from coldframe.services.s3.bodies import (
    DEFAULT_CHECKSUM,
    answered_checksums,
    check_algorithm,
    receive,
    told_checksums,
)
from coldframe.services.s3.conditions import check_undisturbed, check_write
from coldframe.services.s3.customer_keys import key_of_upload
from coldframe.services.s3.drafts import draft_of
from coldframe.services.s3.listing import encoder, page_of, wanted_count
from coldframe.services.s3.lookup import Request, bucket_of, newest
from coldframe.services.s3.records import Bucket, Upload, UploadedPart, Version
from coldframe.services.s3.refusals import invalid_argument, invalid_request, malformed_xml, no_such_upload
from coldframe.services.s3.storing import commit_version
from coldframe.services.s3.times import whole_second
from coldframe.services.s3.uploads import (
    check_id_marker,
    commit_part,
    known_upload,
    new_upload_id,
    upload_key,
)
from coldframe.services.s3.versions import told_version

_MOST_PARTS = 10_000
_WHOLE_ONLY = frozenset({"CRC64NVME"})
_CRCS = frozenset({"CRC32", "CRC32C", "CRC64NVME"})


def create_multipart_upload(call: Call, request: Request) -> Mapping[str, Any]:
    """Begin an upload; what the object will be is said here, its bytes come in parts."""
    bucket = bucket_of(call, request)
    draft, _ = encryption.encrypted(call, bucket, request, draft_of(call, bucket, request))
    algorithm = request.get("ChecksumAlgorithm") or ""
    kind = request.get("ChecksumType") or ("FULL_OBJECT" if algorithm in _WHOLE_ONLY else "COMPOSITE")
    if request.get("ChecksumType") and not algorithm:
        raise invalid_request(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        )
    if (algorithm and (kind == "FULL_OBJECT") > (algorithm in _CRCS)) or (
        kind == "COMPOSITE" and algorithm in _WHOLE_ONLY
    ):
        raise invalid_request(
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        )
    upload = Upload(
        bucket=bucket.name,
        key=request["Key"],
        upload_id=new_upload_id(call.now),
        initiated=call.now,
        initiator=call.principal.arn,
        algorithm=algorithm,
        checksum_type=kind if algorithm else "",
        draft=draft,
    )
    call.records.add(upload)
    answer = {"Bucket": bucket.name, "Key": upload.key, "UploadId": upload.upload_id}
    if algorithm:
        answer |= {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    return answer | encryption.answered(draft, request)


def upload_part(call: Call, request: Request) -> Mapping[str, Any]:
    """Store a part; one of the same number takes its place."""
    _check_number(request["PartNumber"])
    bucket = bucket_of(call, request)
    with call.installation.store.read() as transaction:
        upload = known_upload(transaction.records("", "").find(Upload, *upload_key(request)), request)
    key = key_of_upload(request, upload.draft) or encryption.opened(call, bucket, upload.draft)
    check_algorithm(request, upload.algorithm)
    received = receive(call, request, algorithm=upload.algorithm or DEFAULT_CHECKSUM, key=key)
    part = commit_part(call, request, received)
    answer = {"ETag": f'"{part.etag}"', **encryption.answered(upload.draft, request)}
    return answer | answered_checksums(told_checksums(received.checksums, upload.algorithm))


def complete_multipart_upload(call: Call, request: Request) -> Mapping[str, Any]:
    """Make the object of the parts that are named; they stay where they are, so that this is quick at any size."""
    bucket = bucket_of(call, request)
    records = call.records
    upload = records.find(Upload, *upload_key(request))
    if upload is None:
        # A client that did not hear the answer asks again.
        found = newest(records, bucket.name, request["Key"])
        if found is None or found.upload_id != request["UploadId"]:
            raise no_such_upload(request["UploadId"])
        return _completed(call, request, bucket, found)
    named = (request.get("MultipartUpload") or {}).get("Parts") or []
    if not named and request.get("MultipartUpload") is not None:
        raise malformed_xml()
    if not named:
        raise invalid_request("You must specify at least one part")
    if len(named) > _MOST_PARTS:
        raise malformed_xml()
    uploaded = {part.number: part for part in records.list(UploadedPart, key_prefix=(upload.upload_id,))}
    parts = check_parts(request, upload, named, uploaded)
    draft = assembled(call, request, upload, parts)
    kept = {part.blob for part in parts}
    check_write(request, records)
    check_undisturbed(request, records, upload)
    made, _ = commit_version(
        call, request, draft, [], into=bucket, event="ObjectCreated:CompleteMultipartUpload"
    )
    _forget(call, upload, list(uploaded.values()), keep=kept)
    return _completed(call, request, bucket, made)


def abort_multipart_upload(call: Call, request: Request) -> Mapping[str, Any]:
    """End an upload and delete its parts."""
    bucket_of(call, request)
    records = call.records
    upload = known_upload(records.find(Upload, *upload_key(request)), request)
    _forget(call, upload, records.list(UploadedPart, key_prefix=(upload.upload_id,)), keep=set())
    return {}


def list_parts(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the parts of an upload that are there."""
    bucket = bucket_of(call, request)
    records = call.records
    upload = known_upload(records.find(Upload, *upload_key(request)), request)
    limit, marker = wanted_count(request, "MaxParts"), request.get("PartNumberMarker") or 0
    try:
        after = int(marker)
    except ValueError:
        raise invalid_argument(
            "Provided part-number-marker not an integer", "part-number-marker", marker
        ) from None
    found = records.list(
        UploadedPart, key_prefix=(upload.upload_id,), after=(upload.upload_id, after), limit=limit + 1
    )
    shown = found[:limit]
    answer: dict[str, Any] = {
        "Bucket": bucket.name,
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "PartNumberMarker": after,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit,
        "Parts": [_part(part, upload.algorithm) for part in shown],
        "Initiator": {"ID": upload.initiator, "DisplayName": upload.initiator.rpartition("/")[2]},
        "Owner": acls.owner(bucket.owner),
        "StorageClass": upload.draft.storage_class,
    }
    if upload.algorithm:
        answer |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.checksum_type}
    return answer


def list_multipart_uploads(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the uploads under way in a bucket, by key."""
    bucket, encode = bucket_of(call, request), encoder(request)
    records = call.records
    prefix, limit = request.get("Prefix") or "", wanted_count(request, "MaxUploads")
    key_marker, id_marker = request.get("KeyMarker") or "", request.get("UploadIdMarker") or ""

    def fetch(position: tuple[Any, ...] | None, size: int) -> list[Upload]:
        starts = ("key", prefix) if prefix else None
        return records.list(Upload, key_prefix=(bucket.name,), starts_with=starts, after=position, limit=size)

    delimiter = request.get("Delimiter") or ""
    after = (bucket.name, key_marker, id_marker or LAST_CHARACTER) if key_marker else None
    if key_marker and id_marker:
        check_id_marker(records, bucket.name, key_marker, id_marker)
    # A marker within a group hides all of it.
    end = key_marker.find(delimiter, len(prefix)) if delimiter and key_marker.startswith(prefix) else -1
    if end >= 0:
        after = (bucket.name, key_marker[: end + len(delimiter)] + LAST_CHARACTER, LAST_CHARACTER)
    page = page_of(fetch, prefix=prefix, delimiter=delimiter, limit=limit, after=after)
    answer: dict[str, Any] = {
        "Bucket": bucket.name,
        "KeyMarker": encode(key_marker),
        # It is nothing without a key.
        "UploadIdMarker": id_marker if key_marker else "",
        "MaxUploads": limit,
        "IsTruncated": page.truncated,
        "Uploads": [_upload(upload, bucket, encode(upload.key)) for upload in page.rows],
        "CommonPrefixes": [{"Prefix": encode(one)} for one in page.prefixes],
    }
    if prefix:
        answer["Prefix"] = encode(prefix)
    if delimiter:
        answer["Delimiter"] = encode(delimiter)
    if request.get("EncodingType"):
        answer["EncodingType"] = request["EncodingType"]
    # AWS tells them of the last page too, and, recorded, only where an upload ends it.
    last = page.last if isinstance(page.last, Upload) else None
    answer["NextKeyMarker"] = encode(last.key) if last else ""
    answer["NextUploadIdMarker"] = last.upload_id if last else ""
    return answer


def _forget(call: Call, upload: Upload, parts: list[UploadedPart], *, keep: set[str]) -> None:
    """Remove an upload with its parts; the blobs that the object does not keep go once that is committed."""
    for part in parts:
        call.records.remove(part)
    call.records.remove(upload)
    unused = [part.blob for part in parts if part.blob not in keep]
    call.records.after_commit(lambda: call.part(ObjectStore).delete(*unused))


def _completed(call: Call, request: Request, bucket: Bucket, made: Version) -> dict[str, Any]:
    inside = call.endpoint.partition("://")[2].startswith(f"{bucket.name}.")
    place = call.endpoint if inside else f"{call.endpoint}/{bucket.name}"
    answer: dict[str, Any] = {
        # AWS encodes the slashes of a key, too.
        "Location": f"{place}/{quote(made.key, safe='')}",
        "Bucket": bucket.name,
        "Key": made.key,
        "ETag": f'"{made.etag}"',
    }
    answer |= {} if made.customer_key else encryption.answered(made, request)
    # Recorded: of an object under KMS the default checksum is kept, but not told here.
    if not made.sse or DEFAULT_CHECKSUM not in made.checksums:
        answer |= answered_checksums(made.checksums, made.checksum_type)
    return answer | told_version(made)


def _part(part: UploadedPart, algorithm: str) -> dict[str, Any]:
    shown = {
        "PartNumber": part.number,
        "LastModified": whole_second(part.modified),
        "ETag": f'"{part.etag}"',
        "Size": part.size,
    }
    return shown | answered_checksums({algorithm: part.checksums[algorithm]} if algorithm else {})


def _upload(upload: Upload, bucket: Bucket, key: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "UploadId": upload.upload_id,
        "Key": key,
        "Initiated": whole_second(upload.initiated),
        "StorageClass": upload.draft.storage_class,
        "Owner": acls.owner(bucket.owner),
        "Initiator": {"ID": upload.initiator, "DisplayName": upload.initiator.rpartition("/")[2]},
    }
    if upload.algorithm:
        shown |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.checksum_type}
    return shown


def _check_number(number: int) -> None:
    if not 1 <= number <= _MOST_PARTS:
        text = f"Part number must be an integer between 1 and {_MOST_PARTS}, inclusive"
        raise invalid_argument(text, "partNumber", number)

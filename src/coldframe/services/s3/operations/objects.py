"""Objects: put, get, head and delete."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.objectstore.errors import BlobGone
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.engines.objectstore.writing import Blob
from coldframe.services.s3 import encryption, versions
from coldframe.services.s3.archives import check_readable, told_restore
from coldframe.services.s3.bodies import answered_checksums, receive
from coldframe.services.s3.conditions import check_read, check_write
from coldframe.services.s3.customer_keys import right_key
from coldframe.services.s3.deletion import delete_one, removed
from coldframe.services.s3.drafts import draft_of
from coldframe.services.s3.lifecycle import told_expiration
from coldframe.services.s3.lookup import (
    Request,
    bucket_arn,
    bucket_of,
    bucket_to_change,
    check_version_id,
    object_of,
)
from coldframe.services.s3.object_answers import version_answer
from coldframe.services.s3.ranges import part_range, wanted_range
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import invalid_request, malformed_xml, no_such_version
from coldframe.services.s3.storing import commit_version
from coldframe.services.s3.versions import told_version

_MOST_KEYS = 1000
# What is not larger is read before its answer begins: a thread of its own to send it would cost more than the bytes.
_AT_ONCE = 64 * 1024


def put_object(call: Call, request: Request) -> Mapping[str, Any]:
    """Store an object: first its bytes, durably, then in one transaction what names them."""
    bucket = bucket_of(call, request)
    draft, key = encryption.encrypted(call, bucket, request, draft_of(call, bucket, request))
    received = receive(call, request, key=key)
    draft = replace(
        draft,
        size=received.blob.size,
        etag=received.md5,
        blobs=[tuple(received.blob)],
        checksums=received.checksums,
        checksum_type="FULL_OBJECT" if received.checksums else "",
    )
    made, bucket = commit_version(call, request, draft, [received.blob.id], into=bucket)
    answer: dict[str, Any] = {"ETag": f'"{made.etag}"', **encryption.answered(made, request)}
    answer |= answered_checksums(made.checksums, made.checksum_type)
    answer |= told_expiration(bucket.settings.get("lifecycle", []), made)
    return answer | told_version(made)


def get_object(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer an object's bytes, or a range of them, as a stream."""
    for _ in range(3):
        found, bucket, key = _readable(call, request, "GET")
        span = _span(request, found)
        start, end = span or (0, found.size)
        blobs = [Blob(*blob) for blob in found.blobs]
        try:
            secret = key or encryption.opened(call, bucket, found)
            body: Any = call.part(ObjectStore).read(blobs, start, end, secret=secret)
            if end - start <= _AT_ONCE:
                body = b"".join(body)
        except BlobGone:
            continue  # replaced between the row and its files: the new row names new ones
        return _answer(call, request, found, bucket, span) | {"Body": body}
    raise ServiceFault("SlowDown", "Please reduce your request rate.", status=503)


def head_object(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer what GetObject would, without the bytes."""
    found, bucket, _ = _readable(call, request, "HEAD")
    return _answer(call, request, found, bucket, _span(request, found))


def delete_object(call: Call, request: Request) -> Mapping[str, Any]:
    """Delete an object, or one version of it."""
    bucket = bucket_to_change(call, request)
    if request.get("IfMatch") is not None:
        check_write(
            {"Bucket": bucket.name, "Key": request["Key"], "IfMatch": request["IfMatch"]},
            call.records,
            any_match=True,
        )
    bypass = _bypass(bucket, request)
    check_version_id(bucket, request.get("VersionId"))
    change = delete_one(call, bucket, request["Key"], request.get("VersionId"), bypass=bypass)
    removed(call, change.blobs)
    if change.version is None:
        return {"VersionId": request["VersionId"]} if request.get("VersionId") else {}
    answer: dict[str, Any] = {"VersionId": change.version.version_id}
    return answer | ({"DeleteMarker": True} if change.version.marker else {})


def delete_objects(call: Call, request: Request) -> Mapping[str, Any]:
    """Delete up to 1,000 objects; each is decided, and answered, by itself."""
    bucket = bucket_to_change(call, request)
    bypass = _bypass(bucket, request)
    wanted = request["Delete"].get("Objects") or []
    if not 0 < len(wanted) <= _MOST_KEYS:
        raise malformed_xml()
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for each in wanted:
        try:
            deleted.append(_delete_named(call, bucket, each, bypass=bypass))
        except ServiceFault as fault:
            version = {"VersionId": each["VersionId"]} if each.get("VersionId") else {}
            errors.append({"Key": each["Key"], "Code": fault.code, "Message": fault.message, **version})
    return {"Deleted": [] if request["Delete"].get("Quiet") else deleted, "Errors": errors}


def _bypass(bucket: Bucket, request: Request) -> bool:
    said = request.get("BypassGovernanceRetention")
    if said is not None and not bucket.lock_enabled:
        name = "x-amz-bypass-governance-retention"
        text = f"{name} is only applicable to Object Lock enabled buckets."
        raise ServiceFault("InvalidArgument", text, status=400, ArgumentName=name)
    return bool(said)


def _delete_named(call: Call, bucket: Bucket, each: dict[str, Any], *, bypass: bool) -> dict[str, Any]:
    key, version_id = each["Key"], each.get("VersionId")
    action = "s3:DeleteObjectVersion" if version_id else "s3:DeleteObject"
    call.require(action, f"{bucket_arn(call, bucket.name)}/{key}")
    if each.get("ETag") is not None:
        check_write(
            {"Bucket": bucket.name, "Key": key, "IfMatch": each["ETag"]}, call.records, any_match=True
        )
    try:
        check_version_id(bucket, version_id)
    except ServiceFault:
        raise no_such_version(key, version_id or "") from None  # so AWS words it among many
    change = delete_one(call, bucket, key, version_id, bypass=bypass, always_told=True)
    removed(call, change.blobs)
    answer: dict[str, Any] = {"Key": key}
    if version_id:
        answer["VersionId"] = version_id
    if change.version is not None and change.version.marker:
        answer |= {"DeleteMarker": True, "DeleteMarkerVersionId": change.version.version_id}
    return answer


def _readable(call: Call, request: Request, method: str) -> tuple[Version, Bucket, bytes]:
    if request.get("Range") is not None and request.get("PartNumber") is not None:
        raise invalid_request("Cannot specify both Range header and partNumber query parameter")
    bucket = bucket_of(call, request)
    with call.installation.store.read() as transaction:
        check_version_id(bucket, request.get("VersionId"))
        found = object_of(call, transaction.records("", ""), request, method=method)
    key = right_key(request, found)
    check_read(request, found, call.now)
    if method == "GET":
        check_readable(found, call.now)
    return found, bucket, key


def _span(request: Request, found: Version) -> tuple[int, int] | None:
    if request.get("PartNumber") is not None:
        return part_range(request["PartNumber"], found)
    return wanted_range(request.get("Range"), found.size)


def _answer(
    call: Call, request: Request, found: Version, bucket: Bucket, span: tuple[int, int] | None
) -> dict[str, Any]:
    start, end = span or (0, found.size)
    answer = version_answer(
        request, found, span, versioned=bool(bucket.versioning) or found.version_id != versions.NULL
    )
    answer |= told_restore(found, call.now)
    if not request.get("VersionId"):
        answer |= told_expiration(bucket.settings.get("lifecycle", []), found)
    answer["ContentLength"] = end - start
    if span is not None and end > start:
        answer["ContentRange"] = f"bytes {start}-{end - 1}/{found.size}"
    return answer

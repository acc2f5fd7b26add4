"""Listings of a bucket: its objects (v1 and v2) and all their versions."""

from collections.abc import Callable, Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.core.statements import LAST_CHARACTER
from coldframe.services.s3 import acls
from coldframe.services.s3.listing import Page, encoder, page_of, wanted_count
from coldframe.services.s3.lookup import Request, bucket_of, version
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import invalid_argument
from coldframe.services.s3.times import whole_second
from coldframe.services.s3.versions import rank_of

# Above every rank, so that a position with it lies behind all versions of its key.
_AFTER_ALL = 1


def list_objects(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a bucket's objects from a marker on."""
    bucket, encode = bucket_of(call, request), encoder(request)
    marker = request.get("Marker") or ""
    page = _live(call.records, bucket, request, marker, hides=True)
    answer = _answer(request, bucket, page, encode) | {"Name": bucket.name, "Marker": encode(marker)}
    answer["Contents"] = [_content(row, bucket, encode, owner=True) for row in page.rows]
    if page.truncated and request.get("Delimiter"):
        answer["NextMarker"] = encode(_told(page.last))
    return answer


def list_objects_v2(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a bucket's objects from a continuation token or a key on."""
    bucket, encode = bucket_of(call, request), encoder(request)
    token = request.get("ContinuationToken")
    if token == "":
        raise _wrong_token(token)
    try:
        place = call.page(token, code="InvalidArgument")
    except ServiceFault:
        raise _wrong_token(token) from None
    after = place or request.get("StartAfter") or ""
    page = _live(call.records, bucket, request, after)
    answer = _answer(request, bucket, page, encode) | {"Name": bucket.name}
    owner = bool(request.get("FetchOwner"))
    answer["Contents"] = [_content(row, bucket, encode, owner=owner) for row in page.rows]
    answer["KeyCount"] = len(page.rows) + len(page.prefixes)
    if token is not None:
        answer["ContinuationToken"] = token
    if request.get("StartAfter") and token is None:
        answer["StartAfter"] = encode(request["StartAfter"])
    if page.truncated:
        answer["NextContinuationToken"] = call.token(_told(page.last) if page.last else after)
    return answer


def list_object_versions(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer all versions and delete markers, by key and from the newest to the oldest."""
    bucket, encode = bucket_of(call, request), encoder(request)
    records = call.records
    marker, version_marker = request.get("KeyMarker") or "", request.get("VersionIdMarker")
    if version_marker and not marker:
        text = "A version-id marker cannot be specified without a key marker."
        raise invalid_argument(text, "version-id-marker", version_marker)
    after = _after(marker, bucket)
    if version_marker:
        named = version(records, bucket.name, marker, version_marker)
        # Who deletes page by page goes on behind a version that is gone.
        rank = rank_of(version_marker) if named is None else named.rank
        if rank is None:
            raise invalid_argument("Invalid version id specified", "version-id-marker", version_marker)
        after = (bucket.name, marker, rank)
    page = _page(records, bucket, request, after, told=marker, hides=True)
    answer = _answer(request, bucket, page, encode) | {"Name": bucket.name, "KeyMarker": encode(marker)}
    answer["VersionIdMarker"] = version_marker or ""
    answer["Versions"] = [
        _content(row, bucket, encode, owner=True) | _version(row) for row in page.rows if not row.marker
    ]
    answer["DeleteMarkers"] = [
        {
            "Key": encode(row.key),
            "LastModified": whole_second(row.modified),
            "Owner": acls.owner(bucket.owner),
        }
        | _version(row)
        for row in page.rows
        if row.marker
    ]
    if page.truncated and page.last:
        answer["NextKeyMarker"] = encode(_told(page.last))
        if isinstance(page.last, Version):
            answer["NextVersionIdMarker"] = page.last.version_id
    return answer


def _wrong_token(token: str | None) -> ServiceFault:
    return invalid_argument("The continuation token provided is incorrect", "continuation-token", token)


def _live(records: Records, bucket: Bucket, request: Request, marker: str, *, hides: bool = False) -> Page:
    return _page(records, bucket, request, _after(marker, bucket), told=marker, live=True, hides=hides)


def _page(
    records: Records,
    bucket: Bucket,
    request: Request,
    after: tuple[Any, ...] | None,
    *,
    told: str,
    live: bool = False,
    hides: bool = False,
) -> Page:
    """Return a page; `told` is the marker, which `hides` the whole group that it is in, as it does but for version 2."""
    prefix = request.get("Prefix") or ""

    def fetch(position: tuple[Any, ...] | None, size: int) -> list[Version]:
        return records.list(
            Version,
            key_prefix=(bucket.name,),
            where={"live": True} if live else {},
            starts_with=("key", prefix) if prefix else None,
            after=position,
            limit=size,
        )

    delimiter = request.get("Delimiter") or ""
    if delimiter and told.startswith(prefix):
        end = told.find(delimiter, len(prefix))
        told = told[: end + len(delimiter)] if end >= 0 else told
        if end >= 0 and after is not None and (hides or told == after[1]):
            after = (bucket.name, told + LAST_CHARACTER, _AFTER_ALL)
    limit = wanted_count(request, "MaxKeys")
    if limit == 0:
        return Page([], [], False, None)
    # Where a marker within a group does not hide the group, the group itself, as a marker, was told already.
    beyond = told if after is not None and after[1] == told + LAST_CHARACTER else ""
    return page_of(fetch, prefix=prefix, delimiter=delimiter, limit=limit, after=after, beyond=beyond)


def _after(marker: str, bucket: Bucket) -> tuple[Any, ...] | None:
    return (bucket.name, marker, _AFTER_ALL) if marker else None


def _answer(request: Request, bucket: Bucket, page: Page, encode: Callable[[str], str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": bucket.region}},
        "IsTruncated": page.truncated,
        "Prefix": encode(request.get("Prefix") or ""),
        "MaxKeys": wanted_count(request, "MaxKeys"),
        "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
    }
    if request.get("Delimiter"):
        answer["Delimiter"] = encode(request["Delimiter"])
    if request.get("EncodingType"):
        answer["EncodingType"] = request["EncodingType"]
    return answer


def _content(row: Version, bucket: Bucket, encode: Callable[[str], str], *, owner: bool) -> dict[str, Any]:
    content: dict[str, Any] = {
        "Key": encode(row.key),
        "LastModified": whole_second(row.modified),
        "ETag": f'"{row.etag}"',
        "Size": row.size,
        "StorageClass": row.storage_class,
    }
    if row.checksums:
        content["ChecksumAlgorithm"] = sorted(row.checksums)
        content["ChecksumType"] = row.checksum_type
    return content | ({"Owner": acls.owner(bucket.owner)} if owner else {})


def _version(row: Version) -> dict[str, Any]:
    return {"VersionId": row.version_id, "IsLatest": row.latest}


def _told(last: Version | str) -> str:
    return last if isinstance(last, str) else last.key

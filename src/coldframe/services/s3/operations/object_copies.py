"""Copies: of an object, and of a range of one as a part of an upload."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.engines.objectstore.errors import BlobGone
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.engines.objectstore.writing import Blob
from coldframe.services.s3 import encryption
from coldframe.services.s3.archives import check_copyable
from coldframe.services.s3.bodies import (
    DEFAULT_CHECKSUM,
    LARGEST,
    Received,
    answered_checksums,
    store_body,
    told_checksums,
)
from coldframe.services.s3.conditions import check_copy
from coldframe.services.s3.customer_keys import key_of_upload, of_source
from coldframe.services.s3.drafts import draft_of
from coldframe.services.s3.lookup import Request, bucket_arn, bucket_of, checked, object_of
from coldframe.services.s3.ranges import copied_range
from coldframe.services.s3.records import Bucket, Upload, Version
from coldframe.services.s3.refusals import invalid_argument, invalid_request
from coldframe.services.s3.storing import commit_version
from coldframe.services.s3.tags import tags_of_header
from coldframe.services.s3.times import whole_second
from coldframe.services.s3.uploads import commit_part, known_upload, upload_key
from coldframe.services.s3.versions import NULL


def copy_object(call: Call, request: Request) -> Mapping[str, Any]:
    """Copy an object within S3, with its metadata and tags or with new ones."""
    bucket = bucket_of(call, request)
    draft, key = encryption.encrypted(call, bucket, request, draft_of(call, bucket, request))
    source, source_id = _source(call, request)
    if source.size > LARGEST:
        text = "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
        raise invalid_request(text)
    same_place = (source.bucket, source.key) == (bucket.name, request["Key"]) and source.latest
    changed = request.get("MetadataDirective") == "REPLACE" or any(
        request.get(name)
        for name in (
            *("StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption"),
            *("SSECustomerKey", "CopySourceSSECustomerKey"),
        )
    )
    # What the default encryption of the bucket, or of S3, would make another object of may be copied onto itself.
    changed = changed or bool(source.sse) or "encryption" in bucket.settings
    if same_place and not changed:
        text = "This copy request is illegal because it is trying to copy an object to itself without changing the"
        text += " object's metadata, storage class, website redirect location or encryption attributes."
        raise invalid_request(text)
    if request.get("MetadataDirective") != "REPLACE":
        draft = replace(
            draft,
            headers=source.headers,
            latin=source.latin,
            expires=source.expires,
            metadata=source.metadata,
        )
    if request.get("TaggingDirective") == "REPLACE":
        draft = replace(draft, tags=tags_of_header(request.get("Tagging")))
    elif source.tags:
        call.require("s3:GetObjectTagging", f"{bucket_arn(call, source.bucket)}/{source.key}")
        call.require("s3:PutObjectTagging", f"{bucket_arn(call, bucket.name)}/{draft.key}")
        draft = replace(draft, tags=source.tags)
    else:
        draft = replace(draft, tags={})
    names = [request["ChecksumAlgorithm"]] if request.get("ChecksumAlgorithm") else list(source.checksums)
    names = names or [DEFAULT_CHECKSUM]
    received = _copied(call, source, (0, source.size), names, (of_source(request, source), key))
    draft = replace(
        draft,
        size=received.blob.size,
        etag=received.md5,
        blobs=[tuple(received.blob)],
        checksums=received.checksums,
        checksum_type="FULL_OBJECT" if received.checksums else "",
    )
    made, bucket = commit_version(
        call, request, draft, [received.blob.id], into=bucket, event="ObjectCreated:Copy"
    )
    result = {"ETag": f'"{made.etag}"', "LastModified": whole_second(made.modified)}
    result |= answered_checksums(made.checksums, made.checksum_type)
    answer: dict[str, Any] = {"CopyObjectResult": result, **encryption.answered(made, request), **source_id}
    # Unlike PutObject, recorded: the null version is told too.
    return answer | ({"VersionId": made.version_id} if bucket.versioning else {})


def upload_part_copy(call: Call, request: Request) -> Mapping[str, Any]:
    """Store a range of an object as a part."""
    bucket = bucket_of(call, request)
    with call.installation.store.read() as transaction:
        upload = known_upload(transaction.records("", "").find(Upload, *upload_key(request)), request)
    source, source_id = _source(call, request)
    wanted = request.get("CopySourceRange")
    span = copied_range(wanted, source.size) if wanted else (0, source.size)
    if span[1] - span[0] > LARGEST:
        raise invalid_request(
            "The specified copy range is larger than the maximum allowable size: 5368709120"
        )
    key = key_of_upload(request, upload.draft) or encryption.opened(call, bucket, upload.draft)
    names = [upload.algorithm or DEFAULT_CHECKSUM]
    received = _copied(call, source, span, names, (of_source(request, source), key))
    part = commit_part(call, request, received)
    result = {"ETag": f'"{part.etag}"', "LastModified": whole_second(part.modified)}
    if upload.algorithm:
        result |= answered_checksums(told_checksums(part.checksums, upload.algorithm))
    return {"CopyPartResult": result, **encryption.answered(upload.draft, request), **source_id}


def _source(call: Call, request: Request) -> tuple[Version, dict[str, str]]:
    """Return the version to copy, which the caller may read, and its id if its bucket has versions."""
    path, _, query = request["CopySource"].partition("?versionId=")
    if path.startswith(("http://", "https://")):
        path = urlsplit(path).path  # recorded: a whole URL is taken, too
    name, _, key = unquote_plus(path, errors="replace").lstrip("/").partition("/")
    if not name or not key:
        # Recorded: the value is not repeated.
        raise invalid_argument("Invalid copy source object key", "x-amz-copy-source", "x-amz-copy-source")
    named: dict[str, Any] = {"Bucket": name, "Key": key}
    if query:
        named["VersionId"] = unquote(query)
    if request.get("ExpectedSourceBucketOwner"):
        named["ExpectedBucketOwner"] = request["ExpectedSourceBucketOwner"]
    checked(call.cached(Bucket, name), named)
    call.require("s3:GetObjectVersion" if query else "s3:GetObject", f"{bucket_arn(call, name)}/{key}")
    with call.installation.store.read() as transaction:
        source = object_of(call, transaction.records("", ""), named)
    check_copy(request, source, call.now)
    check_copyable(source, call.now)
    return source, {} if source.version_id == NULL else {"CopySourceVersionId": source.version_id}


def _copied(
    call: Call, source: Version, span: tuple[int, int], names: list[str], keys: tuple[bytes, bytes]
) -> Received:
    """Store the bytes of a range anew; `keys` are the customer's of the source, and the copy's own."""
    bucket = call.cached(Bucket, source.bucket)
    assert bucket is not None, "the source was found in it"
    secret = keys[0] or encryption.opened(call, bucket, source)
    blobs = [Blob(*blob) for blob in source.blobs]
    try:
        reading = call.part(ObjectStore).read(blobs, *span, secret=secret)
    except BlobGone:
        raise invalid_request("The copy source was deleted while it was copied.") from None

    def chunks() -> Iterator[bytes]:
        try:
            yield from reading
        finally:
            reading.close()

    size = span[1] - span[0]
    received = store_body(call, chunks(), names, key=keys[1], size=size, md5=not keys[1])
    return received._replace(md5=call.new_id().replace("-", "")) if keys[1] else received

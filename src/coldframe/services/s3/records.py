"""What S3 remembers: buckets, the versions of objects, uploads under way and their parts."""

from typing import Any

import msgspec

from coldframe.core.records import Record, record


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a completed multipart upload: its number, size, and checksum in Base64 if the upload has one."""

    number: int
    size: int
    checksum: str = ""


@record("s3_buckets", key=("name",), index=("owner",), scope="partition")
class Bucket(Record):
    """A bucket; its name is its own in the whole partition. `settings` holds its configurations as they are answered."""

    name: str
    owner: str
    region: str
    created: int
    versioning: str = ""
    tags: dict[str, str] = {}
    policy: str = ""
    acl: str = "private"
    lock_enabled: bool = False
    settings: dict[str, Any] = {}


@record("s3_versions", key=("bucket", "key", "rank"), index=("live", "version_id"), scope="partition")
class Version(Record):
    """One version of an object, or a delete marker.

    `rank` falls with each newer version, so that the newest comes first; `latest` is the newest of its key, `live` if
    it is no delete marker. `blobs` are ids and sizes in the object store; `superseded` is when a newer one came.
    `sse` is empty for SSE-S3 and SSE-C; else `wrapped` is the data key as the KMS key wrapped it in the context.
    `hold_said` is whether a legal hold was ever put on it or taken off, which answers tell.
    `customer_key` knows the key of SSE-C again; a copy restored from an archive class is there
    until `restored_until`. `latin`: the headers go out as ISO-8859-1.
    """

    bucket: str
    key: str
    rank: int
    version_id: str
    modified: int
    live: bool = True
    latest: bool = True
    marker: bool = False
    superseded: int = 0
    owner: str = ""
    size: int = 0
    etag: str = ""
    blobs: list[tuple[str, int]] = []
    parts: list[Part] = []
    checksums: dict[str, str] = {}
    checksum_type: str = ""
    headers: dict[str, str] = {}
    expires: int | None = None
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    storage_class: str = "STANDARD"
    acl: str = "private"
    lock_mode: str = ""
    lock_until: int = 0
    legal_hold: bool = False
    hold_said: bool = False
    sse: str = ""
    kms_key: str = ""
    bucket_key: bool = False
    kms_context: dict[str, str] = {}
    wrapped: str = ""
    upload_id: str = ""
    customer_key: str = ""
    restored_until: int = 0
    latin: bool = False


@record("s3_uploads", key=("bucket", "key", "upload_id"), scope="partition")
class Upload(Record):
    """A multipart upload under way; `draft` is the version it becomes, `disturbed`: its key was deleted since."""

    bucket: str
    key: str
    upload_id: str
    initiated: int
    initiator: str
    draft: Version
    algorithm: str = ""
    checksum_type: str = ""
    disturbed: bool = False


@record("s3_parts", key=("upload_id", "number"), scope="partition")
class UploadedPart(Record):
    """A part that was uploaded: its blob, ETag, and checksums in Base64 by algorithm."""

    upload_id: str
    number: int
    blob: str
    size: int
    etag: str
    modified: int
    checksums: dict[str, str] = {}

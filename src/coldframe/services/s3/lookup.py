"""Finding buckets and versions, and refusing in S3's words where they are not."""

import re
from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import AccessDenied, ServiceFault
from coldframe.core.records import Records
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import (
    access_denied,
    invalid_version_id,
    method_not_allowed,
    no_such_bucket,
    no_such_key,
    no_such_version,
)
from coldframe.services.s3.times import http_date

Request = Mapping[str, Any]
_VERSION = re.compile(r"[0-9a-f]{32}").fullmatch
_ACCOUNT = re.compile(r"[0-9]{12}").fullmatch


def bucket_of(call: Call, request: Request) -> Bucket:
    """Return the bucket that a request names, as committed; raises NoSuchBucket, AccessDenied for another owner's."""
    return checked(call.cached(Bucket, request["Bucket"]), request)


def bucket_to_change(call: Call, request: Request) -> Bucket:
    """Return the bucket that a request names, within the call's transaction."""
    return checked(call.records.find(Bucket, request["Bucket"]), request)


def checked(bucket: Bucket | None, request: Request) -> Bucket:
    """Return the bucket if it is there and of the owner that the caller expects."""
    if bucket is None:
        raise no_such_bucket(request["Bucket"])
    expected = request.get("ExpectedBucketOwner")
    if expected is not None and not _ACCOUNT(expected):
        text = f"The value of the expected bucket owner parameter must be an AWS Account ID... [{expected}]"
        raise ServiceFault("InvalidBucketOwnerAWSAccountID", text, status=400)
    if expected not in {None, bucket.owner}:
        raise access_denied()
    return bucket


def bucket_arn(call: Call, name: str) -> str:
    """Return the ARN of a bucket."""
    return f"arn:{call.partition}:s3:::{name}"


def newest(records: Records, bucket: str, key: str) -> Version | None:
    """Return the newest version of a key, which may be a delete marker."""
    found = records.list(Version, key_prefix=(bucket, key), limit=1)
    return found[0] if found else None


def version(records: Records, bucket: str, key: str, version_id: str) -> Version | None:
    """Return one version of a key by its id."""
    found = records.list(
        Version, key_prefix=(bucket, key), where={"version_id": version_id}, order="version_id", limit=1
    )
    return found[0] if found else None


def check_version_id(bucket: Bucket, version_id: str | None) -> None:
    """Raise InvalidArgument for the id of a version that no version of this bucket can have."""
    if version_id is not None and version_id != "null" and not (bucket.versioning and _VERSION(version_id)):
        raise invalid_version_id(version_id)


def object_of(
    call: Call, records: Records, request: Request, *, method: str = "GET", plain: bool = True
) -> Version:
    """Return the version that a request names; raises NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker.

    A delete marker on top stands for no object, but where it is not `plain`: then it is one that takes no method.
    Who may not list the bucket does not learn what is not there: AccessDenied.
    """
    name, key, version_id = request["Bucket"], request["Key"], request.get("VersionId")
    found = version(records, name, key, version_id) if version_id else newest(records, name, key)
    if found is not None and not found.marker:
        return found
    if found is not None and (version_id or not plain):
        headers = {
            "x-amz-delete-marker": "true",
            "x-amz-version-id": found.version_id,
            "last-modified": http_date(found.modified),
            "allow": "DELETE",
        }
        raise method_not_allowed(method, "DeleteMarker", **headers)
    _check_may_know(call, name, key)
    if version_id:
        raise no_such_version(key, version_id)
    fault = no_such_key(key)
    if found is not None:
        fault.members["headers"] = {"x-amz-delete-marker": "true", "x-amz-version-id": found.version_id}
    raise fault


def _check_may_know(call: Call, bucket: str, key: str) -> None:
    """Raise AccessDenied unless the caller could learn that there is no such key by listing those that begin with it."""
    try:
        call.require("s3:ListBucket", bucket_arn(call, bucket), {"s3:prefix": key})
    except AccessDenied:
        raise access_denied() from None

"""Buckets: create, list, head, locate and delete."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec.structs import replace

from coldframe.core import models
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.services.s3 import acls
from coldframe.services.s3.bucket_names import check_name
from coldframe.services.s3.lookup import Request, bucket_arn, bucket_of, bucket_to_change
from coldframe.services.s3.records import Bucket, Upload, UploadedPart, Version
from coldframe.services.s3.refusals import access_denied, invalid_argument
from coldframe.services.s3.tags import BUCKET_LIMIT, tags_of_set
from coldframe.services.s3.times import whole_second

_HOME = "us-east-1"
# A host that is an address, which nothing can stand before.
_ADDRESS = re.compile(r"[\d.]+(?::\d+)?|\[.*").fullmatch
_OLD = "EU"
_MOST_BUCKETS = 10_000
_BLOCKED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def create_bucket(call: Call, request: Request) -> Mapping[str, Any]:
    """Create a bucket, closed to the public and without ACLs, as AWS makes them since April 2023."""
    name = request["Bucket"]
    check_name(name)
    if not call.account:
        raise access_denied()
    configuration = request.get("CreateBucketConfiguration") or {}
    region = _region(call, configuration.get("LocationConstraint"))
    if configuration.get("Location") or configuration.get("Bucket"):
        raise ServiceFault("NotImplemented", "Directory buckets are not built in coldframe.", status=501)
    old = call.records.find(Bucket, name)
    answer = {"Location": _location(call, name, region), "BucketArn": bucket_arn(call, name)}
    if old is not None:
        if old.owner != call.account:
            text = "The requested bucket name is not available. The bucket namespace is shared by all users of the"
            text += " system. Please select a different name and try again."
            raise ServiceFault("BucketAlreadyExists", text, BucketName=name)
        if call.region == _HOME and old.region == _HOME and not configuration.get("Tags"):
            return answer  # documented for this region alone, for old clients
        text = "Your previous request to create the named bucket succeeded and you already own it."
        raise ServiceFault("BucketAlreadyOwnedByYou", text, BucketName=name)
    ownership = request.get("ObjectOwnership") or "BucketOwnerEnforced"
    lock = bool(request.get("ObjectLockEnabledForBucket"))
    bucket = Bucket(
        name=name,
        owner=call.account,
        region=region,
        created=call.now,
        versioning="Enabled" if lock else "",
        lock_enabled=lock,
        tags=tags_of_set(configuration.get("Tags") or [], BUCKET_LIMIT, of_new_bucket=True),
        settings={
            "ownership": {"Rules": [{"ObjectOwnership": ownership}]},
            "public_access_block": dict.fromkeys(_BLOCKED, True),
            # The old name of a region is told as it was said.
            **({"location": _OLD} if configuration.get("LocationConstraint") == _OLD else {}),
        },
    )
    acl = acls.acl_said(request, call.account)
    if acls.is_public(acl) and ownership != "BucketOwnerEnforced":
        text = "Public policies and ACLs are blocked by the BlockPublicAcls setting: create the bucket, delete its"
        raise ServiceFault(
            "InvalidBucketAclWithBlockPublicAccessError", f"{text} block, then put the ACL.", status=400
        )
    if acl != "private" and ownership == "BucketOwnerEnforced":
        text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise ServiceFault("InvalidBucketAclWithObjectOwnership", text, status=400)
    call.records.add(replace(bucket, acl=acl))
    return answer


def head_bucket(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the region of a bucket."""
    bucket = bucket_of(call, request)
    return {
        "ResponseMetadata": {"HTTPHeaders": {"content-type": "application/xml"}},
        "BucketRegion": bucket.region,
        "AccessPointAlias": False,
        "BucketArn": bucket_arn(call, bucket.name),
    }


def get_bucket_location(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the region of a bucket, which is null for us-east-1."""
    bucket = bucket_of(call, request)
    told = bucket.settings.get("location", bucket.region)
    return {} if told == _HOME else {"LocationConstraint": told}


def list_buckets(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the caller's buckets by name."""
    if not call.account:
        raise access_denied()
    limit = request.get("MaxBuckets") or _MOST_BUCKETS
    region = request.get("BucketRegion")
    if region is not None and region not in _regions():
        text = f"Argument value {region} is not a valid AWS Region"
        raise invalid_argument(text, "bucket-region")
    after = call.page(request.get("ContinuationToken") or None, code="InvalidArgument")
    prefix = request.get("Prefix") or ""
    wanted = call.records.list(
        Bucket,
        where={"owner": call.account},
        starts_with=("name", prefix) if prefix else None,
        after=None if after is None else (after,),
    )
    wanted = [bucket for bucket in wanted if region in {None, bucket.region}]
    shown = wanted[:limit]
    answer: dict[str, Any] = {
        "Buckets": [
            {
                "Name": bucket.name,
                "CreationDate": whole_second(bucket.created),
                "BucketRegion": bucket.region,
                "BucketArn": bucket_arn(call, bucket.name),
            }
            for bucket in shown
        ],
        "Owner": acls.owner(call.account),
    }
    if len(wanted) > limit:
        answer["ContinuationToken"] = call.token(shown[-1].name)
    return answer | ({"Prefix": prefix} if prefix else {})


def delete_bucket(call: Call, request: Request) -> Mapping[str, Any]:
    """Delete a bucket without objects, versions and delete markers; uploads under way end with it."""
    bucket = bucket_to_change(call, request)
    records = call.records
    if records.list(Version, key_prefix=(bucket.name,), limit=1):
        text = "The bucket you tried to delete is not empty"
        if bucket.versioning:
            text += ". You must delete all versions in the bucket."
        raise ServiceFault("BucketNotEmpty", text, status=409, BucketName=bucket.name)
    blobs: list[str] = []
    for upload in records.list(Upload, key_prefix=(bucket.name,)):
        for part in records.list(UploadedPart, key_prefix=(upload.upload_id,)):
            blobs.append(part.blob)
            records.remove(part)
        records.remove(upload)
    records.remove(bucket)
    records.after_commit(lambda: call.part(ObjectStore).delete(*blobs))
    return {}


def _location(call: Call, name: str, region: str) -> str:
    """Return where a bucket is: outside of us-east-1 the whole address of it, which needs a host with a name."""
    scheme, _, host = call.endpoint.partition("://")
    if region == _HOME:
        return f"/{name}"
    return f"{call.endpoint}/{name}/" if _ADDRESS(host) else f"{scheme}://{name}.{host}/"


@cache
def _regions() -> frozenset[str]:
    return frozenset(models.load("s3").shape_for("BucketLocationConstraint").enum) - {_OLD} | {_HOME}


def _region(call: Call, constraint: str | None) -> str:
    if constraint is None:
        if call.region not in _regions():  # s3cmd signs for "US", and again for the region that it is told
            text = f"The authorization header is malformed; the region '{call.region}' is wrong;"
            raise ServiceFault(
                "AuthorizationHeaderMalformed", f"{text} expecting '{_HOME}'", status=400, Region=_HOME
            )
        if call.region != _HOME:
            text = "The unspecified location constraint is incompatible for the region specific endpoint this"
            raise ServiceFault(
                "IllegalLocationConstraintException", f"{text} request was sent to.", status=400
            )
        return _HOME
    region = "eu-west-1" if constraint == _OLD else constraint
    if call.region == _HOME and (region == _HOME or region not in _regions()):
        text = "The specified location-constraint is not valid"
        raise ServiceFault("InvalidLocationConstraint", text, status=400, LocationConstraint=constraint)
    if call.region not in {_HOME, region}:
        text = f"The {constraint} location constraint is incompatible for the region specific endpoint this"
        raise ServiceFault("IllegalLocationConstraintException", f"{text} request was sent to.", status=400)
    return region

"""What is kept beside an object's bytes: tags, ACL, retention, legal hold; and its attributes."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3 import acls, configurations
from coldframe.services.s3.archives import ARCHIVES, restored_until
from coldframe.services.s3.bodies import answered_checksums
from coldframe.services.s3.customer_keys import right_key
from coldframe.services.s3.events import emit
from coldframe.services.s3.grants import canonical_id
from coldframe.services.s3.locks import check_until, may_bypass, need_lock, no_lock_configuration
from coldframe.services.s3.lookup import Request, bucket_arn, bucket_of, bucket_to_change, object_of
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import (
    access_denied,
    invalid_argument,
    malformed_xml,
    not_built,
)
from coldframe.services.s3.tags import OBJECT_LIMIT, tag_set, tags_of_set
from coldframe.services.s3.times import milliseconds, moment, whole_second, written
from coldframe.services.s3.versions import NULL

_NO_LOCK = (
    "ObjectLockConfigurationNotFoundError",
    "Object Lock configuration does not exist for this bucket",
)


def put_object_tagging(call: Call, request: Request) -> Mapping[str, Any]:
    """Put tags in place of those there were."""
    bucket = bucket_to_change(call, request)
    found = object_of(call, call.records, request, method="PUT", plain=False)
    tags = tags_of_set(request["Tagging"].get("TagSet") or [], OBJECT_LIMIT)
    call.records.change(found, tags=tags)
    emit(call, bucket, "ObjectTagging:Put", found)
    return _version_id(found)


def get_object_tagging(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer an object's tags, which may be none."""
    bucket = bucket_of(call, request)
    try:
        found = object_of(call, call.records, request, plain=False)
    except ServiceFault as fault:
        if fault.code == "NoSuchKey":
            # Recorded, and of this operation alone.
            fault.members["Key"] = f"{bucket.name}/{request['Key']}"
        raise
    return {"TagSet": tag_set(found.tags), **_version_id(found)}


def delete_object_tagging(call: Call, request: Request) -> Mapping[str, Any]:
    """Take an object's tags away."""
    bucket = bucket_to_change(call, request)
    found = object_of(call, call.records, request, method="DELETE", plain=False)
    call.records.change(found, tags={})
    emit(call, bucket, "ObjectTagging:Delete", found)
    return _version_id(found)


def get_object_acl(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer an object's access control list."""
    bucket = bucket_of(call, request)
    found = object_of(call, call.records, request)
    enforced = acls.ownership(bucket) == "BucketOwnerEnforced"
    return acls.answer("private" if enforced else found.acl, found.owner or bucket.owner)


def put_object_acl(call: Call, request: Request) -> Mapping[str, Any]:
    """Put an access control list on an object, in place of the one there was."""
    bucket = bucket_to_change(call, request)
    acls.need_acl(request)
    found = object_of(call, call.records, request, method="PUT", plain=False)
    acl, before = acls.acl_of_new(bucket, request, found.owner), found.acl
    call.records.change(found, acl=acl)
    if acl != before:
        emit(call, bucket, "ObjectAcl:Put", found)
    return {}


def put_object_lock_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Enable Object Lock on a versioned bucket, and say what new objects get by default."""
    bucket = bucket_to_change(call, request)
    if bucket.versioning != "Enabled":
        text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        raise ServiceFault("InvalidBucketState", text, status=409)
    configuration = request.get("ObjectLockConfiguration") or {}
    if configuration.get("ObjectLockEnabled") != "Enabled":
        raise malformed_xml()
    rule = configuration.get("Rule")
    default = (rule or {}).get("DefaultRetention")
    if rule is not None and (
        not default or "Mode" not in default or ("Days" in default) == ("Years" in default)
    ):
        raise malformed_xml()
    if default and (default.get("Days", 1) <= 0 or default.get("Years", 1) <= 0):
        raise invalid_argument("Default retention period must be a positive integer value.")
    settings = bucket.settings | {"object_lock": {"DefaultRetention": default} if default else {}}
    call.records.change(bucket, lock_enabled=True, settings=settings)
    return {}


def get_object_lock_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer whether Object Lock is enabled and what new objects get."""
    bucket = bucket_of(call, request)
    if not bucket.lock_enabled:
        raise ServiceFault(*_NO_LOCK, status=404, BucketName=bucket.name)
    rule = configurations.get(call, request, "object_lock")
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"} | ({"Rule": rule} if rule else {})}


def put_object_retention(call: Call, request: Request) -> Mapping[str, Any]:
    """Lock a version until a date; a lock is only shortened by who may bypass governance, and never in compliance."""
    need_lock(bucket_to_change(call, request))
    found = object_of(call, call.records, request, method="PUT")
    said = request.get("Retention") or {}
    mode, until = said.get("Mode") or "", said.get("RetainUntilDate")
    if bool(mode) != (until is not None):
        raise malformed_xml()
    ends = 0 if until is None else milliseconds(until)
    if until is not None:
        check_until(call, ends)
    locked = bool(found.lock_mode) and found.lock_until > call.now
    # Another mode, also the stronger one, takes the retention that there is away.
    weaker = ends < found.lock_until or mode != found.lock_mode
    if locked and weaker:
        bypass = bool(request.get("BypassGovernanceRetention")) and found.lock_mode == "GOVERNANCE"
        if not bypass or not may_bypass(call, found):
            raise access_denied("Access Denied because object protected by object lock.")
    call.records.change(found, lock_mode=mode, lock_until=ends)
    return {}


def get_object_retention(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer until when a version is locked."""
    need_lock(bucket_of(call, request))
    found = object_of(call, call.records, request)
    if not found.lock_mode:
        raise no_lock_configuration()
    return {"Retention": {"Mode": found.lock_mode, "RetainUntilDate": moment(found.lock_until)}}


def put_object_legal_hold(call: Call, request: Request) -> Mapping[str, Any]:
    """Hold a version, or let it go."""
    bucket = bucket_to_change(call, request)
    status = (request.get("LegalHold") or {}).get("Status")
    if status is None:
        raise malformed_xml()
    need_lock(bucket)
    found = object_of(call, call.records, request, method="PUT")
    call.records.change(found, legal_hold=status == "ON", hold_said=True)
    return {}


def get_object_legal_hold(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer whether a version is held."""
    need_lock(bucket_of(call, request))
    found = object_of(call, call.records, request)
    if not found.legal_hold and not found.hold_said:
        raise no_lock_configuration()
    return {"LegalHold": {"Status": "ON" if found.legal_hold else "OFF"}}


def restore_object(call: Call, request: Request) -> Mapping[str, Any]:
    """Restore a copy of an archived object for some days, or have the one there is stay as long."""
    bucket = bucket_to_change(call, request)
    found = object_of(call, call.records, request, method="POST")
    wanted = request.get("RestoreRequest") or {}
    if wanted.get("Type") == "SELECT" or wanted.get("SelectParameters"):
        raise not_built("S3 Select is not built in coldframe; restore the object and read it.")
    if found.storage_class not in ARCHIVES:
        text = "Restore is not allowed for the object's current storage class"
        raise ServiceFault("InvalidObjectState", text, status=403, StorageClass=found.storage_class)
    if int(wanted.get("Days") or 0) < 1:
        raise malformed_xml()
    there = found.restored_until > call.now
    until = restored_until(call.now, int(wanted["Days"]))
    call.records.change(found, restored_until=until)
    if not there:
        emit(call, bucket, "ObjectRestore:Post", found)
        told = {
            "lifecycleRestorationExpiryTime": written(until),
            "lifecycleRestoreStorageClass": found.storage_class,
        }
        # Amazon S3 does this part itself, and its end is behind its beginning.
        more = {
            "eventTime": written(call.now + 1),
            "userIdentity": {"principalId": f"AmazonCustomer:{canonical_id(bucket.owner)}"},
            "requestParameters": {"sourceIPAddress": "s3.amazonaws.com"},
            "glacierEventData": {"restoreEventData": told},
        }
        emit(call, bucket, "ObjectRestore:Completed", found, more)
    return {"ResponseMetadata": {"HTTPStatusCode": 200 if there else 202}}


def get_object_attributes(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the attributes of an object that are asked for."""
    bucket = bucket_of(call, request)
    found = object_of(call, call.records, request)
    call.require(
        "s3:GetObjectVersion" if request.get("VersionId") else "s3:GetObject",
        f"{bucket_arn(call, bucket.name)}/{found.key}",
    )
    right_key(request, found)
    wanted = set(request["ObjectAttributes"])
    answer: dict[str, Any] = {"LastModified": whole_second(found.modified)} | _shown_version(bucket, found)
    if "ETag" in wanted:
        answer["ETag"] = found.etag
    if "ObjectSize" in wanted:
        answer["ObjectSize"] = found.size
    if "StorageClass" in wanted:
        answer["StorageClass"] = found.storage_class
    if "Checksum" in wanted and found.checksums:
        bare = {name: value.partition("-")[0] for name, value in found.checksums.items()}
        answer["Checksum"] = answered_checksums(bare, found.checksum_type)
    if "ObjectParts" in wanted and found.parts:
        answer["ObjectParts"] = _parts(request, found)
    return answer


def _parts(request: Request, found: Version) -> dict[str, Any]:
    limit, marker = int(request.get("MaxParts") or 1000), int(request.get("PartNumberMarker") or 0)
    behind = [part for part in found.parts if part.number > marker]
    shown = behind[:limit]
    if found.checksum_type != "COMPOSITE":
        return {"TotalPartsCount": len(found.parts)}
    answer: dict[str, Any] = {
        "TotalPartsCount": len(found.parts),
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(behind) > limit,
    }
    if found.checksums:
        [name] = found.checksums
        answer["Parts"] = [
            {"PartNumber": part.number, "Size": part.size, f"Checksum{name}": part.checksum} for part in shown
        ]
    return answer


def _version_id(found: Version) -> dict[str, str]:
    return {} if found.version_id == NULL else {"VersionId": found.version_id}


def _shown_version(bucket: Bucket, found: Version) -> dict[str, str]:
    return {"VersionId": found.version_id} if bucket.versioning else _version_id(found)

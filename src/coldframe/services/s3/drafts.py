"""A version before its bytes are there: what a request says of the object that it puts, copies or uploads in parts."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3.acls import acl_of_new
from coldframe.services.s3.customer_keys import check_of, customer_key
from coldframe.services.s3.grants import HEADERS
from coldframe.services.s3.locks import lock_of_new
from coldframe.services.s3.lookup import Request, bucket_arn
from coldframe.services.s3.object_answers import header_fields
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import invalid_argument, not_built
from coldframe.services.s3.tags import tags_of_header

LONGEST_KEY = 1024
LARGEST_METADATA = 2048
# Classes of buckets on Outposts, on Snow devices and in file systems.
_ELSEWHERE = frozenset({"OUTPOSTS", "SNOW", "FSX_OPENZFS", "FSX_ONTAP"})

# What a put may say beside its bytes needs the permission that saying it later would.
_ALSO_NEEDED = {
    "Tagging": "s3:PutObjectTagging",
    "ACL": "s3:PutObjectAcl",
    **dict.fromkeys(HEADERS, "s3:PutObjectAcl"),
    "ObjectLockMode": "s3:PutObjectRetention",
    "ObjectLockLegalHoldStatus": "s3:PutObjectLegalHold",
}


def draft_of(call: Call, bucket: Bucket, request: Request) -> Version:
    """Return the version that a request would make; raises what S3 refuses before any byte is read."""
    check_key(request["Key"])
    fields: dict[str, Any] = header_fields(request)
    check_metadata(fields["metadata"])
    tags = tags_of_header(request.get("Tagging"))
    for member, action in _ALSO_NEEDED.items():
        # The policies that AWS documents for its services' logs give them s3:PutObject on condition of this ACL, no more.
        service = call.principal.kind == "service" and request.get(member) == "bucket-owner-full-control"
        if request.get(member) and not service:
            call.require(action, f"{bucket_arn(call, bucket.name)}/{request['Key']}")
    if request.get("WriteOffsetBytes") is not None:
        raise not_built("Appending is for directory buckets, which are not built in coldframe.")
    if request.get("StorageClass") in _ELSEWHERE:
        text = "The storage class you specified is not valid"
        members = {"StorageClassRequested": request["StorageClass"]}
        raise ServiceFault("InvalidStorageClass", text, status=400, **members)
    return Version(
        bucket=bucket.name,
        key=request["Key"],
        rank=0,
        version_id="",
        modified=call.now,
        owner=call.account or bucket.owner,
        storage_class=request.get("StorageClass") or "STANDARD",
        tags=tags,
        acl=acl_of_new(bucket, request, call.account),
        customer_key=check_of(customer_key(request)),
        **fields,
        **lock_of_new(call, bucket, request),
    )


def check_key(key: str) -> None:
    """Raise KeyTooLongError for a key of more than 1,024 bytes."""
    if len(key.encode()) > LONGEST_KEY:
        fault = invalid_argument("Your key is too long")
        fault.code = "KeyTooLongError"
        fault.members = {"Size": str(len(key.encode())), "MaxSizeAllowed": str(LONGEST_KEY)}
        raise fault


def check_metadata(metadata: dict[str, str]) -> None:
    """Raise MetadataTooLarge for more than 2 KB of user metadata."""
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > LARGEST_METADATA:
        fault = invalid_argument("Your metadata headers exceed the maximum allowed metadata size")
        fault.code = "MetadataTooLarge"
        fault.members = {"Size": str(size), "MaxSizeAllowed": str(LARGEST_METADATA)}
        raise fault

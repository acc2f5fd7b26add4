"""Which resources of S3 an operation touches, by which action, whose they are, and the policies that speak for them."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from coldframe.core.call import Call
from coldframe.core.installation import Installation
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.policies import compiled_policy
from coldframe.services.s3 import acls, grants
from coldframe.services.s3.grants import HEADERS
from coldframe.services.s3.lookup import bucket_arn, newest, version
from coldframe.services.s3.policies import is_public
from coldframe.services.s3.records import Bucket
from coldframe.services.s3.refusals import no_such_bucket

_OF_VERSION = {
    "DeleteObject": "s3:DeleteObjectVersion",
    "DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "GetObject": "s3:GetObjectVersion",
    "GetObjectAcl": "s3:GetObjectVersionAcl",
    "GetObjectAttributes": "s3:GetObjectVersionAttributes",
    "GetObjectTagging": "s3:GetObjectVersionTagging",
    "HeadObject": "s3:GetObjectVersion",
    "PutObjectAcl": "s3:PutObjectVersionAcl",
    "PutObjectTagging": "s3:PutObjectVersionTagging",
}

# Operations on objects that policies may decide by the tags that those have (Service Authorization Reference).
_BY_TAGS = frozenset(
    {
        "DeleteObjectTagging",
        "GetObject",
        "GetObjectAcl",
        "GetObjectAttributes",
        "GetObjectTagging",
        "HeadObject",
        "PutObjectAcl",
        "PutObjectTagging",
    }
)
_PUTS = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})


def action(operation: str, parameters: Mapping[str, Any]) -> str:
    """Return the action of an operation on one version, which is another than on the object; else empty."""
    return _OF_VERSION.get(operation, "") if parameters.get("VersionId") else ""


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the bucket or the object; every caller learns that a bucket does not exist."""
    name = parameters.get("Bucket")
    if name is None:
        return []
    if operation != "CreateBucket" and call.cached(Bucket, name) is None:
        raise no_such_bucket(name)
    key = parameters.get("Key")
    return [bucket_arn(call, name) if key is None else f"{bucket_arn(call, name)}/{key}"]


def check_there(installation: Installation, operation: str, parameters: Mapping[str, Any]) -> None:
    """Raise NoSuchBucket for a request that is wrong in itself, too: a document is looked at after its bucket."""
    name = parameters.get("Bucket")
    if name and operation != "CreateBucket" and installation.store.cached(Bucket, "", "", name) is None:
        raise no_such_bucket(name)


def owner(call: Call, resource: str) -> str:
    """Return the account that owns a bucket, and with it everything in it; empty for what is not there."""
    bucket = _bucket(call, resource)
    return bucket.owner if bucket is not None else ""


def resource_policy(call: Call, resource: str) -> tuple[AttachedPolicy | None, bool]:
    """Return the bucket's policy with what ACLs grant; it need not allow what the owner's policies do."""
    bucket = _bucket(call, resource)
    if bucket is None:
        return None, False
    found = bucket.policy
    if found and acls.blocks(bucket, "RestrictPublicBuckets") and is_public(found):
        # A public policy then speaks for the owner's account and for AWS services alone.
        found = found if call.account == bucket.owner or call.principal.kind == "service" else ""
    granted = _granted(call, bucket, resource)
    if not granted:
        return (AttachedPolicy(bucket.name, compiled_policy(found, "resource")) if found else None), False
    merged = _merged(found, json.dumps(granted))
    return AttachedPolicy(bucket.name, compiled_policy(merged, "resource")), False


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys that a request answers by its parameters."""
    del call, operation
    found: dict[str, str | list[str]] = {}
    for key, member in (
        ("s3:prefix", "Prefix"),
        ("s3:delimiter", "Delimiter"),
        ("s3:max-keys", "MaxKeys"),
        ("s3:VersionId", "VersionId"),
        ("s3:x-amz-acl", "ACL"),
        ("s3:x-amz-storage-class", "StorageClass"),
        ("s3:x-amz-server-side-encryption", "ServerSideEncryption"),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"),
        ("s3:x-amz-copy-source", "CopySource"),
        ("s3:if-none-match", "IfNoneMatch"),
        ("s3:x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm"),
        ("s3:object-lock-mode", "ObjectLockMode"),
        ("s3:object-lock-legal-hold", "ObjectLockLegalHoldStatus"),
        ("s3:x-amz-metadata-directive", "MetadataDirective"),
        *((f"s3:{header}", member) for member, (header, _) in HEADERS.items()),
    ):
        if parameters.get(member) is not None:
            found[key] = str(parameters[member])
    return found


def late_context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys of tags: of those that the object has, and of those that the request would give it."""
    found: dict[str, str | list[str]] = {}
    if operation in _BY_TAGS and parameters.get("Key"):
        with call.installation.store.read() as transaction:
            records = transaction.records("", "")
            bucket, key, version_id = (parameters.get(name) or "" for name in ("Bucket", "Key", "VersionId"))
            there = version(records, bucket, key, version_id) if version_id else newest(records, bucket, key)
        tags = there.tags if there is not None else {}
        found |= {f"s3:ExistingObjectTag/{name}": value for name, value in tags.items()}
    said = parameters.get("Tagging")
    if said:
        if isinstance(said, Mapping):
            pairs = [(tag.get("Key", ""), tag.get("Value", "")) for tag in said.get("TagSet") or []]
        else:
            pairs = parse_qsl(said, keep_blank_values=True)
        found |= {f"s3:RequestObjectTag/{name}": value for name, value in pairs}
        found["s3:RequestObjectTagKeys"] = [name for name, _ in pairs]
    return found


def _granted(call: Call, bucket: Bucket, resource: str) -> list[dict[str, Any]]:
    if acls.ownership(bucket) == "BucketOwnerEnforced":
        return []
    arn, account = bucket_arn(call, bucket.name), call.principal.account
    public = not acls.blocks(bucket, "IgnorePublicAcls")
    found = acls.statements(bucket.acl, arn, None, account, public=public)
    if call.operation in _PUTS:
        # Who may write objects into a bucket may say the ACL of those.
        found = [
            {**one, "Action": [*one["Action"], "s3:PutObjectAcl"]} if "s3:PutObject" in one["Action"] else one
            for one in found
        ]
    key = resource.removeprefix(arn)[1:]
    if key and account != bucket.owner:
        with call.installation.store.read() as transaction:
            top = newest(transaction.records("", ""), bucket.name, key)
        if top is None:
            # Who may list a bucket learns that there is no such object, though none grants to read it.
            there = {"Action": ["s3:GetObject"], "Resource": f"{arn}/{grants.literal(key)}"}
            found += [{**one, **there} for one in found if "s3:ListBucket" in one["Action"]]
        else:
            found += acls.statements(top.acl, arn, key, account, public=public)
            if account and top.owner == account:
                # What an account put into another one's bucket is its own.
                found += grants.statements([grants.to_owner(account)], arn, key, account)
    return found


@lru_cache(maxsize=256)
def _merged(policy: str, grants: str) -> str:
    statements = json.loads(policy)["Statement"] if policy else []
    own = statements if isinstance(statements, list) else [statements]
    return json.dumps({"Version": "2012-10-17", "Statement": [*own, *json.loads(grants)]})


def _bucket(call: Call, resource: str) -> Bucket | None:
    """Return the bucket of a resource; a bucket that is to be made is the caller's, whoever has the name already."""
    if call.operation == "CreateBucket":
        return None
    return call.cached(Bucket, resource.partition(":::")[2].partition("/")[0])

"""Access control lists: which may be put where, how they are kept and answered, and what they allow.

A list is kept as the name of a canned one, or as the JSON of its grants. Source: Amazon S3 User Guide, Access control
list (ACL) overview, and Controlling ownership of objects.
"""

import json
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.s3 import grants
from coldframe.services.s3.grants import ALL_USERS, AUTHENTICATED_USERS, Grant, canonical_id
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.records import Bucket
from coldframe.services.s3.refusals import access_denied, invalid_request, not_built

PUBLIC = frozenset({"public-read", "public-read-write", "authenticated-read"})
_KEPT = PUBLIC | {"private", "bucket-owner-read", "bucket-owner-full-control"}
_CANNED = {
    "public-read": [grants.to_group(ALL_USERS, "READ")],
    "public-read-write": [grants.to_group(ALL_USERS, "READ"), grants.to_group(ALL_USERS, "WRITE")],
    "authenticated-read": [grants.to_group(AUTHENTICATED_USERS, "READ")],
}


def owner(account: str) -> dict[str, str]:
    """Return an account as the Owner of an answer."""
    return {"ID": canonical_id(account)}


def acl_said(request: Request, owner_account: str) -> str:
    """Return the ACL that a request states for what an account owns, as it is kept; private where it says nothing.

    Raises InvalidRequest, UnexpectedContent, InvalidArgument and MalformedACLError.
    """
    stated, document = grants.of_headers(request), request.get("AccessControlPolicy")
    canned: str | None = request.get("ACL")
    if canned and stated:
        raise invalid_request("Specifying both Canned ACLs and Header Grants is not allowed")
    if document is not None and (canned or stated):
        raise ServiceFault("UnexpectedContent", "This request does not support content", status=400)
    if document is not None:
        stated = grants.of_document(document, owner_account)
    if canned and canned not in _KEPT:
        raise not_built(f"The canned ACL {canned} is not built in coldframe.")
    if document is None and not stated:
        return canned or "private"
    return "private" if stated == [grants.to_owner(owner_account)] else json.dumps(stated)


def acl_of_new(bucket: Bucket, request: Request, owner_account: str = "") -> str:
    """Return the ACL that a request puts on the bucket, or on an object of it that an account owns.

    Raises, besides what `acl_said` does, AccessControlListNotSupported where the bucket's owner enforces ownership, and
    AccessDenied where Block Public Access keeps public ACLs out.
    """
    acl = acl_said(request, owner_account or bucket.owner)
    if ownership(bucket) == "BucketOwnerEnforced":
        if acl not in {"private", "bucket-owner-full-control"}:
            raise ServiceFault("AccessControlListNotSupported", "The bucket does not allow ACLs", status=400)
        return "private"
    if blocks(bucket, "BlockPublicAcls") and is_public(acl):
        raise access_denied()
    return acl


def is_public(acl: str) -> bool:
    """Tell whether an ACL grants something to everybody, or to everybody who has an account."""
    return any(map(grants.is_public, _granted(acl)))


def need_acl(request: Request) -> None:
    """Raise MissingSecurityHeader for a request that puts an ACL and states none."""
    if (
        not any(request.get(name) for name in ("ACL", *grants.HEADERS))
        and "AccessControlPolicy" not in request
    ):
        text = "Your request was missing a required header"
        raise ServiceFault("MissingSecurityHeader", text, status=400, MissingHeaderName="x-amz-acl")


def ownership(bucket: Bucket) -> str:
    """Return who owns new objects; buckets made without a word on it enforce their owner."""
    rules = bucket.settings.get("ownership")
    return str(rules["Rules"][0]["ObjectOwnership"]) if rules else "ObjectWriter"


def blocks(bucket: Bucket, setting: str) -> bool:
    """Tell whether a setting of Block Public Access is on."""
    return bool(bucket.settings.get("public_access_block", {}).get(setting, False))


def answer(acl: str, owner_account: str) -> dict[str, Any]:
    """Return an ACL as the document that GetBucketAcl and GetObjectAcl answer."""
    listed = _granted(acl) if acl.startswith("[") else [grants.to_owner(owner_account), *_granted(acl)]
    return {"Owner": owner(owner_account), "Grants": listed}


def statements(
    acl: str, bucket_arn: str, key: str | None, account: str, *, public: bool
) -> list[dict[str, Any]]:
    """Return what an ACL grants to a caller of an account, as the statements of a policy; `public`: to anybody too."""
    found = [grant for grant in _granted(acl) if public or not grants.is_public(grant)]
    return grants.statements(found, bucket_arn, key, account)


def _granted(acl: str) -> list[Grant]:
    """Return the grants of an ACL, but for the owner's own of a canned one."""
    if acl.startswith("["):
        found: list[Grant] = json.loads(acl)
        return found
    return _CANNED.get(acl, [])

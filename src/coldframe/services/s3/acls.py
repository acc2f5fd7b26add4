"""Canned access control lists: which are kept, what they grant, and how they are answered.

Source: Amazon S3 User Guide, Access control list (ACL) overview.
"""

from hashlib import sha256
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.records import Bucket
from coldframe.services.s3.refusals import access_denied, not_built

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
PUBLIC = frozenset({"public-read", "public-read-write", "authenticated-read"})
_KEPT = PUBLIC | {"private", "bucket-owner-read", "bucket-owner-full-control"}
_LITERAL = str.maketrans({"$": "${$}", "*": "${*}", "?": "${?}"})
_GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")


def canonical_id(account: str) -> str:
    """Return the canonical user id of an account: 64 hexadecimal digits, as clients expect them."""
    return sha256(f"canonical user of {account}".encode()).hexdigest()


def owner(account: str) -> dict[str, str]:
    """Return an account as the Owner of an answer."""
    return {"ID": canonical_id(account)}


def acl_of_new(bucket: Bucket, request: Request) -> str:
    """Return the canned ACL that a request puts on an object of the bucket.

    Raises AccessControlListNotSupported where the bucket's owner enforces ownership, and AccessDenied where Block
    Public Access keeps public ACLs out.
    """
    if any(request.get(name) for name in _GRANTS) or request.get("AccessControlPolicy"):
        raise not_built(
            "Grants to single grantees are not built in coldframe: use a canned ACL or a bucket policy."
        )
    acl: str = request.get("ACL") or "private"
    if acl not in _KEPT:
        raise not_built(f"The canned ACL {acl} is not built in coldframe.")
    if ownership(bucket) == "BucketOwnerEnforced":
        if acl not in {"private", "bucket-owner-full-control"}:
            raise ServiceFault("AccessControlListNotSupported", "The bucket does not allow ACLs", status=400)
        return "private"
    if acl in PUBLIC and blocks(bucket, "BlockPublicAcls"):
        raise access_denied()
    return acl


def ownership(bucket: Bucket) -> str:
    """Return who owns new objects; buckets made without a word on it enforce their owner."""
    rules = bucket.settings.get("ownership")
    return str(rules["Rules"][0]["ObjectOwnership"]) if rules else "ObjectWriter"


def blocks(bucket: Bucket, setting: str) -> bool:
    """Tell whether a setting of Block Public Access is on."""
    return bool(bucket.settings.get("public_access_block", {}).get(setting, False))


def answer(acl: str, owner_account: str) -> dict[str, Any]:
    """Return a canned ACL as the document that GetBucketAcl and GetObjectAcl answer."""
    me = {
        "Grantee": {"Type": "CanonicalUser", "ID": canonical_id(owner_account)},
        "Permission": "FULL_CONTROL",
    }
    grants = [me]
    if acl in {"public-read", "public-read-write"}:
        grants.append({"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"})
    if acl == "public-read-write":
        grants.append({"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "WRITE"})
    if acl == "authenticated-read":
        grants.append({"Grantee": {"Type": "Group", "URI": AUTHENTICATED_USERS}, "Permission": "READ"})
    return {"Owner": owner(owner_account), "Grants": grants}


def statements(acl: str, bucket_arn: str, key: str | None) -> list[dict[str, Any]]:
    """Return what a canned ACL grants to others, as the statements of a policy."""
    if acl not in PUBLIC:
        return []
    # Every signed caller is authenticated; the condition leaves out those who have no account.
    condition = {"Null": {"aws:PrincipalAccount": "false"}} if acl == "authenticated-read" else {}
    actions = ["s3:GetObject", "s3:GetObjectVersion"] if key is not None else ["s3:ListBucket"]
    # A key may hold what a policy would read as a wildcard or a variable.
    resource = bucket_arn if key is None else f"{bucket_arn}/{key.translate(_LITERAL)}"
    found = [_allow(actions, resource, condition)]
    if key is None and acl == "public-read-write":
        found.append(_allow(["s3:PutObject", "s3:DeleteObject"], f"{bucket_arn}/*", condition))
    return found


def _allow(actions: list[str], resource: str, condition: dict[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resource}
    return statement | {"Condition": condition} if condition else statement

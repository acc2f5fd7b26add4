"""Grants: an access control list in full, as headers and documents state it, and what its grants allow.

Source: Amazon S3 User Guide, Access control list (ACL) overview; the errors are those that AWS was recorded to answer.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.s3.refusals import access_denied, invalid_argument

Grant = dict[str, Any]
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
_GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS, "http://acs.amazonaws.com/groups/s3/LogDelivery"})
# The members of a request and the headers that they come in, with what each grants.
HEADERS = {
    "GrantFullControl": ("x-amz-grant-full-control", "FULL_CONTROL"),
    "GrantRead": ("x-amz-grant-read", "READ"),
    "GrantReadACP": ("x-amz-grant-read-acp", "READ_ACP"),
    "GrantWrite": ("x-amz-grant-write", "WRITE"),
    "GrantWriteACP": ("x-amz-grant-write-acp", "WRITE_ACP"),
}
_OF_BUCKET = {
    "READ": ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"],
    "READ_ACP": ["s3:GetBucketAcl"],
    "WRITE_ACP": ["s3:PutBucketAcl"],
}
_INTO_BUCKET = ["s3:PutObject", "s3:DeleteObject"]
_OF_OBJECT = {
    "READ": ["s3:GetObject", "s3:GetObjectVersion"],
    "READ_ACP": ["s3:GetObjectAcl", "s3:GetObjectVersionAcl"],
    "WRITE_ACP": ["s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
}
_GRANTEE = re.compile(
    r"\s*(id|uri|emailAddress)\s*=\s*(?:\"([^\"]*)\"|([^\s\",]+))\s*", re.IGNORECASE
).fullmatch
_ID = re.compile(r"[0-9a-f]{64}").fullmatch
# A key may hold what a policy would read as a wildcard or a variable.
_LITERAL = str.maketrans({"$": "${$}", "*": "${*}", "?": "${?}"})


def canonical_id(account: str) -> str:
    """Return the canonical user id of an account: 64 hexadecimal digits, as clients expect them."""
    return sha256(f"canonical user of {account}".encode()).hexdigest()


def to_owner(account: str) -> Grant:
    """Return the grant of everything to an account."""
    return {"Grantee": {"Type": "CanonicalUser", "ID": canonical_id(account)}, "Permission": "FULL_CONTROL"}


def to_group(uri: str, permission: str) -> Grant:
    """Return a grant to one of the groups that Amazon S3 knows."""
    return {"Grantee": {"Type": "Group", "URI": uri}, "Permission": permission}


def is_public(grant: Grant) -> bool:
    """Tell whether a grant is to everybody, or to everybody who has an account."""
    return grant["Grantee"].get("URI") in {ALL_USERS, AUTHENTICATED_USERS}


def of_headers(request: Mapping[str, Any]) -> list[Grant]:
    """Return the grants of a request's headers; raises InvalidArgument for what is no grantee."""
    found = []
    for member, (header, permission) in HEADERS.items():
        text = request.get(member)
        if text is None:
            continue
        for one in text.split(","):
            match = _GRANTEE(one)
            if match is None:
                raise invalid_argument("Argument format not recognized", header, text)
            kind, value = match[1].lower(), match[2] if match[2] is not None else match[3]
            found.append({"Grantee": _grantee(kind, value), "Permission": permission})
    return found


def of_document(policy: Mapping[str, Any], owner: str) -> list[Grant]:
    """Return the grants of an AccessControlPolicy for what `owner` owns.

    Raises MalformedACLError, InvalidArgument, and AccessDenied for a document that would change the owner.
    """
    said = (policy.get("Owner") or {}).get("ID")
    if not said or "Grants" not in policy:
        raise _malformed()
    _check_id(said, "CanonicalUser/ID")
    found = []
    for grant in policy["Grants"] or []:
        grantee, permission = grant.get("Grantee") or {}, grant.get("Permission")
        kind = grantee.get("Type")
        if permission is None or kind is None:
            raise _malformed()
        if kind == "Group":
            _check_group(grantee.get("URI") or "", "Group/URI")
            found.append(to_group(grantee["URI"], permission))
        elif kind == "CanonicalUser":
            _check_id(grantee.get("ID") or "", "CanonicalUser/ID")
            kept = {"Type": kind, "ID": grantee["ID"]}
            found.append({"Grantee": kept, "Permission": permission})
        else:
            raise _no_address()
    if said != canonical_id(owner):
        raise access_denied()
    return found


def literal(key: str) -> str:
    """Return a key as the resource of a policy names it."""
    return key.translate(_LITERAL)


def statements(
    grants: Sequence[Grant], bucket_arn: str, key: str | None, account: str
) -> list[dict[str, Any]]:
    """Return what grants allow to a caller of `account`, as the statements of a policy; `key`: of an object."""
    found = []
    for grant in grants:
        uri, named = grant["Grantee"].get("URI"), grant["Grantee"].get("ID")
        if uri == AUTHENTICATED_USERS:
            # Every signed caller is authenticated; the condition leaves out those who have no account.
            condition: dict[str, Any] = {"Null": {"aws:PrincipalAccount": "false"}}
        elif named is not None and account and named == canonical_id(account):
            condition = {"StringEquals": {"aws:PrincipalAccount": account}}
        elif uri == ALL_USERS:
            condition = {}
        else:
            continue
        for actions, resource in _allowed(grant["Permission"], bucket_arn, key):
            statement = {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resource}
            found.append(statement | ({"Condition": condition} if condition else {}))
    return found


def _allowed(permission: str, bucket_arn: str, key: str | None) -> list[tuple[list[str], str]]:
    table = _OF_BUCKET if key is None else _OF_OBJECT
    everything = permission == "FULL_CONTROL"
    actions = [one for name, each in table.items() if everything or name == permission for one in each]
    resource = bucket_arn if key is None else f"{bucket_arn}/{literal(key)}"
    found = [(actions, resource)] if actions else []
    if key is None and (everything or permission == "WRITE"):
        found.append((_INTO_BUCKET, f"{bucket_arn}/*"))
    return found


def _grantee(kind: str, value: str) -> dict[str, str]:
    if kind == "uri":
        _check_group(value, "uri")
        return {"Type": "Group", "URI": value}
    if kind == "id":
        _check_id(value, "id")
        return {"Type": "CanonicalUser", "ID": value}
    raise _no_address()


def _check_group(uri: str, name: str) -> None:
    if uri not in _GROUPS:
        raise invalid_argument("Invalid group uri", name, uri)


def _check_id(text: str, name: str) -> None:
    if not _ID(text):
        raise invalid_argument("Invalid id", name, text)


def _malformed() -> ServiceFault:
    text = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceFault("MalformedACLError", text, status=400)


def _no_address() -> ServiceFault:
    text = "The e-mail address you provided does not match any account on record."
    return ServiceFault("UnresolvableGrantByEmailAddress", text, status=400)

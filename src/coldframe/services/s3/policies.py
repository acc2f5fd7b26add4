"""Bucket policies: checked when they are put, and whether one is public.

Source: Amazon S3 User Guide, Bucket policies, and Blocking public access, The meaning of "public".
"""

import json
from fnmatch import fnmatchcase
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.identity.policies import compiled_policy
from coldframe.identity.policy_errors import PolicyError

LARGEST = 20 * 1024
# A condition on one of these keys with a fixed value makes a wildcard principal not public.
_FIXED = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)


def check_policy(text: str, bucket_arn: str) -> None:
    """Raise MalformedPolicy unless the document is a policy for this bucket and its objects."""
    if len(text.encode()) > LARGEST:
        raise _malformed("Policies must be 20 KB or less in size.")
    if not text.lstrip().startswith("{"):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    if text.strip("{} \t\r\n") == "":
        raise _malformed("Missing required field Statement")
    try:
        compiled_policy(text, "resource")
    except PolicyError as error:
        reason = f" ({error.reason})" if error.reason else ""
        raise _malformed(f"{error.message}{reason}") from error
    for statement in _statements(text):
        for resource in _texts(statement.get("Resource", statement.get("NotResource", []))):
            if resource != "*" and not fnmatchcase(bucket_arn, resource.partition("/")[0]):
                raise _malformed("Policy has invalid resource")


def is_public(text: str) -> bool:
    """Tell whether a policy lets just anybody in."""
    return any(
        statement.get("Effect") == "Allow"
        and _anybody(statement)
        and not _fixed(statement.get("Condition", {}))
        for statement in _statements(text)
    )


def _anybody(statement: dict[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        return "*" in _texts(principal.get("AWS", []))
    return principal == "*"


def _fixed(condition: dict[str, Any]) -> bool:
    for keys in condition.values():
        for key, values in keys.items():
            fixed = key.lower() in _FIXED and all("*" not in str(value) for value in _texts(values))
            if fixed and "0.0.0.0/0" not in _texts(values) and "::/0" not in _texts(values):
                return True
    return False


def _statements(text: str) -> list[dict[str, Any]]:
    found = json.loads(text).get("Statement", [])
    return found if isinstance(found, list) else [found]


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _malformed(message: str) -> ServiceFault:
    return ServiceFault("MalformedPolicy", message, status=400)

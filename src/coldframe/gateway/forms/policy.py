"""The policy of an upload by form: who signed it, and whether the form is within it.

Source: Amazon S3 API Reference, "POST policy" and "Authenticating requests: browser-based uploads".
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.gateway.signature.keys import same, sign
from coldframe.gateway.signature.refusals import refusal
from coldframe.identity.credentials import Found

# Fields that need no condition, beside those that begin with x-ignore-.
_FREE = frozenset({"x-amz-signature", "awsaccesskeyid", "signature", "file", "policy"})
_IGNORED = "x-ignore-"
# The fields of a signature of either version, in the order in which S3 misses them and as it calls them.
_FOURTH = {
    "x-amz-algorithm": "X-Amz-Algorithm",
    "x-amz-credential": "X-Amz-Credential",
    "x-amz-date": "X-Amz-Date",
    "x-amz-signature": "X-Amz-Signature",
}
_SECOND = {"awsaccesskeyid": "AWSAccessKeyId", "signature": "Signature"}
_EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").fullmatch

FindSecret = Callable[[str, str | None], Found | None]


def signer_of(fields: Mapping[str, str], find: FindSecret, now: datetime) -> tuple[Found, str]:
    """Return whose signature the policy of a form has, and the region of its scope (empty for version 2).

    Raises what S3 answers to a signature that is not complete, not known or not right; AccessDenied where there is none.
    """
    policy, token = fields["policy"], fields.get("x-amz-security-token")
    if any(name in fields for name in _FOURTH):
        for name, said in _FOURTH.items():
            if not fields.get(name):
                raise _missing(said)
        if fields["x-amz-algorithm"] != "AWS4-HMAC-SHA256":
            text = "X-Amz-Algorithm only supports AWS4-HMAC-SHA256"
            raise ServiceFault("InvalidArgument", text, status=400, ArgumentName="x-amz-algorithm")
        scope = fields["x-amz-credential"].split("/")
        if len(scope) != 5 or scope[3:] != ["s3", "aws4_request"] or fields["x-amz-date"][:8] != scope[1]:
            text = "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed"
            raise ServiceFault("AuthorizationQueryParametersError", text, status=400)
        found = _known(find(scope[0], token), now)
        key = found.key.signing_key(scope[1], scope[2], scope[3])
        if not same(sign(key, policy), fields["x-amz-signature"]):
            raise _mismatch(scope[0], policy, fields["x-amz-signature"])
        return found, scope[2]
    if not any(name in fields for name in _SECOND):
        raise ServiceFault("AccessDenied", "Access Denied", status=403)
    for name, said in _SECOND.items():
        if not fields.get(name):
            raise _missing(said)
    found = _known(find(fields["awsaccesskeyid"], token), now)
    wanted = b64encode(found.key.sha1(policy.encode())).decode()
    if not same(wanted, fields["signature"]):
        raise _mismatch(fields["awsaccesskeyid"], policy, fields["signature"])
    return found, ""


def check_policy(fields: Mapping[str, str], bucket: str, now: datetime) -> tuple[int, int] | None:
    """Hold a form against its policy; returns the range that the length of the file must be in, if the policy has one.

    Raises InvalidPolicyDocument, and AccessDenied for a form that the policy does not allow.
    """
    policy = _decoded(fields["policy"])
    expires = _moment(policy.get("expiration"))
    if expires is None:
        raise _invalid("Policy missing expiration.")
    if expires < now:
        raise _denied("Policy expired.")
    conditions = policy.get("conditions")
    if not isinstance(conditions, list):
        raise _invalid("Policy missing conditions.")
    values = {**fields, "bucket": bucket}
    covered = set()
    length: tuple[int, int] | None = None
    for condition in conditions:
        for kind, name, wanted in _plain(condition):
            if kind == "content-length-range":
                length = (int(name), int(wanted))
                continue
            covered.add(name)
            value = values.get(name, "")
            if not (value == wanted if kind == "eq" else _starts(name, value, wanted)):
                shown = json.dumps([kind, f"${name}", wanted])
                raise _denied(f"Policy Condition failed: {shown}")
    for name in fields:
        if name not in covered and name not in _FREE and not name.startswith(_IGNORED):
            raise _denied(f"Extra input fields: {name}")
    return length


def _starts(name: str, value: str, wanted: str) -> bool:
    """Tell whether a value begins as it must; of a list of content types, each."""
    parts = value.split(",") if name == "content-type" else [value]
    return all(part.startswith(wanted) for part in parts)


def _plain(condition: Any) -> Iterator[tuple[str, str, str]]:
    """Give a condition as (kind, field, value), or ("content-length-range", least, most)."""
    if isinstance(condition, dict):
        if len(condition) != 1:
            raise _invalid(
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."
            )
        for name, value in condition.items():
            yield "eq", name.lower(), str(value)
        return
    if not isinstance(condition, list) or len(condition) != 3 or not isinstance(condition[0], str):
        raise _invalid("Invalid Condition.")
    kind, first, second = condition[0].lower(), condition[1], condition[2]
    if kind == "content-length-range":
        if any(isinstance(each, int) and each < 0 for each in (first, second)):
            raise _invalid("Invalid content-length-range: its limits may not be negative.")
        least, most = (str(each) for each in (first, second))
        if not (least.isdecimal() and most.isdecimal()):
            raise _denied(f"Policy Condition failed: {json.dumps(condition)}")
        yield kind, least, most
        return
    if kind not in {"eq", "starts-with"} or not isinstance(first, str) or not isinstance(second, str):
        raise _invalid("Invalid Condition.")
    if not first.startswith("$"):
        raise _denied(f"Policy Condition failed: {json.dumps(condition)}")
    yield kind, first[1:].lower(), second


def _decoded(text: str) -> dict[str, Any]:
    try:
        policy = json.loads(b64decode(text, validate=True))
    except (ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(policy, dict):
        raise _invalid("Invalid JSON.")
    return policy


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    if _EXPIRATION(text):
        # A day or an hour that there is not is refused as any other text is.
        with suppress(ValueError):
            return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    raise _invalid(f"Invalid 'expiration' value: '{text[:64]}'")


def _known(found: Found | None, now: datetime) -> Found:
    if found is None:
        raise refusal("s3", "unknown_key")
    if found.expires is not None and found.expires <= now:
        raise refusal("s3", "expired_token")
    return found


def _missing(name: str) -> ServiceFault:
    text = f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    return ServiceFault("InvalidArgument", text, status=400, ArgumentName=name, ArgumentValue="")


def _mismatch(key_id: str, policy: str, signature: str) -> ServiceFault:
    """Tell what was signed, which is the policy as it came, and with which signature."""
    told = {"AWSAccessKeyId": key_id, "StringToSign": policy, "SignatureProvided": signature}
    return refusal("s3", "mismatch", **told, StringToSignBytes=policy.encode().hex(" "))


def _invalid(reason: str) -> ServiceFault:
    return ServiceFault("InvalidPolicyDocument", f"Invalid Policy: {reason}", status=400)


def _denied(reason: str) -> ServiceFault:
    return ServiceFault("AccessDenied", f"Invalid according to Policy: {reason}", status=403)

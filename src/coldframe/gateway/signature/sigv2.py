"""Signature Version 2 of S3: in the query of a URL, which boto3 still makes for custom endpoints, and in the header.

Source: Amazon S3 Developer Guide, "Signing and authenticating REST requests (AWS signature version 2)".
"""

from base64 import b64encode
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.signature.credentials import Expectation, FindSecret, Secret, Verified
from coldframe.gateway.signature.keys import same
from coldframe.gateway.signature.refusals import refusal
from coldframe.gateway.signature.session import check_session
from coldframe.gateway.signature.timeliness import expired_at

HEADER: Final = "AWS "
_LONGEST_SKEW: Final = 900
_CLAIM: Final = ("AWSAccessKeyId", "Signature", "Expires")

# The parameters that name a part of a resource or change the answer's headers: only these are signed.
_SUBRESOURCES: Final = frozenset(
    {
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "defaultObjectAcl",
        "delete",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "partNumber",
        "policy",
        "replication",
        "requestPayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "restore",
        "select",
        "select-type",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
    }
)


def is_sigv2(parameters: dict[str, str]) -> bool:
    """Whether the query is signed in the old way."""
    return "AWSAccessKeyId" in parameters


def verify_sigv2(
    request: WireRequest,
    parameters: dict[str, str],
    find_secret: FindSecret,
    now: datetime,
    expected: Expectation,
) -> Verified:
    """Who signed the URL. Raises S3's AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch and token faults."""
    if not all(parameters.get(name) for name in _CLAIM):
        message = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        raise ServiceFault("AccessDenied", message, status=403)
    expires = parameters["Expires"]
    if not (expires.isascii() and expires.isdecimal() and len(expires) <= 11):
        raise ServiceFault(
            "AccessDenied", f"Invalid date (should be seconds since epoch): {expires}", status=403
        )
    access_key_id = parameters["AWSAccessKeyId"]
    secret = find_secret(access_key_id)
    if secret is None:
        raise refusal("s3", "unknown_key", AWSAccessKeyId=access_key_id)
    token = parameters.get("x-amz-security-token") or request.headers.get("x-amz-security-token")
    check_session(secret, token, now, expected)
    if now.timestamp() > int(expires):
        end = datetime.fromtimestamp(int(expires), UTC)
        raise refusal("s3", "presigned_expired", **expired_at(end, now.astimezone(UTC)))
    return _verified(request, parameters, secret, (access_key_id, parameters["Signature"]), now, expected)


def verify_sigv2_header(
    request: WireRequest, find_secret: FindSecret, now: datetime, expected: Expectation
) -> Verified:
    """Who signed by an Authorization header such as `AWS AKID:signature`; raises as `verify_sigv2`, and for the date."""
    access_key_id, colon, signature = request.headers["authorization"][len(HEADER) :].strip().partition(":")
    if not colon or not access_key_id or not signature:
        text = "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"
        raise ServiceFault("InvalidArgument", text, status=400)
    secret = find_secret(access_key_id)
    if secret is None:
        raise refusal("s3", "unknown_key", AWSAccessKeyId=access_key_id)
    check_session(secret, request.headers.get("x-amz-security-token"), now, expected)
    said = request.headers.get("x-amz-date") or request.headers.get("date", "")
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        text = "AWS authentication requires a valid Date or x-amz-date header"
        raise ServiceFault("AccessDenied", text, status=403) from None
    if abs((date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()) > _LONGEST_SKEW:
        raise refusal("s3", "skewed")
    parameters = {"Expires": "" if "x-amz-date" in request.headers else said}
    return _verified(request, parameters, secret, (access_key_id, signature), now, expected)


def _verified(
    request: WireRequest,
    parameters: dict[str, str],
    secret: Secret,
    claimed: tuple[str, str],
    now: datetime,
    expected: Expectation,
) -> Verified:
    access_key_id, signature = claimed
    path = f"/{expected.bucket}{request.path}" if expected.bucket else request.path
    # Of a bucket without a key some clients send the path without its last slash, and sign it with one.
    paths = (path, f"{path}/") if path.count("/") == 1 else (path,)
    texts = [_string_to_sign(request, parameters, one).encode("utf-8", "surrogateescape") for one in paths]
    if not any(same(b64encode(secret.key.sha1(text)).decode(), signature) for text in texts):
        told = {"AWSAccessKeyId": access_key_id, "SignatureProvided": signature}
        told |= {"StringToSign": texts[0].decode(errors="replace"), "StringToSignBytes": texts[0].hex(" ")}
        raise refusal("s3", "mismatch", **told)
    return Verified(
        access_key_id=access_key_id,
        principal=secret.principal,
        date=now.astimezone(UTC),
        service="s3",
        payload="UNSIGNED-PAYLOAD",
        presigned="Signature" in parameters,
        family="s3",
    )


def _string_to_sign(request: WireRequest, parameters: dict[str, str], path: str) -> str:
    headers = request.headers
    amazon = {name: value.strip() for name, value in headers.items() if name.startswith("x-amz-")}
    # What a presigned URL carries for its headers stands in the query.
    amazon |= {name: value for name, value in parameters.items() if name.startswith("x-amz-")}
    lines = [
        request.method,
        headers.get("content-md5") or parameters.get("content-md5", ""),
        headers.get("content-type") or parameters.get("content-type", ""),
        parameters["Expires"],
        *(f"{name}:{amazon[name]}" for name in sorted(amazon)),
    ]
    return "\n".join(lines) + "\n" + path + _subresources(request.query)


def _subresources(query: str) -> str:
    kept = [pair.partition("=") for pair in query.split("&") if pair.partition("=")[0] in _SUBRESOURCES]
    if not kept:
        return ""
    return "?" + "&".join(f"{name}{equals}{unquote(value)}" for name, equals, value in sorted(kept))

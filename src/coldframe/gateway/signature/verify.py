"""Verify a request's signature: find the claim, the secret, compare, and say who it was."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Final

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.signature.authorization import claim_from_header
from coldframe.gateway.signature.canonical import canonical_digests, canonical_forms
from coldframe.gateway.signature.credentials import Claim, Expectation, FindSecret, Secret, Verified
from coldframe.gateway.signature.keys import same, sign
from coldframe.gateway.signature.presigned import claim_from_query, query_parameters
from coldframe.gateway.signature.refusals import refusal
from coldframe.gateway.signature.session import check_session
from coldframe.gateway.signature.sigv2 import HEADER, is_sigv2, verify_sigv2, verify_sigv2_header
from coldframe.gateway.signature.timeliness import check_timely, signed_at

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
# Words that may stand for the body; what follows them is checked chunk by chunk.
_WORDS: Final = frozenset(
    {
        UNSIGNED,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-EVENTS",
    }
)
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_LONGEST_NAME: Final = 64  # of a region or service: longer ones would fill the cache of signing keys


def verify(
    request: WireRequest, find_secret: FindSecret, now: datetime, *, expected: Expectation
) -> Verified:
    """Who signed the request. Raises the ServiceFault that AWS's services of this family raise.

    `find_secret` gives the secret of an access key id, or None; `now` is aware, in UTC.
    """
    parameters: dict[str, str] = {}
    if expected.family == "s3" and request.headers.get("authorization", "").startswith(HEADER):
        return verify_sigv2_header(request, find_secret, now, expected)
    if "authorization" in request.headers:
        if expected.family == "s3" and "X-Amz-Algorithm=" in request.query:
            raise ServiceFault("InvalidArgument", "Only one auth mechanism allowed", status=400)
        claim = claim_from_header(request, expected)
    else:
        parameters = query_parameters(request.query) if request.query else {}
        if expected.family == "s3" and is_sigv2(parameters):
            return verify_sigv2(request, parameters, find_secret, now, expected)
        if not any(name in parameters for name in ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature")):
            return _unsigned(expected)
        claim = claim_from_query(parameters, expected)
    _check_scope(claim, request, expected)
    date = signed_at(claim, expected)
    secret = find_secret(claim.access_key_id)
    if secret is None:
        raise refusal(expected.family, "unknown_key", AWSAccessKeyId=claim.access_key_id)
    check_session(
        secret,
        parameters.get("X-Amz-Security-Token") or request.headers.get("x-amz-security-token"),
        now,
        expected,
    )
    check_timely(claim, date, now, expected)
    payload = _payload(request, claim, parameters, expected)
    _check_signature(request, claim, secret, date, payload, expected)
    return Verified(
        access_key_id=claim.access_key_id,
        principal=secret.principal,
        date=date,
        region=claim.region,
        service=claim.service,
        signed_headers=claim.signed_headers,
        payload=payload,
        signature=claim.signature,
        presigned=claim.presigned,
        family=expected.family,
        key=secret.key,
    )


def _unsigned(expected: Expectation) -> Verified:
    if expected.anonymous:
        return Verified(anonymous=True, payload=UNSIGNED, family=expected.family)
    raise refusal(expected.family, "missing")


def _check_scope(claim: Claim, request: WireRequest, expected: Expectation) -> None:
    if len(claim.region) > _LONGEST_NAME or (expected.regions and claim.region not in expected.regions):
        raise _wrong_region(claim, expected)
    if len(claim.service) > _LONGEST_NAME or (expected.services and claim.service not in expected.services):
        wanted = ", ".join(f"'{name}'" for name in sorted(expected.services))
        raise refusal(expected.family, "scope", f"Credential should be scoped to correct service: {wanted}. ")
    names = claim.signed_headers
    if "host" not in names:
        raise refusal(
            expected.family,
            "unsigned_headers",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            HeadersNotSigned="host",
        )
    if expected.family == "s3":
        left_out = [
            name
            for name in request.headers
            if name.startswith("x-amz-") and name not in names and name != "x-amz-content-sha256"
        ]
        if left_out:
            raise refusal("s3", "unsigned_headers", HeadersNotSigned=", ".join(left_out))


def _wrong_region(claim: Claim, expected: Expectation) -> ServiceFault:
    if expected.family != "s3" or len(expected.regions) != 1:
        return refusal(expected.family, "scope", "Credential should be scoped to a valid region. ")
    region = next(iter(expected.regions))
    return refusal(
        "s3",
        "scope",
        f"The authorization header is malformed; the region '{claim.region}' is wrong; expecting '{region}'",
        Region=region,
    )


def _payload(request: WireRequest, claim: Claim, parameters: dict[str, str], expected: Expectation) -> str:
    """What stands for the body in the canonical form; a hash is only taken when the body has it."""
    stated = request.headers.get("x-amz-content-sha256")
    s3 = expected.family == "s3"
    if stated is None and s3:
        if claim.presigned:
            return parameters.get("X-Amz-Content-Sha256", UNSIGNED)
        message = "Missing required header for this request: x-amz-content-sha256"
        raise ServiceFault("InvalidRequest", message, status=400)
    if stated in _WORDS:
        return stated
    if request.stream is not None and stated is not None and _SHA256(stated):
        return stated  # decode_stream holds the body against it as it arrives
    actual = sha256(request.body).hexdigest()
    if stated is None:
        return actual
    if not _SHA256(stated):
        if s3:
            message = (
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER,"
                " STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
                " or a valid sha256 value."
            )
            raise ServiceFault("InvalidArgument", message, status=400)
        raise refusal(expected.family, "body_hash")
    if stated.lower() != actual:
        members = {"ClientComputedContentSHA256": stated, "S3ComputedContentSHA256": actual} if s3 else {}
        raise refusal(expected.family, "body_hash", **members)
    return stated


def _check_signature(
    request: WireRequest, claim: Claim, secret: Secret, date: datetime, payload: str, expected: Expectation
) -> None:
    key = secret.key.signing_key(claim.scope_date, claim.region, claim.service)
    stamp = claim.timestamp
    if len(stamp) != len("20260304T050607Z"):
        # The string to sign has the basic format, also when the date came in a Date header.
        stamp = f"{date:%Y%m%dT%H%M%SZ}"
    above = f"AWS4-HMAC-SHA256\n{stamp}\n{claim.scope}\n"
    s3 = expected.family == "s3"
    digests = canonical_digests(request, claim.signed_headers, payload, s3=s3, presigned=claim.presigned)
    if not any(same(sign(key, above + digest), claim.signature) for digest in digests):
        raise refusal(expected.family, "mismatch", **(_told(request, claim, payload, above) if s3 else {}))


def _told(request: WireRequest, claim: Claim, payload: str, above: str) -> dict[str, str]:
    """What S3 says of a signature that is not right: what it signed itself, of which nothing is secret."""
    # The last is the one that does not go by how the client encoded its URL.
    *_, form = canonical_forms(request, claim.signed_headers, payload, s3=True, presigned=claim.presigned)
    signed = (above + sha256(form).hexdigest()).encode("utf-8", "surrogateescape")
    return {
        "AWSAccessKeyId": claim.access_key_id,
        "StringToSign": signed.decode(errors="replace"),
        "SignatureProvided": claim.signature,
        "StringToSignBytes": signed.hex(" "),
        "CanonicalRequest": form.decode(errors="replace"),
        "CanonicalRequestBytes": form.hex(" "),
    }

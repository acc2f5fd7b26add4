"""The Authorization header of Signature Version 4, read into a claim or refused in AWS's words."""

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.signature.credentials import Claim, Expectation
from coldframe.gateway.signature.refusals import refusal

ALGORITHM = "AWS4-HMAC-SHA256"

# The header as every SDK writes it; anything else takes the slow way, which knows what to say about it.
_USUAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request,\s*"
    r"SignedHeaders=([^,\s]+),\s*Signature="
).fullmatch
_SIGNATURE = re.compile(r"[0-9a-f]{64}").fullmatch
_LONGEST_KEPT = 1024


def claim_from_header(request: WireRequest, expected: Expectation) -> Claim:
    """The claim in the Authorization header. Raises the family's IncompleteSignature and relatives."""
    text = request.headers["authorization"].strip()
    timestamp = request.headers.get("x-amz-date") or request.headers.get("date", "")
    signature = text[-64:]
    if timestamp and len(text) <= _LONGEST_KEPT and _SIGNATURE(signature) and (usual := _usual(text[:-64])):
        return Claim(*usual, signature, timestamp)
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        raise _other_algorithm(algorithm, expected)
    pairs = [part.partition("=") for part in re.split(r"[,\s]+", rest) if part]
    fields = {name: value for name, _, value in pairs}
    # Two headers arrive joined: which of two signatures counts must not depend on who reads them.
    faults = [
        f"{name!r} not a valid key=value pair (missing equal-sign)." for name, sign, _ in pairs if not sign
    ]
    if len(fields) < len(pairs):
        faults.append("Authorization header has a parameter twice.")
    faults += [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not fields.get(name)
    ]
    if not timestamp:
        faults.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if faults:
        # The header itself is not repeated: it may hold a signature that is still good.
        digest = b64encode(sha256(text.encode("utf-8", "surrogateescape")).digest()).decode()
        faults.append(f"(Hashed with SHA-256 and encoded with Base64) Authorization={digest}")
        raise refusal(expected.family, "incomplete", " ".join(faults))
    return claim_from_parts(
        fields["Credential"], fields["SignedHeaders"], fields["Signature"], timestamp, expected
    )


@lru_cache(maxsize=1024)
def _usual(text: str) -> tuple[str, str, str, str, tuple[str, ...]] | None:
    """Return key, day, region, service and signed headers of a header without its signature.

    Kept, because all calls of a client on one day that sign the same headers share it.
    """
    usual = _USUAL(text)
    if usual is None:
        return None
    key_id, day, region, service, names = usual.groups()
    return key_id, day, region, service, tuple(names.split(";"))


def claim_from_parts(
    credential: str, signed_headers: str, signature: str, timestamp: str, expected: Expectation
) -> Claim:
    """The claim of a credential such as `AKID/20260101/us-east-1/sts/aws4_request` and what goes with it."""
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not all(parts) or "/" in parts[0]:
        if expected.family == "s3":
            text = (
                'The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>'
            )
            raise refusal("s3", "incomplete", f'{text}/YYYYMMDD/REGION/SERVICE/aws4_request".')
        raise refusal(
            expected.family,
            "incomplete",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,"
            f" got '{credential}'",
        )
    key_id, day, region, service, terminator = parts
    if terminator != "aws4_request":
        raise refusal(
            expected.family,
            "scope",
            f"Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'.",
        )
    return Claim(key_id, day, region, service, tuple(signed_headers.split(";")), signature, timestamp)


def _other_algorithm(algorithm: str, expected: Expectation) -> ServiceFault:
    if expected.family == "s3":
        return ServiceFault("InvalidArgument", "Unsupported Authorization Type", status=400)
    if algorithm.startswith("AWS4"):
        return refusal(expected.family, "incomplete", f"Unsupported AWS 'algorithm': '{algorithm}'.")
    return refusal(expected.family, "missing")

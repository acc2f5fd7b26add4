"""A presigned URL of Signature Version 4: the claim stands in the query, and says how long it is good."""

from typing import Final
from urllib.parse import unquote_plus

from coldframe.core.faults import ServiceFault
from coldframe.gateway.signature.authorization import ALGORITHM, claim_from_parts
from coldframe.gateway.signature.credentials import Claim, Expectation
from coldframe.gateway.signature.refusals import refusal

# Seven days, the longest that a signing key lives.
LONGEST_SECONDS: Final = 604_800
_PARAMETERS: Final = ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders")


def query_parameters(query: str) -> dict[str, str]:
    """The query decoded; of a name that comes twice, the first."""
    parameters: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        parameters.setdefault(unquote_plus(name), unquote_plus(value))
    return parameters


def claim_from_query(parameters: dict[str, str], expected: Expectation) -> Claim:
    """The claim in the query. Raises the family's IncompleteSignature, S3's AuthorizationQueryParametersError."""
    try:
        return _claim(parameters, expected)
    except ServiceFault as fault:
        if fault.code == "AuthorizationHeaderMalformed":
            text = fault.message.replace(
                "The authorization header is malformed; the",
                "Error parsing the X-Amz-Credential parameter; the",
            )
            raise ServiceFault("AuthorizationQueryParametersError", text, status=400) from fault
        raise


def _claim(parameters: dict[str, str], expected: Expectation) -> Claim:
    algorithm = parameters.get("X-Amz-Algorithm", "")
    missing = [name for name in _PARAMETERS if not parameters.get(name)]
    if expected.family == "s3" and (missing or not algorithm or not parameters.get("X-Amz-Expires")):
        raise ServiceFault(
            "AuthorizationQueryParametersError",
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential,"
            " X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            status=400,
        )
    if missing:
        told = " ".join(f"AWS query-string parameters must include '{name}'." for name in missing)
        raise refusal(expected.family, "incomplete", f"{told} Re-examine the query-string parameters.")
    if algorithm != ALGORITHM:
        raise refusal(expected.family, "incomplete", f"Unsupported AWS 'algorithm': '{algorithm}'.")
    claim = claim_from_parts(
        parameters["X-Amz-Credential"],
        parameters["X-Amz-SignedHeaders"],
        parameters["X-Amz-Signature"],
        parameters["X-Amz-Date"],
        expected,
    )
    return Claim(
        claim.access_key_id,
        claim.scope_date,
        claim.region,
        claim.service,
        claim.signed_headers,
        claim.signature,
        claim.timestamp,
        presigned=True,
        expires_seconds=_expires(parameters.get("X-Amz-Expires"), expected),
    )


def _expires(text: str | None, expected: Expectation) -> int | None:
    """Seconds from the date of signing; None when not said, which only S3 refuses."""
    if text is None:
        return None
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise refusal(expected.family, "expires_range", "X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds < 0:
        raise refusal(expected.family, "expires_range", "X-Amz-Expires must be non-negative")
    if seconds > LONGEST_SECONDS:
        raise refusal(
            expected.family,
            "expires_range",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be"
            f" less than {LONGEST_SECONDS} seconds",
        )
    if seconds == 0:
        raise refusal(expected.family, "expires_range", "X-Amz-Expires must be at least 1 second")
    return seconds

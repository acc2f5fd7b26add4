"""Whether a signature is of now: the clock skew allowed, and how AWS words what is past or still to come."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

from coldframe.core.faults import ServiceFault
from coldframe.gateway.signature.credentials import Claim, Expectation
from coldframe.gateway.signature.refusals import refusal

_SKEW: Final = timedelta(minutes=5)
_SKEW_S3: Final = timedelta(minutes=15)
_BASIC: Final = "%Y%m%dT%H%M%SZ"
_ISO: Final = "%Y-%m-%dT%H:%M:%SZ"
_BASIC_FORMAT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII).fullmatch


def signed_at(claim: Claim, expected: Expectation) -> datetime:
    """The date of signing, which must be of the day in the credential scope."""
    try:
        date, day = _parsed(claim.timestamp)
    except (ValueError, TypeError, OverflowError, IndexError):
        if expected.family == "s3":
            message = "AWS authentication requires a valid Date or x-amz-date header"
            raise ServiceFault("AccessDenied", message, status=403) from None
        raise refusal(
            expected.family,
            "incomplete",
            f"Date must be in ISO-8601 'basic format'. Got '{claim.timestamp}'."
            " See http://en.wikipedia.org/wiki/ISO_8601",
        ) from None
    if day != claim.scope_date:
        raise refusal(
            expected.family,
            "scope",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
            f" '{claim.scope_date}' != '{day}', from '{date:{_BASIC}}'.",
        )
    return date


@lru_cache(maxsize=64)
def _parsed(timestamp: str) -> tuple[datetime, str]:
    """The date and its day as YYYYMMDD; kept, because the calls of one second share it."""
    if basic := _BASIC_FORMAT(timestamp):
        year, month, day, hour, minute, second = map(int, basic.groups())
        date = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    else:
        stated = parsedate_to_datetime(timestamp)
        # RFC 5322's "-0000", which Python's own formatter writes, is UTC too and comes back without a zone.
        date = stated.replace(tzinfo=UTC) if stated.tzinfo is None else stated.astimezone(UTC)
    return date, f"{date:%Y%m%d}"


def expired_at(end: datetime, now: datetime) -> dict[str, str]:
    """What S3 says of a URL that was good until `end`."""
    return {"Expires": f"{end:{_ISO}}", "ServerTime": f"{now:{_ISO}}"}


def check_timely(claim: Claim, date: datetime, now: datetime, expected: Expectation) -> None:
    """Raise the family's fault when the signature is too old, or of a time still to come."""
    skew = _SKEW_S3 if expected.family == "s3" else _SKEW
    lasts = skew if claim.expires_seconds is None else timedelta(seconds=claim.expires_seconds)
    kind = "skewed" if claim.expires_seconds is None else "presigned_expired"
    if now - date > lasts:
        # AWS names the margin in minutes for headers; a presigned URL has its own.
        margin = (
            f"{int(lasts.total_seconds()) // 60} min." if kind == "skewed" else f"{claim.expires_seconds} s."
        )
        told = {}
        if kind == "presigned_expired" and expected.family == "s3":
            told = expired_at(date + lasts, now) | {"X-Amz-Expires": str(claim.expires_seconds)}
        raise refusal(
            expected.family,
            kind,
            f"Signature expired: {date:{_BASIC}} is now earlier than {now - lasts:{_BASIC}}"
            f" ({now:{_BASIC}} - {margin})",
            **told,
        )
    if date - now > skew:
        raise refusal(
            expected.family,
            "skewed",
            f"Signature not yet current: {date:{_BASIC}} is still later than {now + skew:{_BASIC}}"
            f" ({now:{_BASIC}} + {int(skew.total_seconds()) // 60} min.)",
        )

"""Headers that a presigned URL of S3 has in its query: some clients put all that they sign there.

Sources: Amazon S3 API Reference, "Authenticating requests: using query parameters"; Amazon S3 User Guide, "Download and
upload objects with presigned URLs", by which these do not support checksums: S3 takes the value that is in a URL for
nothing. The SDK for JavaScript puts that of an empty body into each URL for an upload.
"""

from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from coldframe.core.wire import WireRequest

_PLAIN: Final = frozenset(
    {
        *("content-type", "content-md5", "cache-control", "content-disposition", "content-encoding"),
        *("content-language", "if-match", "if-none-match"),
    }
)
_OF_SIGNATURE: Final = frozenset(
    f"x-amz-{name}"
    for name in (
        *("algorithm", "credential", "date", "expires", "signedheaders", "signature"),
        *("security-token", "content-sha256"),
    )
)
_SAYS_NO_VALUE: Final = frozenset(f"x-amz-checksum-{name}" for name in ("algorithm", "mode", "type"))


def with_headers_of_url(request: WireRequest) -> WireRequest:
    """Return a presigned request with the headers that its query names; these are signed, so they go before others."""
    named = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        header = name.lower()
        if header in _PLAIN or (header.startswith("x-amz-") and _is_taken(header)):
            named[header] = value
    return replace(request, headers={**request.headers, **named}) if named else request


def _is_taken(header: str) -> bool:
    checksum = header.startswith("x-amz-checksum-") and header not in _SAYS_NO_VALUE
    return not checksum and header != "x-amz-sdk-checksum-algorithm" and header not in _OF_SIGNATURE

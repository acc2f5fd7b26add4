"""What a host names beside the server: the bucket of a request, or of a site.

Source: Amazon S3 User Guide, "Virtual hosting of general purpose buckets" and "Website endpoints".
"""

import re

_BUCKET = r"([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])"
_REGION = r"([a-z]{2}(?:-[a-z]+)+-\d)"
_PORT = r"(?::\d+)?"
_OF_API = re.compile(rf"{_BUCKET}\.s3(?:[.-].*?)?{_PORT}").fullmatch
_OF_LOCALHOST = re.compile(rf"{_BUCKET}\.localhost{_PORT}").fullmatch
_SITE = "s3-website"
_OF_SITE = re.compile(rf"(?:{_BUCKET}\.)?{_SITE}(?:[.-]{_REGION})?(?:\..*?)?{_PORT}").fullmatch


def virtual_host_bucket(host: str) -> str | None:
    """Name the bucket of `bucket.s3.region.host` or `bucket.localhost`; None for path style."""
    host = host.lower()
    match = _OF_API(host) or _OF_LOCALHOST(host)
    return match[1] if match and not match[1].startswith("s3.") and match[1] != "s3" else None


def site_of(host: str) -> tuple[str, str] | None:
    """Name bucket and region of `bucket.s3-website-region.host` or `bucket.s3-website.region.host`.

    Each is empty where the host does not name it; None for a host that is no website endpoint.
    """
    host = host.lower()
    match = _OF_SITE(host) if _SITE in host else None
    return (match[1] or "", match[2] or "") if match else None

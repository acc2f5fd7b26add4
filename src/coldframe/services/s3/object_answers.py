"""A version as answers have it: the headers of GetObject and HeadObject."""

import re
from typing import Any

from coldframe.core.wire import from_latin, is_latin, latin
from coldframe.services.s3 import encryption
from coldframe.services.s3.bodies import answered_checksums
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.mail_words import decoded, told
from coldframe.services.s3.records import Version
from coldframe.services.s3.refusals import invalid_argument
from coldframe.services.s3.times import milliseconds, moment, whole_second

_HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType")
_OVERRIDES = (*_HEADERS, "Expires")


def header_fields(request: Request) -> dict[str, Any]:
    """Return the fields of a version that a request's headers say."""
    headers = {name: request[name] for name in (*_HEADERS, "WebsiteRedirectLocation") if request.get(name)}
    headers.setdefault("ContentType", "binary/octet-stream")
    # botocore sends aws-chunked as an encoding of the object, which it is not; the others stay as they were written.
    encodings = headers.pop("ContentEncoding", "").split(",")
    if kept := ",".join(one for one in encodings if one.strip() not in {"", "aws-chunked"}).strip():
        headers["ContentEncoding"] = kept
    expires = request.get("Expires")
    is_of_form = any(is_latin(value) for value in headers.values())
    return {
        "headers": {name: from_latin(value) for name, value in headers.items()} if is_of_form else headers,
        "latin": is_of_form,
        "expires": None if expires is None else milliseconds(expires),
        "metadata": {name: decoded(text) for name, text in (request.get("Metadata") or {}).items()},
    }


def version_answer(
    request: Request, found: Version, span: tuple[int, int] | None, *, versioned: bool
) -> dict[str, Any]:
    """Return what GetObject and HeadObject say of a version, but for its length and range."""
    answer: dict[str, Any] = {
        **({name: latin(value) for name, value in found.headers.items()} if found.latin else found.headers),
        "AcceptRanges": "bytes",
        "LastModified": whole_second(found.modified),
        "ETag": f'"{found.etag}"',
        "Metadata": {name: told(text) for name, text in found.metadata.items()},
        **encryption.answered(found, request),
    }
    if found.expires is not None:
        answer["Expires"] = moment(found.expires)
    if versioned:
        answer["VersionId"] = found.version_id
    if found.storage_class != "STANDARD":
        answer["StorageClass"] = found.storage_class
    if found.tags:
        answer["TagCount"] = len(found.tags)
    if (request.get("ChecksumMode") or "").upper() == "ENABLED":
        answer |= answered_checksums(_checksums(request, found, span), found.checksum_type)
    if request.get("PartNumber") is not None and found.parts:
        answer["PartsCount"] = len(found.parts)
    return answer | _lock(found) | _overrides(request)


def _checksums(request: Request, found: Version, span: tuple[int, int] | None) -> dict[str, str]:
    """Return the checksums of the bytes that are answered, if they are known: of the whole, or of a part by itself."""
    if request.get("PartNumber") is not None and found.checksum_type == "COMPOSITE":
        return {
            name: part.checksum
            for name in found.checksums
            for part in found.parts
            if part.number == request["PartNumber"]
        }
    return found.checksums if span in {None, (0, found.size)} else {}


def _lock(found: Version) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if found.lock_mode:
        answer |= {"ObjectLockMode": found.lock_mode, "ObjectLockRetainUntilDate": moment(found.lock_until)}
    if found.legal_hold or found.hold_said:
        answer["ObjectLockLegalHoldStatus"] = "ON" if found.legal_hold else "OFF"
    return answer


def _overrides(request: Request) -> dict[str, Any]:
    """Return the headers that the request wants to see instead of the object's own."""
    found = {
        name: request[f"Response{name}"] for name in _OVERRIDES if request.get(f"Response{name}") is not None
    }
    for name, value in found.items():
        if isinstance(value, str) and any(character > "\xff" for character in value):
            header = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
            text = "Header value cannot be represented using ISO-8859-1."
            raise invalid_argument(text, f"response-{header}", value)
    return {name: latin(value) if isinstance(value, str) else value for name, value in found.items()}

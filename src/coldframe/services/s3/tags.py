"""Tags of buckets and objects: read, checked and answered. Source: Amazon S3 User Guide, tag restrictions."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from coldframe.core.faults import ServiceFault
from coldframe.services.s3.refusals import invalid_argument

_CHARACTERS = re.compile(r"[\w\s+\-=._:/@]*").fullmatch
_SYSTEM = "System tags cannot be added/updated by requester"
OBJECT_LIMIT = 10
BUCKET_LIMIT = 50


def tags_of_set(
    tag_set: Sequence[dict[str, Any]], limit: int, *, of_new_bucket: bool = False
) -> dict[str, str]:
    """Return the tags of a TagSet by key; raises InvalidTag and BadRequest."""
    if len(tag_set) > limit:
        kind = "Object" if limit == OBJECT_LIMIT else "Bucket"
        raise ServiceFault("BadRequest", f"{kind} tags cannot be greater than {limit}", status=400)
    tags: dict[str, str] = {}
    for tag in tag_set:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if key in tags:
            raise _invalid("Cannot provide multiple Tags with the same key", key)
        if not 0 < len(key) <= 128 or not _CHARACTERS(key):
            raise _invalid("The TagKey you have provided is invalid", key)
        if len(value) > 256 or not _CHARACTERS(value):
            raise _invalid("The TagValue you have provided is invalid", key, value)
        if key.lower().startswith("aws:") and of_new_bucket:
            text = 'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags.'
            raise ServiceFault(
                "InvalidTag", f'{text} Remove "aws:" from your tag keys and try again.', status=400
            )
        if key.lower().startswith("aws:"):
            of_object = limit == OBJECT_LIMIT
            words = "Your TagKey cannot be prefixed with aws:" if of_object else _SYSTEM
            raise _invalid(words, key)
        tags[key] = value
    return tags


def tags_of_header(header: str | None) -> dict[str, str]:
    """Return the tags of an x-amz-tagging header, which is a query string; raises InvalidArgument, InvalidTag."""
    if not header:
        return {}
    try:
        pairs = parse_qsl(header, keep_blank_values=True, errors="strict")
    except ValueError:
        raise _not_encoded(header) from None
    if len(dict(pairs)) != len(pairs) or not all(_CHARACTERS(text) for pair in pairs for text in pair):
        raise _not_encoded(header)
    return tags_of_set([{"Key": key, "Value": value} for key, value in pairs], OBJECT_LIMIT)


def tag_set(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as an answer's TagSet."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _not_encoded(header: str) -> ServiceFault:
    text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters"
    return invalid_argument(f"{text} without tag name duplicates.", "x-amz-tagging", header)


def _invalid(message: str, key: str, value: str = "") -> ServiceFault:
    members = {"TagValue": value} if value else {}
    return ServiceFault("InvalidTag", message, status=400, TagKey=key, **members)

"""Which bytes of an object a request wants. Source: RFC 9110, section 14."""

import re

from coldframe.core.faults import ServiceFault
from coldframe.services.s3.records import Version
from coldframe.services.s3.refusals import invalid_argument, invalid_request

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*").fullmatch


def wanted_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of the range; None for the whole object. Raises InvalidRange.

    A header that is no single range of bytes is not looked at, as RFC 9110 wants it.
    """
    found = _RANGE(header) if header is not None else None
    if found is None or (not found[1] and not found[2]):
        return None
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
        satisfiable = int(found[2]) > 0 and size > 0
    else:
        start = int(found[1])
        last = int(found[2]) if found[2] else size - 1
        if found[2] and last < start:
            return None
        end = min(last + 1, size)
        satisfiable = start < size
    if not satisfiable:
        text = "The requested range is not satisfiable"
        raise ServiceFault(
            "InvalidRange", text, status=416, RangeRequested=str(header), ActualObjectSize=str(size)
        )
    return start, end


def copied_range(header: str, size: int) -> tuple[int, int]:
    """Return the range that UploadPartCopy names, which must be `bytes=first-last` within the source."""
    found = _RANGE(header)
    if found is None or not found[1] or not found[2] or int(found[2]) < int(found[1]):
        text = (
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are"
        )
        text += " the zero-based offsets of the first and last bytes to copy"
        raise invalid_argument(text, "x-amz-copy-source-range", header)
    if int(found[1]) >= size:
        raise invalid_request("The specified copy range is invalid for the source object size")
    if int(found[2]) >= size:
        text = f"Range specified is not valid for source object of size: {size}"
        raise invalid_argument(text, "x-amz-copy-source-range", header)
    return int(found[1]), int(found[2]) + 1


def part_range(number: int, found: Version) -> tuple[int, int]:
    """Return the range of a part of a multipart object; an object that was put whole has one part."""
    if not found.parts and number == 1:
        return 0, found.size
    at = 0
    for part in found.parts:
        if part.number == number:
            return at, at + part.size
        at += part.size
    raise ServiceFault(
        "InvalidPartNumber",
        "The requested partnumber is not satisfiable",
        status=416,
        PartNumberRequested=str(number),
        ActualPartCount=str(len(found.parts) or 1),
    )

"""Conditional requests: what holds of a version, for reading, copying and writing.

Source: RFC 9110, section 13, and the Amazon S3 User Guide, Conditional requests.
"""

from datetime import datetime

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.s3.lookup import Request, newest
from coldframe.services.s3.records import Version
from coldframe.services.s3.refusals import no_such_key, precondition_failed
from coldframe.services.s3.times import http_date, whole_second


def check_read(request: Request, found: Version) -> None:
    """Raise PreconditionFailed (412) or NotModified (304) unless the conditions let the version be read."""
    if request.get("IfMatch") is not None:
        if not _matches(request["IfMatch"], found):
            raise precondition_failed("If-Match")
    elif _changed_since(request.get("IfUnmodifiedSince"), found) is True:
        raise precondition_failed("If-Unmodified-Since")
    if request.get("IfNoneMatch") is not None:
        if _matches(request["IfNoneMatch"], found):
            raise _not_modified(found)
    elif _changed_since(request.get("IfModifiedSince"), found) is False:
        raise _not_modified(found)


def check_copy(request: Request, found: Version) -> None:
    """Raise PreconditionFailed unless the conditions let the version be copied."""
    names = {
        "IfMatch": "CopySourceIfMatch",
        "IfNoneMatch": "CopySourceIfNoneMatch",
        "IfModifiedSince": "CopySourceIfModifiedSince",
        "IfUnmodifiedSince": "CopySourceIfUnmodifiedSince",
    }
    conditions = {name: request.get(member) for name, member in names.items()}
    try:
        check_read(conditions, found)
    except ServiceFault as fault:
        if fault.code != "NotModified":
            raise
        raise precondition_failed("x-amz-copy-source-If-None-Match") from fault


def check_write(request: Request, records: Records) -> None:
    """Raise PreconditionFailed, or NoSuchKey, unless the key is as the writer believes; within the transaction."""
    if_match, if_none_match = request.get("IfMatch"), request.get("IfNoneMatch")
    if if_match is None and if_none_match is None:
        return
    found = newest(records, request["Bucket"], request["Key"])
    present = found is not None and not found.marker
    if if_none_match is not None:
        if if_none_match != "*":
            text = "A header you provided implies functionality that is not implemented"
            raise ServiceFault("NotImplemented", text, status=501, Header="If-None-Match")
        if present:
            raise precondition_failed("If-None-Match")
    if if_match is not None:
        if found is None or not present:
            raise no_such_key(request["Key"])
        if not _matches(if_match, found):
            raise precondition_failed("If-Match")


def _matches(header: str, found: Version) -> bool:
    wanted = [one.strip().removeprefix("W/").strip('"') for one in header.split(",")]
    return "*" in wanted or found.etag in wanted


def _changed_since(when: datetime | None, found: Version) -> bool | None:
    return None if when is None else whole_second(found.modified) > when


def _not_modified(found: Version) -> ServiceFault:
    headers = {"etag": f'"{found.etag}"', "last-modified": http_date(found.modified)}
    return ServiceFault("NotModified", "Not Modified", status=304, headers=headers)

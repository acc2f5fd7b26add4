"""Conditional requests: what holds of a version, for reading, copying and writing.

Source: RFC 9110, section 13, and the Amazon S3 User Guide, Conditional requests.
"""

from datetime import datetime

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.s3.lookup import Request, newest
from coldframe.services.s3.records import Upload, Version
from coldframe.services.s3.refusals import no_such_key, precondition_failed
from coldframe.services.s3.times import http_date, moment, whole_second


def check_read(request: Request, found: Version, now: int) -> None:
    """Raise PreconditionFailed (412) or NotModified (304) unless the conditions let the version be read."""
    since = request.get("IfModifiedSince")
    if since is not None and since > moment(now):
        since = None  # a date that is still to come says nothing
    if request.get("IfMatch") is not None:
        if not _matches(request["IfMatch"], found):
            raise precondition_failed("If-Match")
    elif _changed_since(request.get("IfUnmodifiedSince"), found) is True:
        raise precondition_failed("If-Unmodified-Since")
    if request.get("IfNoneMatch") is not None:
        if _matches(request["IfNoneMatch"], found):
            raise _not_modified(found)
    elif _changed_since(since, found) is False:
        raise _not_modified(found)


def check_copy(request: Request, found: Version, now: int) -> None:
    """Raise PreconditionFailed unless the conditions let the version be copied."""
    names = {
        "IfMatch": "CopySourceIfMatch",
        "IfNoneMatch": "CopySourceIfNoneMatch",
        "IfModifiedSince": "CopySourceIfModifiedSince",
        "IfUnmodifiedSince": "CopySourceIfUnmodifiedSince",
    }
    conditions = {name: request.get(member) for name, member in names.items()}
    try:
        check_read(conditions, found, now)
    except ServiceFault as fault:
        failed = fault.members.get("Condition")
        if failed is None:
            failed = "If-Modified-Since" if conditions["IfNoneMatch"] is None else "If-None-Match"
        raise precondition_failed(f"x-amz-copy-source-{failed}") from fault


def check_write(request: Request, records: Records, *, any_match: bool = False) -> None:
    """Raise PreconditionFailed, or NoSuchKey, unless the key is as the writer believes; within the transaction.

    `any_match` is for what takes `If-Match: *`, as deleting does; writing raises NotImplemented for it.
    """
    if_match, if_none_match = request.get("IfMatch"), request.get("IfNoneMatch")
    if if_match is None and if_none_match is None:
        return
    if if_match is not None and if_none_match is not None:
        raise _not_taken(
            "If-Match,If-None-Match", "Multiple conditional request headers present in the request"
        )
    for header, value, taken in (
        ("If-Match", if_match, any_match or if_match != "*"),
        ("If-None-Match", if_none_match, if_none_match == "*"),
    ):
        if value is not None and not taken:
            raise _not_taken(header, f"We don't accept the provided value of {header} header for this API")
    found = newest(records, request["Bucket"], request["Key"])
    present = found is not None and not found.marker
    if if_none_match is not None and present:
        raise precondition_failed("If-None-Match")
    if if_match is not None:
        if found is None or not present:
            raise no_such_key(request["Key"])
        if not _matches(if_match, found):
            raise precondition_failed("If-Match")


def check_undisturbed(request: Request, records: Records, upload: Upload) -> None:
    """Raise ConditionalRequestConflict for a condition on a key that was put anew or deleted since the upload began."""
    condition = "If-Match" if request.get("IfMatch") is not None else "If-None-Match"
    if request.get("IfMatch") is None and request.get("IfNoneMatch") is None:
        return
    found = newest(records, request["Bucket"], request["Key"])
    if upload.disturbed or (found is not None and found.modified > upload.initiated):
        text = "The conditional request cannot succeed due to a conflicting operation against this resource."
        members = {"Condition": condition, "Key": request["Key"]}
        raise ServiceFault("ConditionalRequestConflict", text, status=409, **members)


def _not_taken(header: str, why: str) -> ServiceFault:
    text = "A header you provided implies functionality that is not implemented"
    return ServiceFault("NotImplemented", text, status=501, Header=header, additionalMessage=why)


def _matches(header: str, found: Version) -> bool:
    wanted = [one.strip().removeprefix("W/").strip('"') for one in header.split(",")]
    return "*" in wanted or found.etag in wanted


def _changed_since(when: datetime | None, found: Version) -> bool | None:
    return None if when is None else whole_second(found.modified) > when


def _not_modified(found: Version) -> ServiceFault:
    headers = {"etag": f'"{found.etag}"', "last-modified": http_date(found.modified)}
    return ServiceFault("NotModified", "Not Modified", status=304, headers=headers)

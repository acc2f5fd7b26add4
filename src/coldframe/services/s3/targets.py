"""What a bucket's website and access log configurations may say. The errors are those that AWS was recorded to answer."""

import re
from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3.records import Bucket
from coldframe.services.s3.refusals import invalid_argument, invalid_request, malformed_xml

_HOME = "us-east-1"
_MOST_RULES = 50
# What may come back of a document that is not shown, and what may send its visitor on.
_ERROR = re.compile(r"[45]\d\d").fullmatch
_REDIRECT = re.compile(r"3(?!00)\d\d").fullmatch


def check_website(configuration: Mapping[str, Any]) -> None:
    """Raise InvalidArgument, InvalidRequest or MalformedXML for a website that cannot be."""
    index, rules = configuration.get("IndexDocument"), configuration.get("RoutingRules")
    if configuration.get("RedirectAllRequestsTo") is not None:
        if index or rules or configuration.get("ErrorDocument"):
            text = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."
            raise invalid_argument(text, "RedirectAllRequestsTo", "not null")
        return
    if index is None:
        text = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise invalid_argument(text, "IndexDocument", "null")
    suffix = index.get("Suffix") or ""
    if not suffix or "/" in suffix:
        raise invalid_argument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix)
    if rules is not None and not rules:
        raise malformed_xml()
    if len(rules or []) > _MOST_RULES:
        text = f"The number of routing rules must not exceed the allowed limit of {_MOST_RULES} rules."
        raise invalid_request(text)
    for rule in rules or []:
        redirect, condition = rule.get("Redirect"), rule.get("Condition")
        if redirect is None:
            raise malformed_xml()
        if redirect.get("ReplaceKeyPrefixWith") is not None and redirect.get("ReplaceKeyWith") is not None:
            raise invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
        if condition is not None and not condition:
            text = "Condition cannot be empty. To redirect all requests without a condition, the condition element"
            raise invalid_request(f"{text} shouldn't be present.")
        _check_codes((condition or {}).get("HttpErrorCodeReturnedEquals"), redirect.get("HttpRedirectCode"))


def _check_codes(error: str | None, redirect: str | None) -> None:
    if error is not None and not _ERROR(error):
        text = f"The provided HTTP error code ({error}) is not valid. Valid codes are 4XX or 5XX."
        raise invalid_request(text)
    if redirect is not None and not _REDIRECT(redirect):
        text = f"The provided HTTP redirect code ({redirect}) is not valid. Valid codes are 3XX except 300."
        raise invalid_request(text)


def check_log_target(call: Call, bucket: Bucket, status: Mapping[str, Any]) -> None:
    """Raise the faults of access logs that would go to no bucket, or to one of another region or account."""
    wanted = status.get("LoggingEnabled")
    if not wanted:
        return
    name = wanted.get("TargetBucket") or ""
    target = call.cached(Bucket, name)
    if target is None or target.owner != bucket.owner:
        words = (
            "does not exist"
            if target is None
            else "is owned by another account than the bucket that is logged"
        )
        raise ServiceFault(
            "InvalidTargetBucketForLogging",
            f"The target bucket for logging {words}",
            status=400,
            TargetBucket=name,
        )
    if target.region != bucket.region:
        members = {"TargetBucketLocation": target.region}
        members |= {"SourceBucketLocation": bucket.region} if bucket.region != _HOME else {}
        text = "Cross S3 location logging not allowed. "
        raise ServiceFault("CrossLocationLoggingProhibitted", text, status=403, **members)

"""A bucket's configurations: put, got and deleted alike, each under a name of its own."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3.lookup import Request, bucket_of, bucket_to_change


def put(call: Call, request: Request, name: str, value: Any) -> Mapping[str, Any]:
    """Keep a configuration, in place of the one there was."""
    bucket = bucket_to_change(call, request)
    call.records.change(bucket, settings=bucket.settings | {name: value})
    return {}


def get(call: Call, request: Request, name: str, missing: tuple[str, str] | None = None) -> Any:
    """Return a configuration; without one raises the `missing` fault (code, text), or returns {} if there is none."""
    found = bucket_of(call, request).settings.get(name)
    if found is None and missing is not None:
        raise ServiceFault(*missing, status=404, BucketName=request["Bucket"])
    return found or {}


def delete(call: Call, request: Request, name: str) -> Mapping[str, Any]:
    """Forget a configuration; none is no error."""
    bucket = bucket_to_change(call, request)
    settings = {key: value for key, value in bucket.settings.items() if key != name}
    call.records.change(bucket, settings=settings)
    return {}

"""A bucket's configurations: put, got and deleted alike, each under a name of its own, or under an id of many."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3.lookup import Request, bucket_of, bucket_to_change
from coldframe.services.s3.refusals import malformed_xml

_MOST = 1000
_PAGE = 100
# With what AWS answers puts of some configurations, whatever its model says.
NO_CONTENT: Mapping[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": 204}}


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


def put_one(call: Call, request: Request, name: str, member: str) -> Mapping[str, Any]:
    """Keep one of the configurations of a name, in place of the one with its id; raises TooManyConfigurations."""
    bucket = bucket_to_change(call, request)
    configuration, identifier = request[member], request["Id"]
    if configuration.get("Id") != identifier:
        if name != "inventory":
            raise malformed_xml()
        text = "Document ID does not match the specified configuration ID."
        raise ServiceFault("IdMismatch", text, status=400)
    there = bucket.settings.get(name, {})
    if identifier not in there and len(there) >= _MOST:
        text = "You are attempting to create a new configuration but have already reached the 1,000-configuration limit."
        raise ServiceFault("TooManyConfigurations", text, status=400)
    call.records.change(bucket, settings=bucket.settings | {name: there | {identifier: configuration}})
    return NO_CONTENT


def get_one(call: Call, request: Request, name: str, member: str) -> Mapping[str, Any]:
    """Answer one of the configurations of a name; raises NoSuchConfiguration."""
    found = bucket_of(call, request).settings.get(name, {}).get(request["Id"])
    if found is None:
        raise _no_such_configuration()
    return {member: found}


def list_all(call: Call, request: Request, name: str, member: str) -> Mapping[str, Any]:
    """Answer the configurations of a name in the order of their ids, a hundred at a time."""
    there, after = bucket_of(call, request).settings.get(name, {}), request.get("ContinuationToken") or ""
    rest = sorted(identifier for identifier in there if identifier > after)
    answer: dict[str, Any] = {
        f"{member}List": [there[identifier] for identifier in rest[:_PAGE]],
        "IsTruncated": len(rest) > _PAGE,
    }
    if after:
        answer["ContinuationToken"] = after
    if len(rest) > _PAGE:
        answer["NextContinuationToken"] = rest[_PAGE - 1]
    return answer


def delete_one(call: Call, request: Request, name: str) -> Mapping[str, Any]:
    """Forget one of the configurations of a name; raises NoSuchConfiguration."""
    bucket = bucket_to_change(call, request)
    there = bucket.settings.get(name, {})
    if request["Id"] not in there:
        raise _no_such_configuration()
    left = {identifier: one for identifier, one in there.items() if identifier != request["Id"]}
    call.records.change(bucket, settings=bucket.settings | {name: left})
    return {}


def _no_such_configuration() -> ServiceFault:
    return ServiceFault("NoSuchConfiguration", "The specified configuration does not exist.", status=404)

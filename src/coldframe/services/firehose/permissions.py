"""The condition keys of requests to Firehose: the tags of the stream, and those that the request brings."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.services.firehose.records import DeliveryStream


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return nothing: the templates of service.toml name the stream of every operation that has one."""
    return []


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys of a request."""
    keys: dict[str, str | list[str]] = {}
    name = parameters.get("DeliveryStreamName")
    stream = call.cached(DeliveryStream, name) if isinstance(name, str) else None
    if stream is not None:
        keys |= {f"aws:ResourceTag/{key}": value for key, value in stream.tags.items()}
    tags = parameters.get("Tags")
    if tags:
        keys |= {f"aws:RequestTag/{tag['Key']}": tag.get("Value", "") for tag in tags}
        keys["aws:TagKeys"] = [tag["Key"] for tag in tags]
    elif parameters.get("TagKeys"):
        keys["aws:TagKeys"] = list(parameters["TagKeys"])
    return keys

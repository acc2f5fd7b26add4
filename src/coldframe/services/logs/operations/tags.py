"""Tags of log groups and of what else has an ARN, and of log groups by name as it was done before."""

from typing import TYPE_CHECKING, Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.logs import tagging
from coldframe.services.logs.lookup import group_arn, invalid, name_in
from coldframe.services.logs.records import TAGGED, LogGroup

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        ListTagsForResourceRequestTypeDef,
        ListTagsForResourceResponseTypeDef,
        ListTagsLogGroupRequestTypeDef,
        ListTagsLogGroupResponseTypeDef,
        TagLogGroupRequestTypeDef,
        TagResourceRequestTypeDef,
        UntagLogGroupRequestTypeDef,
        UntagResourceRequestTypeDef,
    )


def tag_resource(call: Call, request: "TagResourceRequestTypeDef") -> None:
    """Add tags to a resource, or change their values; at most 50."""
    arn = request["resourceArn"]
    resource = _resource(call, arn)
    call.records.change(resource, tags=tagging.added(resource.tags, request["tags"], arn))


def untag_resource(call: Call, request: "UntagResourceRequestTypeDef") -> None:
    """Remove tags from a resource."""
    resource = _resource(call, request["resourceArn"])
    tagging.check_keys(request["tagKeys"])
    call.records.change(resource, tags=tagging.without(resource.tags, request["tagKeys"]))


def list_tags_for_resource(
    call: Call, request: "ListTagsForResourceRequestTypeDef"
) -> "ListTagsForResourceResponseTypeDef":
    """Return the tags of a resource."""
    return {"tags": _resource(call, request["resourceArn"]).tags}  # type: ignore[typeddict-item]


def tag_log_group(call: Call, request: "TagLogGroupRequestTypeDef") -> None:
    """Add tags to a log group; the older form of TagResource."""
    group = call.records.get(LogGroup, request["logGroupName"])
    try:
        tags = tagging.added(group.tags, request["tags"], group_arn(call, group.name))
    except ServiceFault as fault:
        # This older operation has no error of its own for too many tags.
        raise invalid(fault.message) from fault
    call.records.change(group, tags=tags)


def untag_log_group(call: Call, request: "UntagLogGroupRequestTypeDef") -> None:
    """Remove tags from a log group; the older form of UntagResource."""
    group = call.records.get(LogGroup, request["logGroupName"])
    call.records.change(group, tags=tagging.without(group.tags, request["tags"]))


def list_tags_log_group(
    call: Call, request: "ListTagsLogGroupRequestTypeDef"
) -> "ListTagsLogGroupResponseTypeDef":
    """Return the tags of a log group; the older form of ListTagsForResource."""
    return {"tags": call.records.get(LogGroup, request["logGroupName"]).tags}  # type: ignore[typeddict-item]


def _resource(call: Call, text: str) -> Any:
    """Return the record that an ARN names; raises ResourceNotFoundException."""
    try:
        arn = arns.parse(text)
    except ValueError as error:
        raise invalid(f"Invalid resource ARN: {text}") from error
    if arn.service == "logs" and arn.resource.startswith("log-group:"):
        return call.records.get(LogGroup, name_in(call, text))
    kind, _, name = arn.resource.partition(":")
    if arn.service != "logs" or kind not in TAGGED:
        raise invalid(f"{text} is not the ARN of a log group, or of a {', '.join(sorted(TAGGED))}.")
    if (arn.account, arn.region) != (call.account, call.region):
        raise ServiceFault("ResourceNotFoundException", "The specified resource does not exist.")
    return call.records.get(TAGGED[kind], name)

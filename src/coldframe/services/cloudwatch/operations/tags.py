"""Tags of alarms, mute rules, dashboards, Contributor Insights rules and metric streams."""

from typing import TYPE_CHECKING

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.cloudwatch import answers, tagging
from coldframe.services.cloudwatch.alarm_records import Alarm, AlarmMuteRule
from coldframe.services.cloudwatch.dashboard_records import Dashboard, InsightRule, QueryDefinition
from coldframe.services.cloudwatch.stream_records import MetricStream

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        ListTagsForResourceInputTypeDef,
        ListTagsForResourceOutputTypeDef,
        TagResourceInputTypeDef,
        UntagResourceInputTypeDef,
    )

Tagged = Alarm | AlarmMuteRule | Dashboard | InsightRule | MetricStream | QueryDefinition
_KINDS: dict[str, type[Tagged]] = {
    "alarm:": Alarm,
    "alarm-mute-rule:": AlarmMuteRule,
    "dashboard/": Dashboard,
    "insight-rule/": InsightRule,
    "metric-stream/": MetricStream,
    "metric-query-definition/": QueryDefinition,
}


def tag_resource(call: Call, request: "TagResourceInputTypeDef") -> None:
    """Put tags to a resource; a key that it has gets the new value."""
    row = _find(call, request["ResourceARN"])
    call.records.change(row, tags=tagging.checked(request["Tags"], row.tags))


def untag_resource(call: Call, request: "UntagResourceInputTypeDef") -> None:
    """Take tags from a resource; keys that it does not have are passed over."""
    row = _find(call, request["ResourceARN"])
    keys = set(request["TagKeys"])
    call.records.change(row, tags={key: value for key, value in row.tags.items() if key not in keys})


def list_tags_for_resource(
    call: Call, request: "ListTagsForResourceInputTypeDef"
) -> "ListTagsForResourceOutputTypeDef":
    """Return a resource's tags; an alarm that is not there has none, as at AWS."""
    kind, row = _look(call, request["ResourceARN"])
    if row is None and kind is not Alarm:
        raise _missing(request["ResourceARN"])
    return {"Tags": answers.tag_list(row.tags if row is not None else {})}  # type: ignore[typeddict-item]


def _find(call: Call, text: str) -> Tagged:
    _, row = _look(call, text)
    if row is None:
        raise _missing(text)
    return row


def _missing(text: str) -> ServiceFault:
    return ServiceFault("ResourceNotFoundException", f"{text} does not exist.")


def _look(call: Call, text: str) -> tuple[type[Tagged], Tagged | None]:
    """Return what kind of resource an ARN names, and the resource if it is there."""
    try:
        arn = arns.parse(text)
    except ValueError:
        raise ServiceFault("InvalidParameterValueException", f"{text} is not an ARN.") from None
    kind = next((prefix for prefix in _KINDS if arn.resource.startswith(prefix)), None)
    if arn.service != "cloudwatch" or kind is None:
        raise ServiceFault(
            "InvalidParameterValueException", f"{text} is not the ARN of something that can be tagged."
        )
    here = arn.account == call.account and arn.region in (
        {"", call.region} if kind == "dashboard/" else {call.region}
    )
    row = call.records.find(_KINDS[kind], arn.resource.removeprefix(kind)) if here else None
    return _KINDS[kind], row

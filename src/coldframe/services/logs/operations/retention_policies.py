"""Retention: after how many days the events of a log group are deleted."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import LogGroup
from coldframe.services.logs.retention import DAYS

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteRetentionPolicyRequestTypeDef,
        PutRetentionPolicyRequestTypeDef,
    )


def put_retention_policy(call: Call, request: "PutRetentionPolicyRequestTypeDef") -> None:
    """Set the retention of a group; older events are no longer read at once, and deleted within the hour."""
    days = request["retentionInDays"]
    if days not in DAYS:
        raise invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must"
            f" satisfy enum value set: [{', '.join(map(str, DAYS))}]"
        )
    call.records.change(_changeable(call, request["logGroupName"]), retention_days=days)


def delete_retention_policy(call: Call, request: "DeleteRetentionPolicyRequestTypeDef") -> None:
    """Keep the events of a group forever, except those already deleted."""
    call.records.change(_changeable(call, request["logGroupName"]), retention_days=None)


def _changeable(call: Call, name: str) -> LogGroup:
    group = call.records.get(LogGroup, name)
    if group.group_class == "DELIVERY":
        raise invalid(
            "Log groups of the Delivery class keep their events for one day; this cannot be changed."
        )
    return group

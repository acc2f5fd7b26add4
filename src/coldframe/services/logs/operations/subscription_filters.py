"""Subscription filters: events that match go on to a log group or a destination, masked."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs.filtering import compiled, standard_group
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import group_arn, invalid
from coldframe.services.logs.records import LogGroup, SubscriptionFilter
from coldframe.services.logs.subscribing import check_destination, check_role
from coldframe.services.logs.transforming import on_transformed

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteSubscriptionFilterRequestTypeDef,
        DescribeSubscriptionFiltersRequestTypeDef,
        DescribeSubscriptionFiltersResponseTypeDef,
        PutSubscriptionFilterRequestTypeDef,
    )

MOST_FILTERS = 2


def put_subscription_filter(call: Call, request: "PutSubscriptionFilterRequestTypeDef") -> None:
    """Create a subscription filter, or replace the one of its name; a group has two at most."""
    records = call.records
    group = standard_group(call, request["logGroupName"], "subscription filters")
    transformed = on_transformed(call, request, group)
    if request.get("fieldSelectionCriteria") or request.get("emitSystemFields"):
        raise NotBuilt(
            "System fields of centralized logs (@aws.account, @aws.region) are not built in coldframe."
        )
    compiled(request["filterPattern"])
    name = request["filterName"]
    present = records.find(SubscriptionFilter, group.name, name)
    if present is None and records.count(SubscriptionFilter, key_prefix=(group.name,)) >= MOST_FILTERS:
        raise ServiceFault("LimitExceededException", "Resource limit exceeded.")
    target = check_destination(call, request["destinationArn"])
    if target == group_arn(call, group.name):
        raise invalid("A log group cannot be the destination of its own subscription filter.")
    role = request.get("roleArn", "")
    if role:
        check_role(call, role)
    records.put(
        SubscriptionFilter(
            group=group.name,
            name=name,
            pattern=request["filterPattern"],
            destination=request["destinationArn"],
            created=call.now if present is None else present.created,
            role=role,
            distribution=request.get("distribution", "ByLogStream"),
            on_transformed=transformed,
        )
    )


def delete_subscription_filter(call: Call, request: "DeleteSubscriptionFilterRequestTypeDef") -> None:
    """Delete a subscription filter."""
    group = call.records.get(LogGroup, request["logGroupName"])
    call.records.remove(call.records.get(SubscriptionFilter, group.name, request["filterName"]))


def describe_subscription_filters(
    call: Call, request: "DescribeSubscriptionFiltersRequestTypeDef"
) -> "DescribeSubscriptionFiltersResponseTypeDef":
    """Return a page of a group's subscription filters by name."""
    group = call.records.get(LogGroup, request["logGroupName"])
    prefix, limit = request.get("filterNamePrefix"), request.get("limit", MOST)
    after = call.page(request.get("nextToken"))
    rows = call.records.list(
        SubscriptionFilter,
        key_prefix=(group.name,),
        starts_with=("name", prefix) if prefix else None,
        after=None if after is None else (group.name, after),
        limit=limit + 1,
    )
    shown, token = page(call, rows, limit, lambda row: row.name)
    return {"subscriptionFilters": [_description(row) for row in shown], **token}  # type: ignore[typeddict-item]


def _description(row: SubscriptionFilter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "filterName": row.name,
        "logGroupName": row.group,
        "filterPattern": row.pattern,
        "destinationArn": row.destination,
        "distribution": row.distribution,
        "applyOnTransformedLogs": row.on_transformed,
        "creationTime": row.created,
    }
    if row.role:
        described["roleArn"] = row.role
    return described

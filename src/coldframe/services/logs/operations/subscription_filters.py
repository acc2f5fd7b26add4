"""Subscription filters: events that match go on to a log group, a delivery stream or a destination, masked."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.core.records import Records
from coldframe.services.logs.filtering import check_class, compiled, standard_group
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import cached_group, group_arn, invalid
from coldframe.services.logs.records import LogGroup, SubscriptionFilter
from coldframe.services.logs.subscribing import check_destination
from coldframe.services.logs.transforming import on_transformed

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteSubscriptionFilterRequestTypeDef,
        DescribeSubscriptionFiltersRequestTypeDef,
        DescribeSubscriptionFiltersResponseTypeDef,
        PutSubscriptionFilterRequestTypeDef,
    )

MOST_FILTERS = 2
_FEATURE = "subscription filters"


def put_subscription_filter(call: Call, request: "PutSubscriptionFilterRequestTypeDef") -> None:
    """Create a subscription filter, or replace the one of its name; a group has two at most."""
    name, role = request["filterName"], request.get("roleArn", "")
    check_class(cached_group(call, request["logGroupName"]), _FEATURE)
    if request.get("fieldSelectionCriteria") or request.get("emitSystemFields"):
        raise NotBuilt(
            "System fields of centralized logs (@aws.account, @aws.region) are not built in coldframe."
        )
    compiled(request["filterPattern"])
    with call.installation.store.read() as transaction:
        _present(transaction.records(call.account, call.region), request["logGroupName"], name)
    # Other services write in transactions of their own, so this comes before ours is opened.
    target = check_destination(call, request["destinationArn"], role, request["logGroupName"])
    if target.arn == group_arn(call, request["logGroupName"]):
        raise invalid("A log group cannot be the destination of its own subscription filter.")
    records = call.records
    group = standard_group(call, request["logGroupName"], _FEATURE)
    present = _present(records, group.name, name)
    records.put(
        SubscriptionFilter(
            group=group.name,
            name=name,
            pattern=request["filterPattern"],
            destination=request["destinationArn"],
            created=call.now if present is None else present.created,
            role=role,
            distribution=request.get("distribution", "ByLogStream"),
            on_transformed=on_transformed(call, request, group),
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


def _present(records: Records, group: str, name: str) -> SubscriptionFilter | None:
    """Return the filter of a name, None where there is none yet; raises LimitExceededException where none fits in."""
    present = records.find(SubscriptionFilter, group, name)
    if present is None and records.count(SubscriptionFilter, key_prefix=(group,)) >= MOST_FILTERS:
        raise ServiceFault("LimitExceededException", "Resource limit exceeded.")
    return present


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

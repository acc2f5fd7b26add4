"""Events: described, and sent to topics by subscriptions."""

from datetime import timedelta
from typing import Any

from coldframe.core import arns as names_of_resources
from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Record
from coldframe.services.rds import arns, events, names, pages, quotas, tagging
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import (
    Cluster,
    ClusterSnapshot,
    Deployment,
    Event,
    EventSubscription,
    Instance,
    ParameterGroup,
    Snapshot,
)
from coldframe.services.rds.times import milliseconds, moment

# What events are of, as records: one that is not there, and that nothing is told of, is not found.
_SOURCES: dict[str, tuple[type[Record], tuple[str, ...]]] = {
    "db-instance": (Instance, ()),
    "db-snapshot": (Snapshot, ()),
    "db-parameter-group": (ParameterGroup, ("instance",)),
    "db-cluster": (Cluster, ()),
    "db-cluster-snapshot": (ClusterSnapshot, ()),
    "blue-green-deployment": (Deployment, ()),
}
_HOUR = 60
_MOST_MINUTES = 20_160


def describe_events(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of events of the last hour, or of the time asked for, oldest first."""
    begin, end = _span(call, request)
    source, kind = request.get("SourceIdentifier"), request.get("SourceType")
    if source and not kind:
        raise bad_combination("Cannot specify source identifier without source type")
    wanted = set(request.get("EventCategories") or ())
    if source and kind in _SOURCES and not call.records.list(Event, where={"source": source.lower()}):
        record, prefix = _SOURCES[kind]
        call.records.get(record, *prefix, source.lower())
    rows = [
        row
        for row in call.records.list(Event)
        if begin <= row.at <= end
        and kind in {None, row.kind}
        and (not source or row.source == source.lower())
        and (not wanted or wanted & set(row.categories))
    ]
    page, marker = pages.page(call, request, rows, lambda row: (row.at, row.id))
    return {
        "Events": [
            {
                "SourceIdentifier": row.source,
                "SourceType": row.kind,
                "Message": row.message,
                "EventCategories": row.categories,
                "Date": moment(row.at),
                "SourceArn": row.arn,
            }
            for row in page
        ],
        **marker,
    }


def describe_event_categories(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the categories of one kind of source, or of all."""
    known = events.table()["categories"]
    kind = request.get("SourceType")
    if kind is not None and kind not in known:
        raise bad_value(f"Invalid source type: {kind}")
    return {
        "EventCategoriesMapList": [
            {"SourceType": each, "EventCategories": categories}
            for each, categories in known.items()
            if kind in {None, each}
        ]
    }


def create_event_subscription(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Have events sent to a topic."""
    name = names.identifier(request["SubscriptionName"], "SubscriptionName", longest=255)
    if call.records.find(EventSubscription, name) is None:
        quotas.within("EventSubscriptions", call.records.count(EventSubscription))
    kind, sources = request.get("SourceType") or "", request.get("SourceIds") or []
    if sources and not kind:
        raise bad_combination("SourceIds needs SourceType.")
    row = EventSubscription(
        name=name,
        topic=_topic(call, request["SnsTopicArn"]),
        created=call.now,
        kind=_kind(kind),
        categories=_categories(kind, request.get("EventCategories")),
        sources=[_source(call, kind, each) for each in sources],
        enabled=request.get("Enabled") is not False,
        tags=tagging.of_new(call, request.get("Tags"), arns.made(call.account, call.region, "es", name)),
    )
    call.records.add(row)
    return {"EventSubscription": _changing(call, row, "creating")}


def describe_event_subscriptions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one subscription, or a page of all."""
    named = request.get("SubscriptionName")
    rows = (
        [call.records.get(EventSubscription, named.lower())]
        if named
        else call.records.list(EventSubscription)
    )
    page, marker = pages.page(call, request, rows, lambda row: row.name)
    return {"EventSubscriptionsList": [_answer(call, row) for row in page], **marker}


def modify_event_subscription(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change where events go, or which."""
    row = call.records.get(EventSubscription, request["SubscriptionName"].lower())
    fields: dict[str, Any] = {}
    if request.get("SnsTopicArn"):
        fields["topic"] = _topic(call, request["SnsTopicArn"])
    if request.get("SourceType") is not None:
        fields["kind"] = _kind(request["SourceType"])
    if request.get("EventCategories") is not None:
        fields["categories"] = _categories(fields.get("kind", row.kind), request["EventCategories"])
    if request.get("Enabled") is not None:
        fields["enabled"] = request["Enabled"]
    return {"EventSubscription": _changing(call, call.records.change(row, **fields), "modifying")}


def delete_event_subscription(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """End a subscription."""
    row = call.records.get(EventSubscription, request["SubscriptionName"].lower())
    call.records.remove(row)
    return {"EventSubscription": {**_answer(call, row), "Status": "deleting"}}


def add_source_identifier_to_subscription(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Have a subscription send the events of one more source."""
    row = call.records.get(EventSubscription, request["SubscriptionName"].lower())
    if not row.kind:
        raise bad_combination(
            "The subscription has no SourceType, so that it sends the events of every source."
        )
    added = _source(call, row.kind, request["SourceIdentifier"])
    sources = list(dict.fromkeys([*row.sources, added]))
    row = call.records.change(row, sources=sources)
    return {"EventSubscription": _changing(call, row, "modifying")}


def remove_source_identifier_from_subscription(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Have a subscription no longer send the events of a source."""
    row = call.records.get(EventSubscription, request["SubscriptionName"].lower())
    source = request["SourceIdentifier"].lower()
    if source not in row.sources:
        raise ServiceFault("SourceNotFoundFault", f"Source {source} is not in the subscription {row.name}.")
    sources = [each for each in row.sources if each != source]
    row = call.records.change(row, sources=sources)
    return {"EventSubscription": _changing(call, row, "modifying")}


def _span(call: Call, request: dict[str, Any]) -> tuple[int, int]:
    begin, end, minutes = request.get("StartTime"), request.get("EndTime"), request.get("Duration")
    if minutes is not None and (begin or end):
        raise bad_combination("Duration can't be specified with StartTime or EndTime.")
    if minutes is not None and not 0 < minutes <= _MOST_MINUTES:
        raise bad_value(f"Duration must be from 1 to {_MOST_MINUTES} minutes.")
    last = milliseconds(end) if end else call.now
    if begin:
        first = milliseconds(begin)
        if first > last:
            raise bad_combination("StartTime must be before EndTime.")
        if first < call.now - events.KEPT:
            raise bad_value("StartTime must be within the last 14 days.")
        return first, last
    return last - int(timedelta(minutes=minutes or _HOUR).total_seconds() * 1000), last


def _source(call: Call, kind: str, name: str) -> str:
    """Return the identifier of a source of events as it is kept; raises SourceNotFoundFault."""
    identifier = name.lower()
    if kind in _SOURCES:
        record, prefix = _SOURCES[kind]
        if call.records.find(record, *prefix, identifier) is None:
            raise ServiceFault("SourceNotFoundFault", f"Source {name} could not be found.")
    return identifier


def _topic(call: Call, text: str) -> str:
    try:
        arn = names_of_resources.parse(text)
    except ValueError:
        raise ServiceFault("SNSInvalidTopicFault", f"Invalid topic: {text}") from None
    if arn.service != "sns":
        raise ServiceFault("SNSInvalidTopicFault", f"Invalid topic: {text}")
    if (arn.account, arn.region) != (call.account, call.region):
        # What another account lets RDS do is seen when there is something to send.
        return text
    try:
        call.client("sns").get_topic_attributes(TopicArn=text)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFound":
            raise ServiceFault("SNSTopicArnNotFoundFault", f"SNS topic {text} does not exist") from None
        raise ServiceFault(
            "SNSNoAuthorizationFault", f"You do not have permission to publish to the SNS topic {text}"
        ) from None
    return text


def _kind(kind: str) -> str:
    if kind and kind not in events.table()["categories"]:
        raise ServiceFault("SourceNotFoundFault", f"The source type '{kind}' is not valid.")
    return kind


def _categories(kind: str, given: list[str] | None) -> list[str]:
    table = events.table()["categories"]
    known = {each for name, categories in table.items() for each in categories if not kind or name == kind}
    wanted = [each.lower() for each in given or ()]
    for each in wanted:
        if each not in known:
            raise ServiceFault(
                "SubscriptionCategoryNotFoundFault", f"The event category '{each}' is not valid."
            )
    return wanted


def _answer(call: Call, row: EventSubscription) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "CustomerAwsId": call.account,
        "CustSubscriptionId": row.name,
        "SnsTopicArn": row.topic,
        "Status": "active",
        "SubscriptionCreationTime": f"{moment(row.created):%Y-%m-%d %H:%M:%S.%f}"[:-3],
        "Enabled": row.enabled,
        "EventSubscriptionArn": arns.made(call.account, call.region, "es", row.name),
    }
    told = {"SourceType": row.kind, "SourceIdsList": row.sources, "EventCategoriesList": row.categories}
    return answer | {name: value for name, value in told.items() if value}


def _changing(call: Call, row: EventSubscription, status: str) -> dict[str, Any]:
    """Return a subscription as the call that changes it tells of it: on its way, its time written otherwise."""
    created = f"{moment(row.created):%a %b %d %H:%M:%S UTC %Y}"
    return {**_answer(call, row), "Status": status, "SubscriptionCreationTime": created}

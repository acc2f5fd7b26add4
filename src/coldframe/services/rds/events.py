"""Events of RDS: recorded for fourteen days, and sent to the topics of those who subscribed."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from coldframe.core import ids
from coldframe.core.records import Records
from coldframe.services.rds import arns
from coldframe.services.rds.clusters.records import Cluster, ClusterSnapshot
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import (
    Deployment,
    Event,
    EventSubscription,
    Instance,
    ParameterGroup,
    Snapshot,
)

KEPT = 14 * 86_400_000
Subject = Instance | Snapshot | ParameterGroup | Deployment | Cluster | ClusterSnapshot


@cache
def table() -> dict[str, Any]:
    """Return the kinds of sources with their categories, and the known events by name."""
    text = files("coldframe.services.rds").joinpath("events.toml").read_text("utf-8")
    return tomllib.loads(text)


def tell(records: Records, messenger: Messenger, subject: Subject, name: str, **words: object) -> None:
    """Record the event of this name about a resource, and have it sent once the transaction commits."""
    number, categories, text = table()["events"][name]
    kind, arn_kind, source = _named(subject)
    now = messenger.now()
    # Those of one moment are told in the order in which they happened.
    before = records.count(Event, where={"at": now})
    row = Event(
        at=now,
        id=f"{before:04x}{ids.hexadecimal(8)}",
        source=source,
        kind=kind,
        arn=arns.made(records.account, records.region, arn_kind, source),
        message=text.format(**words),
        categories=list(categories),
    )
    records.add(row)
    for subscription in records.list(EventSubscription):
        if subscription.enabled and _wanted(subscription, row):
            messenger.announce(records, subscription.topic, row, number)


def _named(subject: Subject) -> tuple[str, arns.Kind, str]:
    if isinstance(subject, Instance):
        return "db-instance", "db", subject.identifier
    if isinstance(subject, Snapshot):
        return "db-snapshot", "snapshot", subject.identifier
    if isinstance(subject, ParameterGroup):
        return "db-parameter-group", "pg", subject.name
    if isinstance(subject, Cluster):
        return "db-cluster", "cluster", subject.identifier
    if isinstance(subject, ClusterSnapshot):
        return "db-cluster-snapshot", "cluster-snapshot", subject.identifier
    return "blue-green-deployment", "deployment", subject.id


def _wanted(subscription: EventSubscription, event: Event) -> bool:
    if subscription.kind and subscription.kind != event.kind:
        return False
    if subscription.sources and event.source not in subscription.sources:
        return False
    return not subscription.categories or bool(set(subscription.categories) & set(event.categories))

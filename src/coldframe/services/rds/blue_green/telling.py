"""What a switchover says of itself: statuses of the deployment, its members and their instances, and AWS's events."""

from typing import Any

from msgspec.structs import replace

from coldframe.core.records import Records
from coldframe.services.rds import events
from coldframe.services.rds.blue_green import guardrails, members, standing
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment, Instance

_ROLES = {"primary": "primary", "replica": "read replica"}


def begin(records: Records, messenger: Messenger, deployment: str) -> str:
    """Take the instances in hand and say so; returns why not, if something else has one of them in hand."""
    found = members.sides(records, deployment)
    if why := guardrails.busy(records, found):
        return why
    _take(records, found, "available", "modifying")
    status = "SWITCHOVER_IN_PROGRESS"
    row = standing.set_status(records, deployment, status, members=status)
    events.tell(records, messenger, row, "switchover_started", **_all_words(found)[0])
    for words in _all_words(found):
        events.tell(records, messenger, row, "pair_started", **words)
    if row.logical:
        events.tell(records, messenger, row, "sequences_started", **_words(found.primary))
    return ""


def cancel(records: Records, messenger: Messenger, deployment: str, why: str) -> None:
    """Say that guardrails kept a switchover from beginning."""
    details = f"Switchover was canceled due to {why}"
    row = standing.set_status(records, deployment, "AVAILABLE", details=details, members="AVAILABLE")
    if row.logical and why.startswith(guardrails.UNSUPPORTED):
        degrade(records, messenger, deployment, why.partition(f". {members.WAY_OUT}")[0])
    _canceled(records, messenger, deployment, why)


def rolled_back(
    records: Records, messenger: Messenger, deployment: str, reason: str, left: list[str]
) -> None:
    """Say that a switchover has been undone, why, and what of it is left."""
    _let_go(records, deployment)
    details = "; ".join([f"The switchover was rolled back: {reason}", *left])
    row = standing.set_status(
        records, deployment, "SWITCHOVER_FAILED", details=details, members="SWITCHOVER_FAILED"
    )
    if guardrails.UNSUPPORTED in reason:
        said = reason[reason.index(guardrails.UNSUPPORTED) :]
        degrade(records, messenger, deployment, said.partition(f". {members.WAY_OUT}")[0])
    elif row.logical and reason.startswith("bring over what replication does not carry"):
        words = _words(members.sides(records, deployment).primary)
        events.tell(records, messenger, row, "sequences_failed", **words)
    _canceled(records, messenger, deployment, reason)


def complete(records: Records, messenger: Messenger, deployment: str, told: dict[str, Any]) -> None:
    """Say that green is the primary, how long writers paused, and where its binary log stood."""
    found = members.sides(records, deployment)
    _let_go(records, deployment)
    status = "SWITCHOVER_COMPLETED"
    row = standing.set_status(records, deployment, status, members=status)
    primary = found.primary
    if row.logical:
        words = {"source": primary.green.identifier, "target": told["names"][primary.green.resource_id]}
        events.tell(records, messenger, row, "sequences_synced", **words)
    for role, blue, green in _all(found):
        words = {
            "role": role,
            "source": green.identifier,
            "target": told["names"][green.resource_id],
            "old": blue.identifier,
        }
        events.tell(records, messenger, row, "pair_completed", **words)
    events.tell(records, messenger, row, "switchover_completed")
    paused = {"pause": told["paused"] * 1000, "held": told["held"], "cut": told["cut"]}
    events.tell(records, messenger, row, "cuts", **paused)
    if told["coordinates"]:
        file, position = told["coordinates"]
        before = replace(primary.green, identifier=told["names"][primary.green.resource_id])
        events.tell(records, messenger, before, "coordinates", file=file, position=position)


def degrade(records: Records, messenger: Messenger, deployment: str, why: str) -> None:
    """Say, once, that blue was changed in a way that green does not get: the deployment cannot be switched over any more."""
    row = records.find(Deployment, deployment)
    if row is None or row.degraded or row.status in members.OVER:
        return
    row = records.change(row, degraded=why)
    events.tell(records, messenger, row, "replication_degraded", said=standing.degraded(why))


def _canceled(records: Records, messenger: Messenger, deployment: str, why: str) -> None:
    row = records.get(Deployment, deployment)
    for words in _all_words(members.sides(records, deployment)):
        events.tell(records, messenger, row, "pair_canceled", **words, reason=why.rstrip("."))
    events.tell(records, messenger, row, "switchover_canceled")


def _let_go(records: Records, deployment: str) -> None:
    _take(records, members.sides(records, deployment), "modifying", "available")


def _take(records: Records, found: members.Sides, before: str, after: str) -> None:
    """Give everything of a deployment that has one status another one."""
    for pair in found.pairs:
        for instance in (pair.blue, pair.green):
            if instance.status == before:
                records.change(instance, status=after)
    if found.clusters is None:
        return
    for cluster in (found.clusters.blue, found.clusters.green):
        if cluster.status == before:
            records.change(cluster, status=after)
        for instance in clusters.members(records, cluster):
            # Those that have no counterpart, or whose counterpart is gone.
            if instance.status == before:
                records.change(instance, status=after)


def _all(found: members.Sides) -> list[tuple[str, Instance | Cluster, Instance | Cluster]]:
    """Return what changes hands, with the word for what it is: the clusters first, then instances."""
    both = found.clusters
    first: list[tuple[str, Instance | Cluster, Instance | Cluster]]
    first = [("DB cluster", both.blue, both.green)] if both is not None else []
    return [*first, *((_ROLES[pair.role], pair.blue, pair.green) for pair in found.pairs)]


def _all_words(found: members.Sides) -> list[dict[str, str]]:
    return [
        {"role": role, "source": blue.identifier, "target": green.identifier}
        for role, blue, green in _all(found)
    ]


def _words(pair: members.Pair) -> dict[str, str]:
    return {
        "role": _ROLES[pair.role],
        "source": pair.blue.identifier,
        "target": pair.green.identifier,
    }

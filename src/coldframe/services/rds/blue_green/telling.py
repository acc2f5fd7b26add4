"""What a switchover says of itself: statuses of the deployment, its members and their instances, and AWS's events."""

from typing import Any

from msgspec.structs import replace

from coldframe.core.records import Records
from coldframe.services.rds import events
from coldframe.services.rds.blue_green import guardrails, members
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment

_ROLES = {"primary": "primary", "replica": "read replica"}


def begin(records: Records, messenger: Messenger, deployment: str) -> str:
    """Take the instances in hand and say so; returns why not, if something else has one of them in hand."""
    pairs = members.pairs(records, deployment)
    for pair in pairs:
        for instance in (pair.blue, pair.green):
            if why := guardrails.member_state(instance):
                return why
    for pair in pairs:
        for instance in (pair.blue, pair.green):
            records.change(instance, status="modifying")
    status = "SWITCHOVER_IN_PROGRESS"
    row = members.set_status(records, deployment, status, members=status)
    events.tell(records, messenger, row, "switchover_started", **_words(members.primary(pairs)))
    for pair in pairs:
        events.tell(records, messenger, row, "pair_started", **_words(pair))
    if row.logical:
        events.tell(records, messenger, row, "sequences_started", **_words(members.primary(pairs)))
    return ""


def cancel(records: Records, messenger: Messenger, deployment: str, why: str) -> None:
    """Say that guardrails kept a switchover from beginning."""
    details = f"Switchover was canceled due to {why}"
    row = members.set_status(records, deployment, "AVAILABLE", details=details, members="AVAILABLE")
    if row.logical and why.startswith(guardrails.UNSUPPORTED):
        degrade(records, messenger, deployment, why.partition(f". {members.WAY_OUT}")[0])
    _canceled(records, messenger, deployment, why)


def rolled_back(
    records: Records, messenger: Messenger, deployment: str, reason: str, left: list[str]
) -> None:
    """Say that a switchover has been undone, why, and what of it is left."""
    _let_go(records, deployment)
    details = "; ".join([f"The switchover was rolled back: {reason}", *left])
    row = members.set_status(
        records, deployment, "SWITCHOVER_FAILED", details=details, members="SWITCHOVER_FAILED"
    )
    if guardrails.UNSUPPORTED in reason:
        said = reason[reason.index(guardrails.UNSUPPORTED) :]
        degrade(records, messenger, deployment, said.partition(f". {members.WAY_OUT}")[0])
    elif row.logical and reason.startswith("bring over what replication does not carry"):
        words = _words(members.primary(members.pairs(records, deployment)))
        events.tell(records, messenger, row, "sequences_failed", **words)
    _canceled(records, messenger, deployment, reason)


def complete(records: Records, messenger: Messenger, deployment: str, told: dict[str, Any]) -> None:
    """Say that green is the primary, how long writers paused, and where its binary log stood."""
    pairs = members.pairs(records, deployment)
    _let_go(records, deployment)
    status = "SWITCHOVER_COMPLETED"
    row = members.set_status(records, deployment, status, members=status)
    primary = members.primary(members.pairs(records, deployment))
    if row.logical:
        words = {"source": primary.green.identifier, "target": told["names"][primary.green.resource_id]}
        events.tell(records, messenger, row, "sequences_synced", **words)
    for pair in pairs:
        words = {
            "role": _ROLES[pair.role],
            "source": pair.green.identifier,
            "target": told["names"][pair.green.resource_id],
            "old": pair.blue.identifier,
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
    events.tell(records, messenger, row, "replication_degraded", said=members.degraded(why))


def _canceled(records: Records, messenger: Messenger, deployment: str, why: str) -> None:
    row = records.get(Deployment, deployment)
    for pair in members.pairs(records, deployment):
        events.tell(records, messenger, row, "pair_canceled", **_words(pair), reason=why.rstrip("."))
    events.tell(records, messenger, row, "switchover_canceled")


def _let_go(records: Records, deployment: str) -> None:
    for pair in members.pairs(records, deployment):
        for instance in (pair.blue, pair.green):
            if instance.status == "modifying":
                records.change(instance, status="available")


def _words(pair: members.Pair) -> dict[str, str]:
    return {
        "role": _ROLES[pair.role],
        "source": pair.blue.identifier,
        "target": pair.green.identifier,
    }

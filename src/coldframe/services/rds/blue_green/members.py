"""The members of a deployment: pairs of a blue and a green instance, and the deployment's statuses and tasks."""

from typing import Any, Literal

import msgspec

from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.services.rds import arns, lookup
from coldframe.services.rds.answers import tag_list
from coldframe.services.rds.records import Deployment, Instance, Member
from coldframe.services.rds.times import moment

REPLICA = "CREATING_READ_REPLICA_OF_SOURCE"
UPGRADE = "DB_ENGINE_VERSION_UPGRADE"
BACKUPS = "CONFIGURE_BACKUPS"
TOPOLOGY = "CREATING_TOPOLOGY_OF_SOURCE"
# What is left to do with a deployment whose replication is degraded.
WAY_OUT = "Switchover isn't available. Delete the blue/green deployment with its green databases, and create it again"
Role = Literal["primary", "replica"]


# Statuses in which a deployment has nothing more to do with its instances.
OVER = frozenset({"SWITCHOVER_COMPLETED", "DELETING"})


class Pair(msgspec.Struct, frozen=True):
    """A pair of instances as they are now."""

    blue: Instance
    green: Instance
    role: Role = "replica"


def pairs(records: Records, deployment: str) -> list[Pair]:
    """Return the pairs of a deployment, primaries first; a replica whose other half was deleted is in none.

    Raises DBInstanceNotFoundFault when one of the primaries is gone.
    """
    found = []
    for member in sorted(records.get(Deployment, deployment).members, key=lambda each: each.role):
        look = lookup.expect if member.role == "primary" else lookup.by_resource
        blue, green = look(records, member.source), look(records, member.target)
        if blue is not None and green is not None:
            found.append(Pair(blue, green, member.role))
    return found


def primary(found: list[Pair]) -> Pair:
    """Return the pair of primaries."""
    return next(pair for pair in found if pair.role == "primary")


def deployment_of(records: Records, resource_id: str) -> Deployment | None:
    """Return the deployment that an instance is a member of, if it is not over."""
    for row in records.list(Deployment):
        if row.status not in OVER and any(
            resource_id in {member.source, member.target} for member in row.members
        ):
            return row
    return None


def is_green_primary(records: Records, instance: Instance) -> bool:
    """Tell whether an instance is the primary of a green side, which may have read replicas of its own."""
    row = deployment_of(records, instance.resource_id)
    return row is not None and any(
        member.role == "primary" and member.target == instance.resource_id for member in row.members
    )


def set_status(
    records: Records, deployment: str, status: str, *, details: str = "", members: str = ""
) -> Deployment:
    """Give a deployment (and, where said, all its members) another status; returns it."""
    row = records.get(Deployment, deployment)
    found = [msgspec.structs.replace(member, status=members or member.status) for member in row.members]
    return records.change(row, status=status, details=details, members=found)


def set_task(records: Records, deployment: str, task: str, status: str) -> None:
    """Give one task of a deployment another status, if it has this task."""
    row = records.get(Deployment, deployment)
    records.change(row, tasks=[(name, status if name == task else old) for name, old in row.tasks])


def answer(call: Call, row: Deployment) -> dict[str, Any]:
    """Return a BlueGreenDeployment; members that are gone are said to be missing."""
    details = [_member(call, member) for member in row.members]
    status, said = standing(call.records, row)
    answered: dict[str, Any] = {
        "BlueGreenDeploymentIdentifier": row.id,
        "BlueGreenDeploymentName": row.name,
        "Status": status,
        "CreateTime": moment(row.created),
        "SwitchoverDetails": details,
        "Tasks": [{"Name": name, "Status": status} for name, status in row.tasks],
        "TagList": tag_list(row.tags),
    }
    if details:
        answered["Source"] = details[0]["SourceMember"]
        answered["Target"] = details[0].get("TargetMember", "")
    if said:
        answered["StatusDetails"] = said
    if row.deleted:
        answered["DeleteTime"] = moment(row.deleted)
    return answered


def standing(records: Records, row: Deployment) -> tuple[str, str]:
    """Return the status of a deployment and its details, which follow from its members where these were changed under it."""
    if row.status in OVER or row.status == "SWITCHOVER_IN_PROGRESS":
        return row.status, row.details
    for member in row.members:
        blue, green = (lookup.by_resource(records, each) for each in (member.source, member.target))
        if member.role == "primary" and (blue is None or green is None):
            gone = "source" if blue is None else "target"
            return "INVALID_CONFIGURATION", f"The {gone} DB instance was deleted"
        if green is not None and not green.source:
            return (
                "INVALID_CONFIGURATION",
                f"DB instance {green.identifier} was promoted and follows no longer",
            )
    # That its replication is degraded is more than what else there is to say.
    return row.status, degraded(row.degraded) if row.degraded else row.details


def degraded(why: str) -> str:
    """Return what StatusDetails say of a deployment whose replication is degraded."""
    return f"Replication degraded: {why}. {WAY_OUT}"


def _member(call: Call, member: Member) -> dict[str, Any]:
    blue = lookup.by_resource(call.records, member.source)
    green = lookup.by_resource(call.records, member.target)
    status = member.status
    if blue is None:
        status = "MISSING_SOURCE"
    elif green is None:
        status = "MISSING_TARGET"

    def arn(found: Instance | None, remembered: str) -> str:
        return (
            arns.made(call.account, call.region, "db", found.identifier) if found is not None else remembered
        )

    return {
        "SourceMember": arn(blue, member.source_arn),
        "TargetMember": arn(green, member.target_arn),
        "Status": status,
    }

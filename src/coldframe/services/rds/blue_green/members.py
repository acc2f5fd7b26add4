"""The members of a deployment: pairs of a blue and a green instance, and the deployment's statuses and tasks."""

from typing import Any

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


class Pair(msgspec.Struct, frozen=True):
    """A pair of instances as they are now."""

    blue: Instance
    green: Instance


def pairs(records: Records, deployment: str) -> list[Pair]:
    """Return the pairs of a deployment, primaries first; raises DBInstanceNotFoundFault when one of them is gone."""
    return [
        Pair(lookup.expect(records, member.source), lookup.expect(records, member.target))
        for member in records.get(Deployment, deployment).members
    ]


def deployment_of(records: Records, resource_id: str) -> Deployment | None:
    """Return the deployment that an instance is a member of, if it is not over."""
    for row in records.list(Deployment):
        if row.status not in {"SWITCHOVER_COMPLETED", "DELETING"} and any(
            resource_id in {member.source, member.target} for member in row.members
        ):
            return row
    return None


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
    missing = [each["Status"] for each in details if each["Status"].startswith("MISSING")]
    over = row.status in {"SWITCHOVER_COMPLETED", "DELETING"}
    answered: dict[str, Any] = {
        "BlueGreenDeploymentIdentifier": row.id,
        "BlueGreenDeploymentName": row.name,
        "Status": "INVALID_CONFIGURATION" if missing and not over else row.status,
        "CreateTime": moment(row.created),
        "SwitchoverDetails": details,
        "Tasks": [{"Name": name, "Status": status} for name, status in row.tasks],
        "TagList": tag_list(row.tags),
    }
    if details:
        answered["Source"] = details[0]["SourceMember"]
        answered["Target"] = details[0].get("TargetMember", "")
    if row.details:
        answered["StatusDetails"] = row.details
    if row.deleted:
        answered["DeleteTime"] = moment(row.deleted)
    return answered


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

"""How a deployment stands: its status and tasks, and what DescribeBlueGreenDeployments says of it and its members."""

from typing import Any

import msgspec

from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.services.rds import arns, lookup
from coldframe.services.rds.answers import tag_list
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint
from coldframe.services.rds.records import Deployment, Instance, Member
from coldframe.services.rds.times import moment

REPLICA = "CREATING_READ_REPLICA_OF_SOURCE"
UPGRADE = "DB_ENGINE_VERSION_UPGRADE"
BACKUPS = "CONFIGURE_BACKUPS"
TOPOLOGY = "CREATING_TOPOLOGY_OF_SOURCE"
# Those of a cluster, whose backups need not be configured.
INSTANCES = "CREATE_DB_INSTANCES_FOR_CLUSTER"
ENDPOINTS = "CREATE_CUSTOM_ENDPOINTS"
_INVALID = "INVALID_CONFIGURATION"


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
        if "TargetMember" in details[0]:
            answered["Target"] = details[0]["TargetMember"]
    if said:
        answered["StatusDetails"] = said
    if row.deleted:
        answered["DeleteTime"] = moment(row.deleted)
    return answered


def standing(records: Records, row: Deployment) -> tuple[str, str]:
    """Return the status of a deployment and its details, which follow from its members where these were changed under it."""
    if row.status in members.OVER or row.status == "SWITCHOVER_IN_PROGRESS":
        return row.status, row.details
    both = members.cluster_member(row)
    wrong = _instances(records, row) if both is None else _clusters(records, both)
    if wrong:
        return _INVALID, wrong
    # That its replication is degraded is more than what else there is to say.
    return row.status, degraded(row.degraded) if row.degraded else row.details


def degraded(why: str) -> str:
    """Return what StatusDetails say of a deployment whose replication is degraded."""
    return f"Replication degraded: {why}. {members.WAY_OUT}"


def _instances(records: Records, row: Deployment) -> str:
    for member in row.members:
        blue, green = (lookup.by_resource(records, each) for each in (member.source, member.target))
        if member.role == "primary" and (blue is None or green is None):
            return f"The {'source' if blue is None else 'target'} DB instance was deleted"
        if green is not None and not green.source:
            return f"DB instance {green.identifier} was promoted and follows no longer"
    return ""


def _clusters(records: Records, member: Member) -> str:
    for side, resource_id in (("source", member.source), ("target", member.target)):
        cluster = clusters.by_resource(records, resource_id)
        if cluster is None:
            return f"The {side} DB cluster was deleted"
        if clusters.writer(records, cluster) is None:
            return f"The {side} DB cluster {cluster.identifier} has no writer"
    return ""


def _member(call: Call, member: Member) -> dict[str, Any]:
    found = [_found(call.records, member, each) for each in (member.source, member.target)]
    status = member.status
    if found[0] is None:
        status = "MISSING_SOURCE"
    elif found[1] is None:
        status = "MISSING_TARGET"
    blue, green = (
        arns.made(call.account, call.region, member.kind, each.identifier) if each is not None else kept
        for each, kept in zip(found, (member.source_arn, member.target_arn), strict=True)
    )
    told = {"SourceMember": blue, "Status": status}
    if status == "PROVISIONING" and found[1] is not None and found[1].status == "creating":
        # AWS names a target once it is there.
        return told
    return {**told, "TargetMember": green}


def _found(records: Records, member: Member, resource_id: str) -> Instance | Cluster | ClusterEndpoint | None:
    if member.kind == "cluster":
        return clusters.by_resource(records, resource_id)
    if member.kind == "cluster-endpoint":
        return members.endpoint_of(records, resource_id)
    return lookup.by_resource(records, resource_id)

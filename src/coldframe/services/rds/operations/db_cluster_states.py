"""What takes a cluster down or up, or gives another member the writer's part: start, stop, reboot, failover."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import jobs, stages
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.blue_green import members as deployments
from coldframe.services.rds.clusters import answers, lookup
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.faults import bad_value, wrong_state
from coldframe.services.rds.records import Instance


def failover_db_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Let a reader become the writer: the one that is named, or the first by promotion tier."""
    target = _target(call, request.get("TargetDBInstanceIdentifier"))
    cluster = lookup.available(lookup.source_named(call, request["DBClusterIdentifier"]), "backing-up")
    if cluster.deployment:
        raise lookup.wrong_state(
            f"Cannot failover DB cluster {cluster.identifier}: it is the green environment of the blue/green deployment"
            f" {cluster.deployment}, and its writer is who follows the blue one."
        )
    if cluster.retired:
        raise lookup.wrong_state(
            f"Cannot failover DB cluster {cluster.identifier}: it was switched over and is read-only."
        )
    writer = lookup.writer(call.records, cluster)
    if writer is None or writer.note:
        raise lookup.wrong_state(f"DBCluster {cluster.identifier} is not in available state.")
    readers = [row for row in lookup.readers(call.records, cluster) if row.status in lookup.USABLE]
    if not readers:
        raise lookup.wrong_state(
            f"Database cluster:{cluster.identifier} should have at least two database instances in valid states or a valid"
            " target instance for failover."
        )
    if target is not None and target.cluster != cluster.resource_id:
        raise wrong_state(
            f"Instance {target.identifier} is not a member of the DB cluster {cluster.identifier}."
        )
    if target is not None and target.resource_id == cluster.writer:
        raise wrong_state(f"Instance {target.identifier} is the writer of {cluster.identifier} already.")
    cluster = call.records.change(cluster, status="failing-over")
    call.start(jobs.fail_over, cluster.resource_id, target.resource_id if target is not None else "")
    return {"DBCluster": answers.cluster(call, cluster)}


def reboot_db_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Restart the members of a cluster, the readers first."""
    cluster = lookup.available(lookup.cluster_named(call, request["DBClusterIdentifier"]))
    _all_available(call, cluster)
    cluster = call.records.change(cluster, status="rebooting")
    call.start(jobs.reboot_cluster, cluster.resource_id)
    return {"DBCluster": answers.cluster(call, cluster)}


def stop_db_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Stop a cluster with all its members, for seven days at most."""
    cluster = lookup.cluster_named(call, request["DBClusterIdentifier"])
    if cluster.status != "available":
        raise lookup.not_in_state(cluster, "available")
    _all_available(call, cluster)
    if deployments.deployment_of(call.records, cluster.resource_id) is not None:
        raise lookup.wrong_state("Cannot stop a DB cluster that is in a blue/green deployment.")
    for row in lookup.members(call.records, cluster):
        call.records.change(row, status="stopping")
    cluster = call.records.change(cluster, status="stopping")
    call.start(jobs.stop_cluster, cluster.resource_id)
    return {"DBCluster": answers.cluster(call, cluster)}


def start_db_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Start a stopped cluster."""
    cluster = lookup.cluster_named(call, request["DBClusterIdentifier"])
    if cluster.status not in {"stopped", stages.INACCESSIBLE}:
        raise lookup.not_in_state(cluster, "stopped,inaccessible-encryption-credentials-recoverable")
    for row in lookup.members(call.records, cluster):
        call.records.change(row, status="starting")
    cluster = call.records.change(cluster, status="starting")
    call.start(jobs.start_cluster, cluster.resource_id)
    return {"DBCluster": answers.cluster(call, cluster)}


def _target(call: Call, name: str | None) -> Instance | None:
    """Return the instance that is to become the writer, which is looked at before its cluster is."""
    if not name:
        return None
    try:
        found = instances.instance_named(call, name)
    except ServiceFault:
        raise bad_value(f"Cannot find target instance: {name}") from None
    if found.status not in lookup.USABLE:
        raise wrong_state(f"Instance {found.identifier} should be in valid state for failover.")
    return found


def _all_available(call: Call, cluster: Cluster) -> None:
    """Refuse a cluster of which a member is busy; raises InvalidDBInstanceStateFault."""
    members = lookup.members(call.records, cluster)
    if not members:
        raise lookup.wrong_state(f"DBCluster {cluster.identifier} has no instances.")
    for row in members:
        instances.available(row)
        if row.note:
            raise wrong_state(f"Instance {row.identifier} is not in available state.")

"""Automated backups of clusters: described, and deleted once their cluster is gone."""

from typing import Any

import msgspec

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, jobs, pages
from coldframe.services.rds.clusters import answers, lookup, snapshotting
from coldframe.services.rds.clusters.records import Cluster, ClusterBackup, ClusterSnapshot
from coldframe.services.rds.databases import Databases


def describe_db_cluster_automated_backups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the automated backups of one cluster, or a page of all."""
    rows: list[tuple[Cluster, ClusterBackup | None]] = [
        *((row, None) for row in call.records.list(Cluster)),
        *((row.cluster, row) for row in call.records.list(ClusterBackup)),
    ]
    if resource_id := request.get("DbClusterResourceId"):
        rows = [row for row in rows if row[0].resource_id == resource_id]
        if not rows:
            raise ServiceFault("DBClusterAutomatedBackupNotFoundFault", f"{resource_id} not found.")
    if name := request.get("DBClusterIdentifier"):
        rows = [row for row in rows if row[0].identifier == name.lower()]
    answered = [answers.backup(call, *row) for row in rows]
    found = pages.filtered(
        request,
        answered,
        {
            "status": lambda row: row["Status"],
            "db-cluster-id": lambda row: {
                row["DBClusterIdentifier"],
                arns.made(call.account, call.region, "cluster", row["DBClusterIdentifier"]),
            },
            "db-cluster-resource-id": lambda row: row["DbClusterResourceId"],
        },
    )
    ordered = sorted(found, key=lambda row: str(row["DbClusterResourceId"]))
    page, marker = pages.page(call, request, ordered, lambda row: row["DbClusterResourceId"])
    return {"DBClusterAutomatedBackups": page, **marker}


def delete_db_cluster_automated_backup(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete the backups that were kept of a deleted cluster."""
    resource_id = request["DbClusterResourceId"]
    row = call.records.find(ClusterBackup, resource_id)
    if row is None and lookup.by_resource(call.records, resource_id) is not None:
        raise ServiceFault(
            "InvalidDBClusterAutomatedBackupStateFault",
            f"The automated backups of {resource_id} are active; delete the cluster.",
        )
    if row is None:
        raise ServiceFault("DBClusterAutomatedBackupNotFoundFault", f"{resource_id} not found.")
    where = {"resource_id": resource_id, "kind": "automated"}
    rows = call.records.list(ClusterSnapshot, where=where)
    for snapshot in rows:
        snapshotting.drop(call.records, call.part(Databases), snapshot)
    call.records.remove(row)
    for member in sorted({snapshot.member for snapshot in rows if snapshot.member}):
        call.start(jobs.delete_archive, member, msgspec.to_builtins(row.cluster.encryption))
    return {"DBClusterAutomatedBackup": {**answers.backup(call, row.cluster, row), "Status": "deleting"}}

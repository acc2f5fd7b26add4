"""DB cluster snapshots: made, copied, shared, described, deleted."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, jobs, names, pages, quotas, storage_keys, tagging
from coldframe.services.rds.clusters import answers, lookup, snapshotting
from coldframe.services.rds.clusters.records import ClusterSnapshot
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.sharing import shared_after
from coldframe.services.rds.storage_keys import Keys

_KINDS = ("manual", "automated", "shared", "public", "awsbackup")


def create_db_cluster_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin a snapshot of a cluster."""
    cluster = lookup.available(lookup.cluster_named(call, request["DBClusterIdentifier"]))
    identifier = names.identifier(
        request["DBClusterSnapshotIdentifier"], "DBClusterSnapshotIdentifier", longest=255
    )
    _within_quota(call)
    arn = arns.made(call.account, call.region, "cluster-snapshot", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn)
    row = snapshotting.new_snapshot(call.records, cluster, identifier, "manual", tags, call.now)
    call.records.change(cluster, status="backing-up")
    call.start(jobs.make_cluster_snapshot, row.identifier, cluster.resource_id, "available")
    return {"DBClusterSnapshot": answers.snapshot(call, row)}


def describe_db_cluster_snapshots(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one snapshot, or a page of those of a cluster, a kind, or all."""
    kind = request.get("SnapshotType")
    if kind is not None and kind not in _KINDS:
        raise bad_value(f"Invalid snapshot type: {kind}. Valid types: {', '.join(_KINDS)}")
    named = request.get("DBClusterSnapshotIdentifier")
    together = bool(named and request.get("Filters") and not named.startswith("arn:"))
    if together:
        rows = call.records.list(ClusterSnapshot)
        request = pages.together(request, "db-cluster-snapshot-id", str(named))
    else:
        rows = [_named(call, named)] if named else call.records.list(ClusterSnapshot)
    if kind in {"shared", "public", "awsbackup"}:
        rows = []
    elif kind is not None:
        rows = [row for row in rows if row.kind == kind]
    if cluster := request.get("DBClusterIdentifier"):
        wanted = arns.taken_apart(cluster)[2] if cluster.startswith("arn:") else cluster.lower()
        rows = [row for row in rows if row.cluster == wanted]
    if resource_id := request.get("DbClusterResourceId"):
        rows = [row for row in rows if row.resource_id == resource_id]
    found = pages.filtered(
        request,
        rows,
        {
            "db-cluster-id": lambda row: {
                row.cluster,
                arns.made(call.account, call.region, "cluster", row.cluster),
            },
            "db-cluster-snapshot-id": lambda row: row.identifier,
            "snapshot-type": lambda row: row.kind,
            "engine": lambda row: row.engine,
        },
    )
    if together and not found and not request.get("DBClusterIdentifier"):
        raise ServiceFault("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {named} not found.")
    page, marker = pages.page(call, request, found, lambda row: row.identifier)
    return {"DBClusterSnapshots": [answers.snapshot(call, row) for row in page], **marker}


def copy_db_cluster_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a manual snapshot of another one, under its key, or under one of another KMS key."""
    keys = storage_keys.rehearsed(call, lambda dry, keys: _copied(dry, request, keys))
    row, source = _copied(call, request, keys)
    call.start(jobs.copy_cluster_snapshot, source.identifier, row.identifier)
    return {"DBClusterSnapshot": answers.snapshot(call, row)}


def _copied(call: Call, request: Mapping[str, Any], keys: Keys) -> tuple[ClusterSnapshot, ClusterSnapshot]:
    """Add the record of a copy; returns it and its source."""
    source = _available(_named(call, request["SourceDBClusterSnapshotIdentifier"]))
    encryption = source.encryption
    if wanted := request.get("KmsKeyId"):
        if encryption is None:
            raise bad_combination(
                f"KmsKeyId can't be specified: the DB cluster snapshot {source.identifier} is not encrypted."
            )
        encryption = keys.of(wanted, owner=source.resource_id)
    identifier = names.identifier(
        request["TargetDBClusterSnapshotIdentifier"], "TargetDBClusterSnapshotIdentifier", longest=255
    )
    _within_quota(call)
    arn = arns.made(call.account, call.region, "cluster-snapshot", identifier)
    given = tagging.of_new(call, request.get("Tags"), arn)
    row = replace(
        source,
        identifier=identifier,
        kind="manual",
        folder=ids.hexadecimal(16),
        status="creating",
        progress=0,
        created=call.now,
        source=arns.made(call.account, call.region, "cluster-snapshot", source.identifier),
        shared_with=[],
        tags=given or (source.tags if request.get("CopyTags") else {}),
        encryption=encryption,
    )
    call.records.add(row)
    return row, source


def delete_db_cluster_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a manual snapshot."""
    row = call.records.get(ClusterSnapshot, request["DBClusterSnapshotIdentifier"].lower())
    if row.kind != "manual":
        raise _wrong_state(f"Deletion of automated snapshots is not permitted: {row.identifier}")
    if row.status not in {"available", "failed"}:
        raise _wrong_state(f"The snapshot {row.identifier} is not available.")
    snapshotting.drop(call.records, call.part(Databases), row)
    return {"DBClusterSnapshot": answers.snapshot(call, replace(row, status="deleted"))}


def describe_db_cluster_snapshot_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return with which accounts a snapshot is shared."""
    return _attributes(_named(call, request["DBClusterSnapshotIdentifier"]))


def modify_db_cluster_snapshot_attribute(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Share a manual snapshot with accounts, or no longer."""
    row = _manual(call, request["DBClusterSnapshotIdentifier"])
    return _attributes(call.records.change(row, shared_with=shared_after(row.shared_with, request)))


def _attributes(row: ClusterSnapshot) -> dict[str, Any]:
    return {
        "DBClusterSnapshotAttributesResult": {
            "DBClusterSnapshotIdentifier": row.identifier,
            "DBClusterSnapshotAttributes": [{"AttributeName": "restore", "AttributeValues": row.shared_with}],
        }
    }


def _manual(call: Call, name: str) -> ClusterSnapshot:
    row = _named(call, name)
    if row.kind != "manual":
        raise _wrong_state("automated snapshots cannot be modified.")
    return row


def _named(call: Call, name: str) -> ClusterSnapshot:
    identifier = name.lower()
    if name.startswith("arn:"):
        arn, _, identifier = arns.taken_apart(name, "DBClusterSnapshotIdentifier")
        if (arn.account, arn.region) != (call.account, call.region):
            raise ServiceFault("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {name} not found.")
    return call.records.get(ClusterSnapshot, identifier)


def _available(row: ClusterSnapshot) -> ClusterSnapshot:
    if row.status != "available":
        raise _wrong_state(f"The snapshot {row.identifier} is not available.")
    return row


def _wrong_state(message: str) -> ServiceFault:
    return ServiceFault("InvalidDBClusterSnapshotStateFault", message)


def _within_quota(call: Call) -> None:
    quotas.within("ManualClusterSnapshots", call.records.count(ClusterSnapshot, where={"kind": "manual"}))

"""Clusters made of back-ups: of a snapshot, or of another cluster as it was at a moment."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, engine_names, jobs, storage_keys, tagging
from coldframe.services.rds.clusters import (
    answers,
    lookup,
    new_clusters,
    new_members,
    restoring,
    snapshotting,
)
from coldframe.services.rds.clusters.new_clusters import Origin
from coldframe.services.rds.clusters.records import Cluster, ClusterBackup, ClusterSnapshot
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import Snapshot
from coldframe.services.rds.storage_keys import Keys
from coldframe.services.rds.times import milliseconds, moment
from coldframe.services.rds.wrapped_keys import StorageKey

# What a restored cluster has by default and not from what it is made of.
_OF_ITS_OWN = ("DBClusterParameterGroupName", "VpcSecurityGroupIds", "EnableIAMDatabaseAuthentication")


def restore_db_cluster_from_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a cluster of a snapshot of a cluster, or of an instance whose engine has clusters.

    It is encrypted under the key that the request names, else under that of the snapshot, if that is encrypted.
    """
    keys = storage_keys.rehearsed(call, lambda dry, keys: _of_snapshot(dry, request, keys))
    cluster, found = _of_snapshot(call, request, keys)
    of_cluster = isinstance(found, ClusterSnapshot)
    call.start(jobs.restore_cluster_snapshot, cluster.resource_id, found.identifier, of_cluster)
    new_members.add_all(call, cluster)
    return {"DBCluster": answers.cluster(call, lookup.expect(call.records, cluster.resource_id))}


def _of_snapshot(
    call: Call, request: Mapping[str, Any], keys: Keys
) -> tuple[Cluster, ClusterSnapshot | Snapshot]:
    """Add the records of a cluster that is made of a snapshot; returns the snapshot with it."""
    name = request["SnapshotIdentifier"]
    identifier = arns.taken_apart(name)[2] if name.startswith("arn:") else name.lower()
    found: ClusterSnapshot | Snapshot | None = call.records.find(ClusterSnapshot, identifier)
    of_cluster = found is not None
    found = found or call.records.find(Snapshot, identifier)
    if found is None:
        raise ServiceFault("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {name} not found.")
    if found.status != "available":
        fault = "InvalidDBClusterSnapshotStateFault" if of_cluster else "InvalidDBSnapshotStateFault"
        raise ServiceFault(fault, f"The snapshot {found.identifier} is not available.")
    engine, made_of = engine_names.named(request["Engine"]), engine_names.named(found.engine)
    if engine.part != made_of.part:
        raise bad_combination(f"A snapshot of {made_of.name} can't be restored by {engine.name}.")
    inherited: dict[str, Any] = dict(found.about) if isinstance(found, ClusterSnapshot) else {}
    if engine.name != made_of.name or not of_cluster:
        for gone in ("DBClusterParameterGroupName", "StorageType", "Iops", "StorageThroughput"):
            inherited.pop(gone, None)
        inherited["AllocatedStorage"] = max(found.storage, 20)
    if isinstance(found, ClusterSnapshot) and found.instance_class:
        inherited["DBClusterInstanceClass"] = found.instance_class
    inherited["Port"] = found.port
    origin = _origin(call, engine.name, found.version, found.master, found.database)
    return _new(call, request, inherited, origin, _key(request, found.encryption, keys)), found


def restore_db_cluster_to_point_in_time(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a cluster of another one's data as they were at a moment, or at the latest that is archived."""
    keys = storage_keys.rehearsed(call, lambda dry, keys: _of_moment(dry, request, keys))
    cluster, source, until = _of_moment(call, request, keys)
    words = (source.resource_id, source.identifier, until)
    call.start(jobs.restore_cluster_to_moment, cluster.resource_id, *words)
    new_members.add_all(call, cluster)
    return {"DBCluster": answers.cluster(call, lookup.expect(call.records, cluster.resource_id))}


def _of_moment(call: Call, request: Mapping[str, Any], keys: Keys) -> tuple[Cluster, Cluster, int]:
    """Add the records of a cluster of a moment; returns with it the source, and the moment: 0 for the latest."""
    if request.get("RestoreType") not in {None, "full-copy"}:
        raise bad_combination("RestoreType copy-on-write is Aurora's storage's; use full-copy.")
    source, living = _source(call, request)
    if request.get("KmsKeyId") and source.encryption is None:
        raise bad_combination(
            f"KmsKeyId can't be specified: the DB cluster {source.identifier} is not encrypted. Restore a snapshot of it with"
            " KmsKeyId instead."
        )
    if bool(request.get("UseLatestRestorableTime")) == bool(request.get("RestoreToTime")):
        raise bad_combination("Specify either RestoreToTime or UseLatestRestorableTime.")
    if not source.earliest:
        raise lookup.wrong_state(f"DBCluster {source.identifier} has no backup yet.")
    latest = call.now if living and source.writer else source.restorable
    until = 0 if request.get("UseLatestRestorableTime") else milliseconds(request["RestoreToTime"])
    rows = call.records.list(ClusterSnapshot, where={"resource_id": source.resource_id, "kind": "automated"})
    writer = source.writer or max((row for row in rows), key=lambda row: row.created).member
    row = restoring.usable(rows, until, writer)
    if row is None or until > latest or (until and until < source.earliest):
        raise ServiceFault(
            "InvalidRestoreFault",
            f"The cluster can't be restored to that time. It has backups from {moment(source.earliest).isoformat()} to"
            f" {moment(latest).isoformat()}, but for the time between a failover and the backup that follows it.",
        )
    inherited = {**snapshotting.inherited(source), "Port": source.port}
    if source.instance_class:
        inherited["DBClusterInstanceClass"] = source.instance_class
    origin = _origin(call, source.engine, source.version, source.master, source.database)
    return _new(call, request, inherited, origin, _key(request, source.encryption, keys)), source, until


def _source(call: Call, request: Mapping[str, Any]) -> tuple[Cluster, bool]:
    """Return the cluster that a restore names, as it is or as it was when it was deleted, and whether it is there."""
    if resource_id := request.get("SourceDbClusterResourceId"):
        found = lookup.by_resource(call.records, resource_id)
        retained = call.records.find(ClusterBackup, resource_id)
        if found is None and retained is None:
            raise ServiceFault("DBClusterAutomatedBackupNotFoundFault", f"{resource_id} not found.")
        source, living = (found, True) if found is not None else (retained.cluster, False)  # type: ignore[union-attr]
    elif name := request.get("SourceDBClusterIdentifier"):
        source, living = lookup.cluster_named(call, name), True
    else:
        raise bad_value("SourceDBClusterIdentifier or SourceDbClusterResourceId must be specified.")
    call.require(
        "rds:RestoreDBClusterToPointInTime",
        arns.made(call.account, call.region, "cluster", source.identifier),
    )
    return source, living


def _origin(call: Call, engine: str, version: str, master: str, database: str) -> Origin:
    major = engine_names.named(engine).major(version)
    return Origin(
        engine=engine,
        version=call.part(Databases).version(engine, major),
        master=master,
        database=database,
    )


def _key(request: Mapping[str, Any], present: StorageKey | None, keys: Keys) -> StorageKey | None:
    """Return the key of a restored cluster: under the KMS key that is asked for, else under that of what it is made of."""
    wanted = request.get("KmsKeyId") or (present.kms_key if present is not None else None)
    return keys.of(wanted, owner=new_clusters.new_resource_id()) if wanted is not None else None


def _new(
    call: Call,
    request: Mapping[str, Any],
    inherited: Mapping[str, Any],
    origin: Origin,
    key: StorageKey | None,
) -> Cluster:
    wanted_version = request.get("EngineVersion")
    if wanted_version and not origin.version.startswith(wanted_version):
        raise bad_combination(
            f"A back-up of version {origin.version} is restored in its own major version; upgrade the cluster in a"
            " Blue/Green deployment."
        )
    identifier = new_clusters.identifier(request["DBClusterIdentifier"])
    wanted = {
        **{name: value for name, value in inherited.items() if name not in _OF_ITS_OWN},
        "DeletionProtection": False,
        **{member: value for member, value in request.items() if value is not None},
    }
    arn = arns.made(call.account, call.region, "cluster", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn)
    origin = replace(origin, encryption=key, resource_id=key.owner if key is not None else "")
    return new_clusters.lay_in(call, identifier, origin, wanted, tags)

"""DB clusters: created, described, modified, deleted."""

from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    arns,
    engine_names,
    events,
    instance_classes,
    instance_settings,
    jobs,
    master_secrets,
    names,
    new_instances,
    pages,
    storage_keys,
    tagging,
    windows,
)
from coldframe.services.rds.clusters import answers, lookup, new_clusters, new_members
from coldframe.services.rds.clusters.new_clusters import Origin
from coldframe.services.rds.clusters.records import Cluster, ClusterSnapshot
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.master_secrets import Chosen
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Endpoint
from coldframe.services.rds.storage_keys import Keys

_DELETABLE = ("stopped", "failed", "backing-up")


def create_db_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Create a cluster; one with DBClusterInstanceClass gets a writer and two readers, others get members one by one."""
    engine = engine_names.named(request["Engine"])
    identifier = new_clusters.identifier(request["DBClusterIdentifier"])
    if not request.get("MasterUsername"):
        raise bad_value("The parameter MasterUsername must be provided and must not be blank.")
    owner = new_clusters.new_resource_id()
    origin = Origin(
        resource_id=owner,
        engine=engine.name,
        version=call.part(Databases).version(engine.name, request.get("EngineVersion") or ""),
        master=names.master_user(request["MasterUsername"], engine),
        database=names.database(request["DatabaseName"], engine) if request.get("DatabaseName") else "",
    )
    arn = arns.made(call.account, call.region, "cluster", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn)
    chosen = Chosen(request.get("MasterUserPassword") or "")
    managed = master_secrets.check_new(request, engine)

    def lay_in(call: Call, keys: Keys) -> Cluster:
        encrypted = replace(origin, encryption=keys.of_request(request, engine.name, owner=owner))
        return new_clusters.lay_in(call, identifier, encrypted, request, tags)

    keys = Keys()
    if managed or request.get("StorageEncrypted"):
        keys = storage_keys.rehearsed(call, lay_in)
    if managed:
        chosen = master_secrets.made(
            call, identifier, origin.master, request.get("MasterUserSecretKmsKeyId"), kind="cluster"
        )
    cluster = lay_in(call, keys)
    cluster = call.records.change(cluster, secret=chosen.secret, secret_key=chosen.key)
    sealed = call.part(Databases).sealed(cluster.resource_id, chosen.password)
    call.start(jobs.create_cluster, cluster.resource_id, sealed)
    new_members.add_all(call, cluster)
    return {"DBCluster": answers.cluster(call, lookup.expect(call.records, cluster.resource_id))}


def describe_db_clusters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one cluster, or a page of all that the filters let through, by identifier."""
    named = request.get("DBClusterIdentifier")
    rows = [lookup.cluster_named(call, named)] if named else call.records.list(Cluster)
    found = pages.filtered(
        request,
        rows,
        {
            "clone-group-id": lambda _: (),
            "db-cluster-id": lambda row: {
                row.identifier,
                arns.made(call.account, call.region, "cluster", row.identifier),
            },
            "db-cluster-resource-id": lambda row: row.resource_id,
            "domain": lambda _: (),
            "engine": lambda row: row.engine,
        },
    )
    page, marker = pages.page(call, request, found, lambda row: row.identifier)
    return {"DBClusters": [answers.cluster(call, row) for row in page], **marker}


def modify_db_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change a cluster: its settings now, its master password, port or class by a job."""
    chosen = Chosen(request.get("MasterUserPassword") or "")
    if request.get("ManageMasterUserPassword") or request.get("RotateMasterUserPassword"):
        found: list[Cluster] = []

        def look(dry: Call) -> None:
            found.append(lookup.cluster_named(dry, request["DBClusterIdentifier"]))
            _modify(dry, request, chosen)

        master_secrets.rehearse(call, look)
        chosen = master_secrets.changed(call, found[0], request)
    return {"DBCluster": answers.cluster(call, _modify(call, request, chosen))}


def _modify(call: Call, request: dict[str, Any], chosen: Chosen) -> Cluster:
    cluster = lookup.available(lookup.cluster_named(call, request["DBClusterIdentifier"]))
    engine = engine_names.named(cluster.engine)
    new_clusters.refuse_unbuilt(request)
    master_secrets.check_change(cluster, request, engine)
    _same_version(call, cluster, request)
    sealed = ""
    if chosen.password:
        sealed = call.part(Databases).sealed(cluster.resource_id, chosen.password)
        if cluster.secret and not chosen.secret:
            master_secrets.forget(call, cluster.secret)
        cluster = call.records.change(
            cluster, secret=chosen.secret, secret_key=chosen.key, secret_status=chosen.status
        )
    size = request.get("DBClusterInstanceClass") or ""
    if size:
        instance_classes.named(size)
        if not cluster.instance_class:
            raise bad_combination(
                "DBClusterInstanceClass is for Multi-AZ DB clusters; modify the members of this cluster."
            )
        size = size if size != cluster.instance_class else ""
    port = instance_settings.port(request["Port"]) if request.get("Port") is not None else 0
    port = port if port != cluster.port else 0
    cluster = call.records.change(cluster, **_changes(call, cluster, request))
    if request.get("EnableIAMDatabaseAuthentication") is not None:
        _take_tokens(call, cluster)
    if new := request.get("NewDBClusterIdentifier"):
        cluster = _rename(call, cluster, new_clusters.identifier(new, "NewDBClusterIdentifier"))
    if sealed or port or size:
        only_password = not port and not size
        status = "resetting-master-credentials" if only_password else "modifying"
        cluster = call.records.change(cluster, status=status)
        call.start(jobs.change_cluster, cluster.resource_id, sealed, port, size)
    return cluster


def delete_db_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a cluster, with a last snapshot unless that is to be skipped; members are deleted before, or with it."""
    cluster = lookup.cluster_named(call, request["DBClusterIdentifier"])
    if cluster.protected:
        raise bad_combination(
            "Cannot delete protected Cluster, please disable deletion protection and try again."
        )
    final = _final_snapshot(call, cluster, request)
    if cluster.status == "deleting":
        raise lookup.wrong_state(f"Cluster {cluster.identifier} is already being deleted.")
    members = lookup.members(call.records, cluster)
    if not cluster.instance_class and any(row.status != "deleting" for row in members):
        raise lookup.wrong_state(
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state."
        )
    lookup.available(cluster, *_DELETABLE)
    cluster = call.records.change(cluster, status="deleting")
    if cluster.secret:
        master_secrets.forget(call, cluster.secret)
    keep = request.get("DeleteAutomatedBackups") is False
    call.start(jobs.delete_cluster, cluster.resource_id, final, keep)
    return {"DBCluster": answers.cluster(call, cluster)}


def _final_snapshot(call: Call, cluster: Cluster, request: dict[str, Any]) -> str:
    """Return the name of the last snapshot, empty when there is to be none; raises InvalidParameterCombination."""
    name, skip = request.get("FinalDBSnapshotIdentifier"), bool(request.get("SkipFinalSnapshot"))
    if name and skip:
        raise bad_combination(
            "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is true."
        )
    if not name and not skip:
        raise bad_combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    if not name:
        return ""
    if cluster.status != "available":
        raise lookup.wrong_state(f"DBCluster {cluster.identifier} is not in available state.")
    found = names.identifier(name, "FinalDBSnapshotIdentifier", longest=255)
    if call.records.find(ClusterSnapshot, found) is not None:
        raise ServiceFault(
            "DBClusterSnapshotAlreadyExistsFault",
            f"Cannot create the snapshot because a snapshot with the identifier {found} already exists.",
        )
    return found


def _changes(call: Call, cluster: Cluster, request: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that change without a job."""
    records, engine = call.records, engine_names.named(cluster.engine)
    fields: dict[str, Any] = {}
    given = {name: value for name, value in request.items() if value is not None}
    asked = {new_clusters.RENAMED.get(name, name) for name in given}
    present = {"StorageType": cluster.about.get("StorageType"), "Iops": cluster.about.get("Iops")}
    fields["about"] = {
        **cluster.about,
        **{
            name: value
            for name, value in new_clusters.about(
                {**present, **given}, engine, cluster.instance_class
            ).items()
            if name in asked or name not in cluster.about
        },
    }
    if logs := request.get("CloudwatchLogsExportConfiguration"):
        fields["about"]["EnabledCloudwatchLogsExports"] = _exports(cluster, engine, logs)
    if request.get("BackupRetentionPeriod") is not None:
        fields["retention"] = new_clusters.retention(request["BackupRetentionPeriod"])
    fields |= _windows(cluster, request)
    if request.get("DBClusterParameterGroupName"):
        fields["parameter_group"] = lookup.parameter_group(
            records, request["DBClusterParameterGroupName"], engine.family(cluster.version)
        )
    if request.get("VpcSecurityGroupIds") is not None:
        fields["security_groups"] = new_instances.security_groups(request["VpcSecurityGroupIds"])
    if request.get("DeletionProtection") is not None:
        fields["protected"] = request["DeletionProtection"]
    if request.get("EnableIAMDatabaseAuthentication") is not None:
        fields["token_sign_in"] = request["EnableIAMDatabaseAuthentication"]
    if request.get("AllocatedStorage") is not None and engine.alone:
        if request["AllocatedStorage"] < cluster.storage:
            raise bad_combination("Requested storage size can not be smaller than the current size.")
        fields["storage"] = request["AllocatedStorage"]
        for row in lookup.members(records, cluster):
            records.change(row, storage=fields["storage"])
    return fields


def _windows(cluster: Cluster, request: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if request.get("PreferredBackupWindow"):
        fields["backup_window"] = windows.backup_window(request["PreferredBackupWindow"])
    if request.get("PreferredMaintenanceWindow"):
        fields["maintenance_window"] = windows.maintenance_window(request["PreferredMaintenanceWindow"])
    if fields:
        windows.apart(
            fields.get("backup_window", cluster.backup_window),
            fields.get("maintenance_window", cluster.maintenance_window),
        )
    return fields


def _exports(cluster: Cluster, engine: engine_names.EngineName, wanted: dict[str, Any]) -> list[str]:
    added, gone = set(wanted.get("EnableLogTypes") or ()), set(wanted.get("DisableLogTypes") or ())
    instance_settings.changes({"EnableCloudwatchLogsExports": sorted(added | gone)}, engine)
    return sorted((set(cluster.about.get("EnabledCloudwatchLogsExports", ())) | added) - gone)


def _take_tokens(call: Call, cluster: Cluster) -> None:
    """Let every endpoint of a cluster take IAM tokens, or not, as the cluster says now."""
    rows = lookup.members(call.records, cluster)
    for row in rows:
        call.records.change(row, token_sign_in=cluster.token_sign_in)
        call.start(jobs.reopen_endpoint, row.resource_id)
    for name in (cluster.endpoint, cluster.reader_endpoint, *(row.endpoint for row in rows)):
        call.records.change(call.records.get(Endpoint, name), tokens=cluster.token_sign_in)


def _rename(call: Call, cluster: Cluster, identifier: str) -> Cluster:
    if identifier == cluster.identifier:
        return cluster
    if call.records.find(Cluster, identifier) is not None:
        raise ServiceFault("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    call.records.remove(cluster)
    named = replace(cluster, identifier=identifier)
    call.records.add(named)
    words = {"old": cluster.identifier, "new": identifier}
    events.tell(call.records, call.part(Messenger), named, "cluster_renamed", **words)
    return named


def _same_version(call: Call, cluster: Cluster, request: dict[str, Any]) -> None:
    wanted = request.get("EngineVersion")
    if not wanted:
        return
    version = call.part(Databases).version(cluster.engine, wanted)
    if version != cluster.version:
        raise bad_combination(
            f"Cannot upgrade the DB cluster from {cluster.version} to {version} in place here. Upgrade it in a Blue/Green"
            " deployment: aws rds create-blue-green-deployment --target-engine-version"
            f" {engine_names.named(cluster.engine).major(version)}"
        )

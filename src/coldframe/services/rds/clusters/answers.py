"""What RDS answers of clusters, their snapshots, endpoints and backups, in the model's shapes."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.services.rds import arns, authorities, engine_names, in_force
from coldframe.services.rds.answers import secret, storage_encryption, tag_list, valid_till
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.clusters.records import Cluster, ClusterBackup, ClusterEndpoint, ClusterSnapshot
from coldframe.services.rds.records import Endpoint, Instance
from coldframe.services.rds.times import moment


def cluster(call: Call, row: Cluster) -> dict[str, Any]:
    """Return a DBCluster."""
    records = call.records
    door, readers = records.get(Endpoint, row.endpoint), records.get(Endpoint, row.reader_endpoint)
    members = lookup.members(records, row)
    custom = records.list(ClusterEndpoint, where={"cluster": row.resource_id})
    addresses = [records.get(Endpoint, each.endpoint).address for each in custom]
    answer: dict[str, Any] = {
        **row.about,
        "AllocatedStorage": row.storage,
        "AvailabilityZones": row.zones,
        "BackupRetentionPeriod": row.retention,
        "DBClusterIdentifier": row.identifier,
        "DBClusterParameterGroup": row.parameter_group,
        "DBSubnetGroup": row.subnet_group or "default",
        "Status": row.status,
        "Endpoint": door.address,
        "ReaderEndpoint": readers.address,
        "CustomEndpoints": addresses,
        "MultiAZ": len(members) > 1,
        "Engine": row.engine,
        "EngineVersion": row.version,
        "Port": row.port,
        "MasterUsername": row.master,
        "PreferredBackupWindow": row.backup_window,
        "PreferredMaintenanceWindow": row.maintenance_window,
        "ReadReplicaIdentifiers": [],
        "DBClusterMembers": [_member(records, row, each) for each in members],
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": each, "Status": "active"} for each in row.security_groups
        ],
        **storage_encryption(row.encryption),
        "DbClusterResourceId": row.resource_id,
        "DBClusterArn": arns.made(call.account, call.region, "cluster", row.identifier),
        "AssociatedRoles": [],
        "IAMDatabaseAuthenticationEnabled": row.token_sign_in,
        "ClusterCreateTime": moment(row.created),
        "EngineMode": "provisioned",
        "DeletionProtection": row.protected,
        "HttpEndpointEnabled": False,
        "ActivityStreamStatus": "stopped",
        "CrossAccountClone": False,
        "DomainMemberships": [],
        "TagList": tag_list(row.tags),
    }
    if not answer["CustomEndpoints"]:
        del answer["CustomEndpoints"]
    if row.database:
        answer["DatabaseName"] = row.database
    if row.instance_class:
        answer["DBClusterInstanceClass"] = row.instance_class
        # Clients take it that one comes with the other.
        if valid := valid_till(call, row.endpoint):
            answer["CertificateDetails"] = {"CAIdentifier": authorities.DEFAULT, **valid}
    if row.earliest:
        answer["EarliestRestorableTime"] = moment(row.earliest)
        answer["LatestRestorableTime"] = moment(row.restorable)
    if row.restart:
        answer["AutomaticRestartTime"] = moment(row.restart)
    if row.secret:
        answer["MasterUserSecret"] = secret(row)
    if row.status == "resetting-master-credentials" or row.secret_status:
        answer["PendingModifiedValues"] = {"MasterUserPassword": "****"}
    return answer


def snapshot(call: Call, row: ClusterSnapshot) -> dict[str, Any]:
    """Return a DBClusterSnapshot."""
    answer: dict[str, Any] = {
        "AvailabilityZones": row.zones,
        "DBClusterSnapshotIdentifier": row.identifier,
        "DBClusterIdentifier": row.cluster,
        "SnapshotCreateTime": moment(row.created),
        "Engine": row.engine,
        "EngineMode": "provisioned",
        "AllocatedStorage": row.storage,
        "Status": row.status,
        "Port": row.port,
        "ClusterCreateTime": moment(row.cluster_created),
        "MasterUsername": row.master,
        "EngineVersion": row.version,
        "LicenseModel": engine_names.named(row.engine).licence,
        "SnapshotType": row.kind,
        "PercentProgress": row.progress,
        **storage_encryption(row.encryption),
        "DBClusterSnapshotArn": arns.made(call.account, call.region, "cluster-snapshot", row.identifier),
        "IAMDatabaseAuthenticationEnabled": bool(row.about.get("EnableIAMDatabaseAuthentication")),
        "TagList": tag_list(row.tags),
        "DbClusterResourceId": row.resource_id,
        "BackupRetentionPeriod": row.about.get("BackupRetentionPeriod"),
        "PreferredBackupWindow": row.about.get("PreferredBackupWindow"),
    }
    if kind := row.about.get("StorageType"):
        answer["StorageType"] = kind
    if row.source:
        answer["SourceDBClusterSnapshotArn"] = row.source
    return answer


def endpoint(call: Call, row: ClusterEndpoint) -> dict[str, Any]:
    """Return a custom DBClusterEndpoint."""
    records = call.records
    found = lookup.expect(records, row.cluster)
    names = {each.resource_id: each.identifier for each in lookup.members(records, found)}
    return {
        "DBClusterEndpointIdentifier": row.identifier,
        "DBClusterIdentifier": found.identifier,
        "DBClusterEndpointResourceIdentifier": row.resource_id,
        "Endpoint": records.get(Endpoint, row.endpoint).address,
        "Status": row.status,
        "EndpointType": "CUSTOM",
        "CustomEndpointType": row.kind,
        "StaticMembers": [names[each] for each in row.static if each in names],
        "ExcludedMembers": [names[each] for each in row.excluded if each in names],
        "DBClusterEndpointArn": arns.made(call.account, call.region, "cluster-endpoint", row.identifier),
    }


def own_endpoints(call: Call, row: Cluster) -> list[dict[str, Any]]:
    """Return the endpoint of the writer and that of the readers as DBClusterEndpoints."""
    ready = "available" if lookup.members(call.records, row) else "inactive"
    return [
        {
            "DBClusterIdentifier": row.identifier,
            "Endpoint": call.records.get(Endpoint, name).address,
            "Status": ready,
            "EndpointType": kind,
        }
        for name, kind in ((row.endpoint, "WRITER"), (row.reader_endpoint, "READER"))
    ]


def backup(call: Call, row: Cluster, retained: ClusterBackup | None = None) -> dict[str, Any]:
    """Return a DBClusterAutomatedBackup."""
    answer: dict[str, Any] = {
        "Engine": row.engine,
        "DBClusterAutomatedBackupsArn": arns.made(
            call.account,
            call.region,
            "cluster-auto-backup",
            f"ab-{row.resource_id.removeprefix('cluster-').lower()}",
        ),
        "DBClusterIdentifier": row.identifier,
        "RestoreWindow": {},
        "MasterUsername": row.master,
        "DbClusterResourceId": row.resource_id,
        "Region": call.region,
        "LicenseModel": engine_names.named(row.engine).licence,
        "Status": "retained" if retained is not None else ("active" if row.earliest else "creating"),
        "IAMDatabaseAuthenticationEnabled": row.token_sign_in,
        "ClusterCreateTime": moment(row.created),
        **storage_encryption(row.encryption),
        "AllocatedStorage": row.storage,
        "EngineVersion": row.version,
        "DBClusterArn": arns.made(call.account, call.region, "cluster", row.identifier),
        "BackupRetentionPeriod": row.retention,
        "PreferredBackupWindow": row.backup_window,
        "EngineMode": "provisioned",
        "AvailabilityZones": row.zones,
        "Port": row.port,
        "TagList": tag_list(row.tags),
    }
    if row.earliest:
        answer["RestoreWindow"] = {
            "EarliestTime": moment(row.earliest),
            "LatestTime": moment(row.restorable),
        }
    return answer


def _member(records: Records, row: Cluster, member: Instance) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": member.identifier,
        "IsClusterWriter": member.resource_id == row.writer,
        "DBClusterParameterGroupStatus": in_force.apply_status(records, member),
        "PromotionTier": lookup.tier(member),
    }

"""The records of a new member: the first takes writes, later ones follow; what belongs to the cluster is the cluster's to say."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, new_instances, tagging
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import creating, lookup, new_clusters
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import Instance
from coldframe.services.rds.storage_settings import AURORA_STORAGE

MOST_READERS = 15
# What a member may not say when it is made, and what RDS calls it.
_OF_CLUSTER = {
    "MasterUsername": "master user name",
    "MasterUserPassword": "master user password",
    "ManageMasterUserPassword": "master user password",
    "DBName": "database name",
    "Port": "database endpoint port",
    "BackupRetentionPeriod": "backup retention period",
    "PreferredBackupWindow": "backup window",
    "VpcSecurityGroupIds": "vpc security group",
    "EnableIAMDatabaseAuthentication": "IAM database authentication",
    "StorageEncrypted": "storage encrypted",
    "KmsKeyId": "KMS key",
    "DeletionProtection": "deletion protection",
    "OptionGroupName": "option group",
}
# What a member may not change, by the member of ModifyDBInstance.
_MODIFIED = {
    "MasterUserPassword": "master user password",
    "ManageMasterUserPassword": "master user password",
    "RotateMasterUserPassword": "master user password",
    "DBPortNumber": "database endpoint port number",
    "BackupRetentionPeriod": "backup retention period",
    "PreferredBackupWindow": "backup window",
    "VpcSecurityGroupIds": "vpc security group",
    "EnableIAMDatabaseAuthentication": "IAM database authentication",
    "EngineVersion": "engine version",
    "AllocatedStorage": "storage",
    "StorageType": "storage type",
    "Iops": "storage",
    "DeletionProtection": "deletion protection",
    "MultiAZ": "Multi-AZ deployment",
    "OptionGroupName": "option group",
}


def of_request(call: Call, request: Mapping[str, Any]) -> Instance:
    """Add a member that a CreateDBInstance asks for, and have it made; raises the faults of CreateDBInstance."""
    cluster = lookup.source_named(call, request["DBClusterIdentifier"])
    lookup.available(cluster, "backing-up", "creating")
    call.require("rds:CreateDBInstance", arns.made(call.account, call.region, "cluster", cluster.identifier))
    if request["Engine"].lower() != cluster.engine:
        raise bad_combination(
            f"The engine name requested for your DB instance ({request['Engine']}) doesn't match the engine name of"
            f" your DB cluster ({cluster.engine})."
        )
    if cluster.instance_class:
        raise lookup.wrong_state(
            f"DB instances can't be added to the Multi-AZ DB cluster {cluster.identifier}."
        )
    for member, what in _OF_CLUSTER.items():
        if request.get(member) is not None:
            raise bad_combination(
                f"The requested DB Instance will be a member of a DB Cluster. Set {what} for the DB Cluster."
            )
    wanted = request.get("EngineVersion")
    if wanted and cluster.version != wanted and not cluster.version.startswith(f"{wanted}."):
        raise bad_combination(
            "The engine version that you requested for your DB instance"
            f" ({wanted}) does not match the engine version of your DB cluster ({cluster.version})."
        )
    if request.get("MultiAZ"):
        raise bad_combination(f"Multi-AZ is not available for a member of a {cluster.engine} DB cluster.")
    if request.get("StorageType") not in {None, _storage_type(cluster)}:
        raise bad_value(f"Invalid storage type for a member of the DB cluster: {request['StorageType']}")
    identifier = instances.new_identifier(request["DBInstanceIdentifier"])
    arn = arns.made(call.account, call.region, "db", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn)
    return add(call, cluster, identifier, request, tags)


def add(
    call: Call, cluster: Cluster, identifier: str, request: Mapping[str, Any], tags: dict[str, str]
) -> Instance:
    """Add the records of a member and begin the job that makes it."""
    row = lay_in(call, cluster, identifier, request, tags)
    call.start(creating.create_member, row.resource_id)
    return row


def lay_in(
    call: Call, cluster: Cluster, identifier: str, request: Mapping[str, Any], tags: dict[str, str]
) -> Instance:
    """Add the records of a member that is being created; the first of a cluster becomes its writer."""
    records = call.records
    cluster = lookup.expect(records, cluster.resource_id)
    if len(lookup.members(records, cluster)) > MOST_READERS:
        raise ServiceFault(
            "InstanceQuotaExceededFault",
            f"The DB cluster {cluster.identifier} has a writer and {MOST_READERS} readers.",
        )
    wanted = {
        "DBInstanceClass": request["DBInstanceClass"],
        "PromotionTier": 1,
        "CopyTagsToSnapshot": bool(cluster.about.get("CopyTagsToSnapshot")),
        **{name: value for name, value in request.items() if value is not None},
        "AllocatedStorage": cluster.storage,
        "StorageType": _storage_type(cluster),
        "Iops": cluster.about.get("Iops"),
        "Port": cluster.port,
        "BackupRetentionPeriod": 0,
        "PreferredBackupWindow": cluster.backup_window,
        "VpcSecurityGroupIds": cluster.security_groups,
        "EnableIAMDatabaseAuthentication": cluster.token_sign_in,
        "DBSubnetGroupName": cluster.subnet_group or None,
        "DBClusterIdentifier": None,
    }
    if not request.get("PreferredMaintenanceWindow"):
        wanted["PreferredMaintenanceWindow"] = cluster.maintenance_window
    origin = new_instances.Origin(
        engine=cluster.engine,
        version=cluster.version,
        master=cluster.master,
        database=cluster.database,
        source=cluster.writer,
        # The first one takes over the data, which lie under this name, with the serial that they were written by.
        resource_id="" if cluster.writer else cluster.volume,
        encryption=cluster.encryption,
    )
    row = new_instances.lay_in(call, identifier, origin, wanted, tags)
    serial = row.serial if cluster.writer else cluster.volume_serial
    row = records.change(row, cluster=cluster.resource_id, serial=serial)
    if not cluster.writer:
        records.change(cluster, writer=row.resource_id)
    return row


def add_all(call: Call, cluster: Cluster) -> None:
    """Make the writer and the two readers of a Multi-AZ DB cluster; other clusters begin without members."""
    if not cluster.instance_class:
        return
    for number, name in enumerate(new_clusters.member_names(call, cluster)):
        wanted = {
            "DBInstanceClass": cluster.instance_class,
            "AvailabilityZone": cluster.zones[number % len(cluster.zones)],
            "PubliclyAccessible": bool(cluster.about.get("PubliclyAccessible")),
        }
        add(call, cluster, name, wanted, dict(cluster.tags))


def refuse_of_cluster(instance: Instance, request: Mapping[str, Any]) -> None:
    """Refuse a modification of a member that is the cluster's; raises InvalidParameterCombination."""
    if not instance.cluster:
        return
    for member, what in _MODIFIED.items():
        if request.get(member) is not None:
            raise bad_combination(
                f"The specified DB Instance is a member of a DB Cluster. Modify the {what} for the DB Cluster using the"
                " ModifyDbCluster API"
            )


def _storage_type(cluster: Cluster) -> str:
    return str(cluster.about.get("StorageType") or AURORA_STORAGE)

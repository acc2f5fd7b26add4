"""What RDS answers of instances, snapshots and automated backups, in the model's shapes."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.services.rds import arns, authorities, engine_names, in_force, lookup
from coldframe.services.rds.clusters.member_answers import is_green_writer, of_member
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.optimized import status_infos
from coldframe.services.rds.records import (
    AutomatedBackup,
    Cluster,
    Deployment,
    Endpoint,
    Instance,
    OptionGroup,
    ParameterGroup,
    Snapshot,
    SubnetGroup,
)
from coldframe.services.rds.times import moment
from coldframe.services.rds.wrapped_keys import StorageKey

# Members of an instance's `about` that a snapshot and an automated backup have too.
_SHARED = (
    "AvailabilityZone",
    "Iops",
    "StorageThroughput",
    "StorageType",
    "ProcessorFeatures",
    "DedicatedLogVolume",
)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as RDS lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def valid_till(call: Call, endpoint: str) -> dict[str, Any]:
    """Return until when the certificate of an endpoint is valid, as CertificateDetails has it; nothing while there is none."""
    databases = call.part(Databases)
    until = databases.authority.valid_till(databases.root / "endpoints" / endpoint)
    return {"ValidTill": until} if until else {}


def instance(call: Call, row: Instance) -> dict[str, Any]:
    """Return a DBInstance."""
    records, running = call.records, row.ready > 0
    followers = [
        each.identifier
        for each in lookup.replicas(records, row.resource_id)
        if not each.deployment and not each.cluster
    ]
    source = lookup.by_resource(records, row.source) if row.source else None
    about = dict(row.about)
    answer: dict[str, Any] = {
        "StorageThroughput": 0,
        **about,
        "DBInstanceIdentifier": row.identifier,
        "DBInstanceClass": row.instance_class,
        "Engine": row.engine,
        "EngineVersion": row.version,
        "DBInstanceStatus": row.status,
        "MasterUsername": row.master,
        "AllocatedStorage": row.storage,
        "PreferredBackupWindow": row.backup_window,
        "PreferredMaintenanceWindow": row.maintenance_window,
        "BackupRetentionPeriod": row.retention,
        "DBSecurityGroups": [],
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": each, "Status": "active"} for each in row.security_groups
        ],
        "DBParameterGroups": [
            {
                "DBParameterGroupName": row.parameter_group,
                "ParameterApplyStatus": in_force.apply_status(records, row),
            }
        ],
        "OptionGroupMemberships": [{"OptionGroupName": row.option_group, "Status": "in-sync"}],
        "DBSubnetGroup": subnet_group(
            call,
            records.find(SubnetGroup, row.subnet_group)
            or SubnetGroup(name=row.subnet_group or "default", description="default", subnets=[]),
        ),
        "PendingModifiedValues": row.pending,
        "ReadReplicaDBInstanceIdentifiers": followers,
        "DbInstancePort": 0,
        **storage_encryption(row.encryption),
        "DbiResourceId": row.resource_id,
        "DomainMemberships": [],
        "DBInstanceArn": arns.made(call.account, call.region, "db", row.identifier),
        "IAMDatabaseAuthenticationEnabled": row.token_sign_in,
        "DeletionProtection": row.protected,
        "AssociatedRoles": [],
        "TagList": tag_list(row.tags),
        "CustomerOwnedIpEnabled": False,
        "ActivityStreamStatus": "stopped",
        "DedicatedLogVolume": False,
        "IsStorageConfigUpgradeAvailable": False,
        "CertificateDetails": {
            "CAIdentifier": about.get("CACertificateIdentifier", authorities.DEFAULT),
        },
    }
    if row.database:
        answer["DBName"] = row.database
    if row.cluster:
        answer |= of_member(records, row)
    elif source is not None and not row.deployment:
        answer["ReadReplicaSourceDBInstanceIdentifier"] = source.identifier
    if infos := [*_replication(records, row), *status_infos(row)]:
        answer["StatusInfos"] = infos
    if running:
        where = records.find(Endpoint, row.endpoint)
        if where is not None:
            answer["Endpoint"] = {"Address": where.address, "Port": where.port}
            answer["CertificateDetails"] |= valid_till(call, where.id)
        answer["InstanceCreateTime"] = moment(row.created)
    if row.restorable and row.retention:
        answer["LatestRestorableTime"] = moment(row.restorable)
    if row.secret:
        answer["MasterUserSecret"] = secret(row)
    return answer


def storage_encryption(key: StorageKey | None, member: str = "StorageEncrypted") -> dict[str, Any]:
    """Return whether storage is encrypted, and under which KMS key, as instances, snapshots and backups have it."""
    return {member: key is not None, **({"KmsKeyId": key.kms_key} if key is not None else {})}


def secret(row: Instance | Cluster) -> dict[str, Any]:
    """Return the MasterUserSecret of an instance or a cluster whose password RDS manages."""
    return {
        "SecretArn": row.secret,
        "SecretStatus": "creating" if row.status == "creating" else row.secret_status or "active",
        **({"KmsKeyId": row.secret_key} if row.secret_key else {}),
    }


def snapshot(call: Call, row: Snapshot) -> dict[str, Any]:
    """Return a DBSnapshot."""
    answer = {
        "StorageThroughput": 0,
        "ProcessorFeatures": [],
        **{key: value for key, value in row.about.items() if key in _SHARED},
        "DBSnapshotIdentifier": row.identifier,
        "DBInstanceIdentifier": row.instance,
        "DbiResourceId": row.resource_id,
        "SnapshotType": row.kind,
        "Status": row.status,
        "PercentProgress": row.progress,
        "Engine": row.engine,
        "EngineVersion": row.version,
        "AllocatedStorage": row.storage,
        "Port": row.port,
        "MasterUsername": row.master,
        "LicenseModel": engine_names.named(row.engine).licence,
        "OptionGroupName": row.option_group,
        "InstanceCreateTime": moment(row.instance_created),
        **storage_encryption(row.encryption, "Encrypted"),
        "DBSnapshotArn": arns.made(call.account, call.region, "snapshot", row.identifier),
        "IAMDatabaseAuthenticationEnabled": bool(row.about.get("IAMDatabaseAuthenticationEnabled")),
        "TagList": tag_list(row.tags),
        "SnapshotTarget": "region",
        "DedicatedLogVolume": False,
    }
    if row.status != "creating":
        answer["SnapshotCreateTime"] = moment(row.created)
        answer["OriginalSnapshotCreateTime"] = moment(row.original_created or row.created)
        answer["SnapshotDatabaseTime"] = moment(row.original_created or row.created)
    if row.size:
        answer["FullSnapshotSizeInBytes"] = row.size
    if row.source:
        answer["SourceDBSnapshotIdentifier"] = row.source
        answer["SourceRegion"] = arns.taken_apart(row.source)[0].region
    return answer


def automated_backup(call: Call, row: AutomatedBackup) -> dict[str, Any]:
    """Return a DBInstanceAutomatedBackup."""
    answer: dict[str, Any] = {
        **{key: value for key, value in row.about.items() if key in _SHARED},
        "DBInstanceArn": arns.made(call.account, call.region, "db", row.identifier),
        "DbiResourceId": row.resource_id,
        "Region": call.region,
        "DBInstanceIdentifier": row.identifier,
        "RestoreWindow": {},
        "AllocatedStorage": row.storage,
        "Status": "retained" if row.retained else ("active" if row.earliest else "creating"),
        "Port": row.port,
        "InstanceCreateTime": moment(row.created),
        "MasterUsername": row.master,
        "Engine": row.engine,
        "EngineVersion": row.version,
        "LicenseModel": engine_names.named(row.engine).licence,
        "OptionGroupName": row.option_group,
        **storage_encryption(row.encryption, "Encrypted"),
        "IAMDatabaseAuthenticationEnabled": bool(row.about.get("IAMDatabaseAuthenticationEnabled")),
        "BackupRetentionPeriod": row.retention,
        "DBInstanceAutomatedBackupsArn": arns.made(call.account, call.region, "auto-backup", row.id),
        "DBInstanceAutomatedBackupsReplications": [],
        "BackupTarget": "region",
        "TagList": tag_list(row.tags),
    }
    if row.earliest:
        answer["RestoreWindow"] = {"EarliestTime": moment(row.earliest), "LatestTime": moment(row.latest)}
    return answer


def subnet_group(call: Call, row: SubnetGroup) -> dict[str, Any]:
    """Return a DBSubnetGroup; the zones of its subnets follow from their order."""
    return {
        "DBSubnetGroupName": row.name,
        "DBSubnetGroupDescription": row.description,
        "SubnetGroupStatus": "Complete",
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": {"Name": f"{call.region}{'abc'[number % 3]}"},
                "SubnetOutpost": {},
                "SubnetStatus": "Active",
            }
            for number, subnet in enumerate(row.subnets)
        ],
        "DBSubnetGroupArn": arns.made(call.account, call.region, "subgrp", row.name),
        "SupportedNetworkTypes": ["IPV4"],
    }


def parameter_group(call: Call, row: ParameterGroup) -> dict[str, Any]:
    """Return a DBParameterGroup or a DBClusterParameterGroup."""
    if row.kind == "instance":
        word, kind = "DBParameterGroup", "pg"
    else:
        word, kind = "DBClusterParameterGroup", "cluster-pg"
    return {
        f"{word}Name": row.name,
        "DBParameterGroupFamily": row.family,
        "Description": row.description,
        f"{word}Arn": f"arn:{call.partition}:rds:{call.region}:{call.account}:{kind}:{row.name}",
    }


def option_group(call: Call, row: OptionGroup) -> dict[str, Any]:
    """Return an OptionGroup."""
    return {
        "OptionGroupName": row.name,
        "OptionGroupDescription": row.description,
        "EngineName": row.engine,
        "MajorEngineVersion": row.major,
        "Options": [],
        "AllowsVpcAndNonVpcInstanceMemberships": True,
        "OptionGroupArn": arns.made(call.account, call.region, "og", row.name),
    }


def _replication(records: Records, row: Instance) -> list[dict[str, Any]]:
    # Readers of a cluster are told of by its members; the writer of a green one follows that of blue.
    if not row.source or (row.cluster and not is_green_writer(records, row)):
        return []
    deployment = records.find(Deployment, row.deployment) if row.deployment else None
    if deployment is not None and deployment.degraded:
        return [
            {
                "StatusType": "read replication",
                "Normal": False,
                "Status": "replication degraded",
                "Message": deployment.degraded,
            }
        ]
    broken = row.note.startswith("replication: ")
    info: dict[str, Any] = {
        "StatusType": "read replication",
        "Normal": not broken,
        "Status": "error" if broken else "replicating",
    }
    if broken:
        info["Message"] = row.note.removeprefix("replication: ")
    return [info]

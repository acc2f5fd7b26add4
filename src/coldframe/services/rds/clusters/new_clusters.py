"""The records of a new cluster: what its request may say, RDS's defaults, its two endpoints."""

from collections.abc import Mapping
from typing import Any

import msgspec

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    engine_names,
    instance_classes,
    instance_settings,
    names,
    new_instances,
    quotas,
    storage_settings,
    windows,
)
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.engine_names import EngineName
from coldframe.services.rds.faults import bad_combination, bad_value, missing_parameter
from coldframe.services.rds.records import Endpoint, Instance
from coldframe.services.rds.wrapped_keys import StorageKey

# A Multi-AZ DB cluster has a writer and two readers.
SIZE = 3
_REFUSED = {
    "GlobalClusterIdentifier": "there are no global clusters here",
    "ReplicationSourceIdentifier": "a cluster that follows another one is not built here",
    "BacktrackWindow": "backtracking is Aurora MySQL's, which is not here",
    "EnableHttpEndpoint": "the Data API is not built here; connect to the endpoint",
    "EnableGlobalWriteForwarding": "there are no global clusters here",
    "EnableLocalWriteForwarding": "readers do not forward writes here",
    "EnableLimitlessDatabase": "there are no shard groups here",
    "ScalingConfiguration": "there is no Aurora Serverless here",
    "ServerlessV2ScalingConfiguration": "there is no Aurora Serverless here",
    "RdsCustomClusterConfiguration": "RDS Custom is not built here",
    "Domain": "Active Directory is not built here",
    "CharacterSetName": "CharacterSetName is for Oracle",
    "DBSystemId": "DBSystemId is for Oracle",
    "AssociatedRoles": "no engine here calls other services by a role",
    "WithExpressConfiguration": "express configurations are not built here",
}
_KEPT = (
    "AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "Iops", "MonitoringInterval", "MonitoringRoleArn", "NetworkType",
    "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod", "PubliclyAccessible", "StorageType",
    "DatabaseInsightsMode", "EngineLifecycleSupport",
)  # fmt: skip
# Members whose names differ between requests and answers.
RENAMED = {
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
}
_ZONES = "abc"
_AURORA_GIB, _LEAST_GIB = 1, 20


class Origin(msgspec.Struct, frozen=True):
    """What a new cluster is made of, its resource id where that is known, and the key of its storage."""

    engine: str
    version: str
    master: str
    database: str = ""
    deployment: str = ""
    resource_id: str = ""
    encryption: StorageKey | None = None


def new_resource_id() -> str:
    """Return a resource id that no other cluster has."""
    return ids.unique_id("cluster-", 26)


def refuse_unbuilt(request: Mapping[str, Any]) -> None:
    """Refuse what this installation cannot honour; raises InvalidParameterCombination, which says why."""
    for member, why in _REFUSED.items():
        if request.get(member):
            raise bad_combination(f"{member}: {why}.")
    instance_settings.refuse_other_ways(request)
    if request.get("EngineMode") not in {None, "provisioned"}:
        raise bad_combination(f"EngineMode {request['EngineMode']} is not here; clusters are provisioned.")
    if request.get("ClusterScalabilityType") not in {None, "standard"}:
        raise bad_combination("ClusterScalabilityType: there are no shard groups here.")


def lay_in(
    call: Call, identifier: str, origin: Origin, wanted: Mapping[str, Any], tags: dict[str, str]
) -> Cluster:
    """Add the records of a cluster that is being created; `wanted` has the members of CreateDBCluster."""
    records, engine = call.records, engine_names.named(origin.engine)
    if records.find(Cluster, identifier) is not None:
        raise ServiceFault("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    quotas.within("DBClusters", records.count(Cluster))
    refuse_unbuilt(wanted)
    size = _class(wanted, engine)
    resource_id = origin.resource_id or new_resource_id()
    backup, maintenance = windows.of_new(
        resource_id, wanted.get("PreferredBackupWindow"), wanted.get("PreferredMaintenanceWindow")
    )
    days = wanted.get("BackupRetentionPeriod")
    port = instance_settings.port(wanted["Port"] if wanted.get("Port") is not None else engine.port)
    tokens = bool(wanted.get("EnableIAMDatabaseAuthentication"))
    row = Cluster(
        identifier=identifier,
        resource_id=resource_id,
        engine=engine.name,
        version=origin.version,
        status="creating",
        created=call.now,
        master=origin.master,
        endpoint=add_endpoint(call, engine, port, tokens=tokens),
        reader_endpoint=add_endpoint(call, engine, port, tokens=tokens),
        parameter_group=lookup.parameter_group(
            records, wanted.get("DBClusterParameterGroupName"), engine.family(origin.version)
        ),
        port=port,
        storage=_storage(wanted, engine, size),
        zones=_zones(call, wanted.get("AvailabilityZones")),
        about=about(wanted, engine, size),
        tags=tags,
        volume=new_instances.new_resource_id(),
        volume_serial=instances.next_number(records, "instance"),
        instance_class=size,
        database=origin.database,
        subnet_group=new_instances.subnet_group(records, wanted.get("DBSubnetGroupName")),
        security_groups=new_instances.security_groups(wanted.get("VpcSecurityGroupIds")),
        retention=retention(1 if days is None else days),
        backup_window=backup,
        maintenance_window=maintenance,
        protected=bool(wanted.get("DeletionProtection")),
        token_sign_in=tokens,
        deployment=origin.deployment,
        encryption=origin.encryption,
    )
    records.add(row)
    return row


def retention(days: int) -> int:
    """Return a retention period in days; backups of a cluster cannot be switched off."""
    if not 1 <= days <= 35:
        raise bad_value(f"Invalid backup retention period: {days}. Must be between 1 and 35.")
    return days


def about(wanted: Mapping[str, Any], engine: EngineName, size: str) -> dict[str, Any]:
    """Return what is kept of a request, with RDS's defaults; raises InvalidParameterValue and its kin."""
    found = {name: wanted[name] for name in _KEPT if wanted.get(name) is not None}
    found |= {kept: wanted[name] for name, kept in RENAMED.items() if wanted.get(name) is not None}
    instance_settings.changes(
        {
            "EnableCloudwatchLogsExports": found.get("EnabledCloudwatchLogsExports"),
            "MonitoringInterval": found.get("MonitoringInterval"),
            "MonitoringRoleArn": found.get("MonitoringRoleArn"),
            "EnableIAMDatabaseAuthentication": wanted.get("EnableIAMDatabaseAuthentication"),
        },
        engine,
    )
    if not engine.alone:
        if found.get("StorageType") not in {None, storage_settings.AURORA_STORAGE}:
            raise bad_value(f"Invalid storage type for DB engine {engine.name}: {found['StorageType']}")
        found.pop("StorageType", None)
    else:
        found.setdefault("StorageType", "io1" if found.get("Iops") else "gp3")
    defaults = {
        "AutoMinorVersionUpgrade": True,
        "CopyTagsToSnapshot": False,
        "NetworkType": "IPV4",
        "EngineLifecycleSupport": "open-source-rds-extended-support",
        "DatabaseInsightsMode": "standard",
        "PerformanceInsightsEnabled": False,
    }
    return {**defaults, **found}


def identifier(name: str, member: str = "DBClusterIdentifier") -> str:
    """Return the identifier of a new cluster as it is kept; raises InvalidParameterValue."""
    if name.startswith("arn:"):
        raise bad_value(f"The parameter {member} is not a valid identifier.")
    return names.identifier(name, member)


def member_names(call: Call, cluster: Cluster) -> list[str]:
    """Return the names that the members of a Multi-AZ DB cluster get; raises DBInstanceAlreadyExistsFault."""
    found = [f"{cluster.identifier[:50]}-instance-{number}" for number in range(1, SIZE + 1)]
    for name in found:
        if call.records.find(Instance, name) is not None:
            raise ServiceFault("DBInstanceAlreadyExistsFault", f"DB instance already exists: {name}")
    return found


def _class(wanted: Mapping[str, Any], engine: EngineName) -> str:
    size = wanted.get("DBClusterInstanceClass") or ""
    if size and not engine.alone:
        raise bad_combination(
            f"DBClusterInstanceClass is for Multi-AZ DB clusters; the members of {engine.name} are made by CreateDBInstance."
        )
    if not size and not engine.grown:
        raise missing_parameter(
            "The request must contain the parameter DBClusterInstanceClass: the members of a Multi-AZ DB cluster are made with it."
        )
    if size:
        instance_classes.named(size)
    return size


def _storage(wanted: Mapping[str, Any], engine: EngineName, size: str) -> int:
    given = wanted.get("AllocatedStorage")
    if not engine.alone:
        return _AURORA_GIB
    if given is None and size:
        raise missing_parameter("The request must contain the parameter AllocatedStorage.")
    return int(given) if given is not None else _LEAST_GIB


def _zones(call: Call, given: list[str] | None) -> list[str]:
    known = [f"{call.region}{letter}" for letter in _ZONES]
    for each in given or ():
        if each not in known:
            raise bad_value(
                f"Invalid Availability Zone: {each}. The zones of {call.region} are {', '.join(known)}"
            )
    return known


def add_endpoint(call: Call, engine: EngineName, port: int, *, tokens: bool) -> str:
    """Add an endpoint with an address of its own; returns its id."""
    row = Endpoint(
        id=ids.hexadecimal(12),
        address=new_instances.free_address(call.records),
        port=port,
        engine=engine.name,
        tokens=tokens,
    )
    call.records.add(row)
    return row.id

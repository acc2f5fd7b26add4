"""Engine versions that are installed, the classes that they run in, and what the account may have."""

from collections import Counter
from typing import Any

from coldframe.core.call import Call
from coldframe.engines.database import Version
from coldframe.services.rds import (
    authorities,
    engine_names,
    instance_classes,
    lookup,
    pages,
    quotas,
    storage_settings,
    upgrade_paths,
)
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint, ClusterSnapshot
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.engine_names import EngineName
from coldframe.services.rds.records import (
    EventSubscription,
    Instance,
    OptionGroup,
    ParameterGroup,
    Snapshot,
    SubnetGroup,
)
from coldframe.services.rds.storage_settings import AURORA_STORAGE, storage_types

_ZONES = "abc"


def describe_db_engine_versions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of the versions that are installed, by engine, oldest first."""
    rows = _versions(call, request.get("Engine"))
    if wanted := request.get("EngineVersion"):
        rows = [row for row in rows if row[1].number == wanted or row[1].number.startswith(f"{wanted}.")]
    if family := request.get("DBParameterGroupFamily"):
        rows = [row for row in rows if row[0].family(row[1].number) == family.lower()]
    found = pages.filtered(
        request,
        rows,
        {
            "engine": lambda row: row[0].name,
            "engine-version": lambda row: row[1].number,
            "db-parameter-group-family": lambda row: row[0].family(row[1].number),
            "engine-mode": lambda _: "provisioned",
            "status": lambda _: "available",
        },
    )
    if request.get("DefaultOnly"):
        databases = call.part(Databases)
        found = [row for row in found if row[1].number == databases.version(row[0].name, wanted or "")]
    page, marker = pages.page(
        call, request, found, lambda row: (row[0].name, engine_names.version_order(row[1].number))
    )
    return {"DBEngineVersions": [_version(call, request, *row) for row in page], **marker}


def describe_db_major_engine_versions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of the major versions that are installed."""
    majors = sorted(
        {(row[0].name, row[0].major(row[1].number)) for row in _versions(call, request.get("Engine"))}
    )
    if wanted := request.get("MajorEngineVersion"):
        majors = [row for row in majors if row[1] == wanted]
    page, marker = pages.page(call, request, majors, lambda row: row)
    answers = [
        {"Engine": engine, "MajorEngineVersion": major, "SupportedEngineLifecycles": []}
        for engine, major in page
    ]
    return {"DBMajorEngineVersions": answers, **marker}


def describe_orderable_db_instance_options(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of the classes and kinds of storage in which the installed versions of an engine run."""
    engine = engine_names.named(request["Engine"])
    rows = [
        (version.number, size.name, storage)
        for _, version in _versions(call, engine.name)
        for size in instance_classes.classes().values()
        for storage in (storage_types() if engine.alone else {AURORA_STORAGE: (1, 131_072)})
        if request.get("DBInstanceClass") in {None, size.name}
        and (
            request.get("EngineVersion") in {None, version.number}
            or version.number.startswith(f"{request['EngineVersion']}.")
        )
        and request.get("LicenseModel") in {None, engine.licence}
    ]
    page, marker = pages.page(call, request, sorted(rows), lambda row: row, most=1000)
    return {"OrderableDBInstanceOptions": [_option(call, engine, *row) for row in page], **marker}


def describe_valid_db_instance_modifications(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the kinds of storage that an instance can be changed to."""
    instance = lookup.available(lookup.instance_named(call, request["DBInstanceIdentifier"]))
    storage = []
    for kind, (least, most) in storage_types().items():
        size = {"From": max(least, instance.storage), "To": most, "Step": 1}
        storage.append(
            {
                "StorageType": "magnetic" if kind == "standard" else kind,
                "StorageSize": [size],
                "SupportsStorageAutoscaling": False,
                **storage_settings.ranges(kind),
            }
        )
    return {
        "ValidDBInstanceModificationsMessage": {
            "Storage": storage,
            "ValidProcessorFeatures": [],
            "SupportsDedicatedLogVolume": False,
        }
    }


def describe_account_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the quotas of the account, and how much of each is used."""
    records = call.records
    instances, custom = records.list(Instance), records.list(ClusterEndpoint)
    used = {
        "DBInstances": len(instances),
        "AllocatedStorage": sum(row.storage for row in instances),
        "DBParameterGroups": records.count(ParameterGroup, key_prefix=("instance",)),
        "ManualSnapshots": records.count(Snapshot, where={"kind": "manual"}),
        "EventSubscriptions": records.count(EventSubscription),
        "DBSubnetGroups": records.count(SubnetGroup),
        "OptionGroups": records.count(OptionGroup),
        "SubnetsPerDBSubnetGroup": max((len(row.subnets) for row in records.list(SubnetGroup)), default=0),
        "ReadReplicasPerMaster": _most([row.source for row in instances if row.source and not row.cluster]),
        "DBClusters": records.count(Cluster),
        "DBClusterParameterGroups": records.count(ParameterGroup, key_prefix=("cluster",)),
        "ManualClusterSnapshots": records.count(ClusterSnapshot, where={"kind": "manual"}),
        "CustomEndpointsPerDBCluster": _most([row.cluster for row in custom]),
    }
    return {
        "AccountQuotas": [
            {"AccountQuotaName": name, "Used": used.get(name, 0), "Max": quota.most}
            for name, quota in quotas.QUOTAS.items()
        ]
    }


def describe_source_regions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the regions that a replica or snapshot may come from: none but its own."""
    return {"SourceRegions": []}


def _versions(call: Call, name: str | None) -> list[tuple[EngineName, Version]]:
    databases = call.part(Databases)
    wanted = [name.lower()] if name else sorted(engine_names.names())
    return [
        (engine_names.names()[each], version)
        for each in wanted
        if each in engine_names.names()
        for version in databases.versions(each)
    ]


def _version(call: Call, request: dict[str, Any], engine: EngineName, version: Version) -> dict[str, Any]:
    major = engine.major(version.number)
    character_set = {
        "CharacterSetName": engine.character_set,
        "CharacterSetDescription": engine.character_set,
    }
    answer: dict[str, Any] = {
        "Engine": engine.name,
        "MajorEngineVersion": major,
        "EngineVersion": version.number,
        "DBParameterGroupFamily": engine.family(version.number),
        "DBEngineDescription": engine.description,
        "DBEngineVersionDescription": f"{engine.title} {version.number}",
        "DBEngineVersionArn": f"arn:{call.partition}:rds:{call.region}::engine-version:{engine.name}/{version.number}",
        "ValidUpgradeTarget": _targets(call, engine, version),
        "ExportableLogTypes": engine.logs,
        "SupportsLogExportsToCloudwatchLogs": False,
        "SupportsReadReplica": True,
        "SupportedFeatureNames": [],
        "Status": "available",
        "SupportsParallelQuery": False,
        "SupportsGlobalDatabases": False,
        "SupportsBabelfish": False,
        "SupportsLimitlessDatabase": False,
        "SupportsLocalWriteForwarding": False,
        "SupportsIntegrations": False,
        "SupportsCertificateRotationWithoutRestart": True,
        "SupportedCACertificateIdentifiers": [authorities.DEFAULT],
        "TagList": [],
    }
    if request.get("ListSupportedCharacterSets"):
        answer |= {"DefaultCharacterSet": character_set, "SupportedCharacterSets": [character_set]}
    return answer


def _targets(call: Call, engine: EngineName, version: Version) -> list[dict[str, Any]]:
    """Return the newer versions that an instance can be brought to in place."""
    found = upgrade_paths.targets(call.part(Databases), engine, version.number)
    # The newest of the same major is what instances are brought to in their maintenance windows.
    newest = next((each.number for each in reversed(found) if each.major == version.major), "")
    return [
        {
            "Engine": engine.name,
            "EngineVersion": newer.number,
            "Description": f"{engine.title} {newer.number}",
            "AutoUpgrade": newer.number == newest,
            "IsMajorVersionUpgrade": engine.major(newer.number) != engine.major(version.number),
        }
        for newer in found
    ]


def _option(call: Call, engine: EngineName, version: str, size: str, storage: str) -> dict[str, Any]:
    least, most = storage_types().get(storage, (1, 131_072))
    rated = storage in {"gp3", "io1", "io2"}
    answer: dict[str, Any] = {
        "Engine": engine.name,
        "EngineVersion": version,
        "DBInstanceClass": size,
        "LicenseModel": engine.licence,
        "AvailabilityZones": [{"Name": f"{call.region}{letter}"} for letter in _ZONES],
        "MultiAZCapable": True,
        "ReadReplicaCapable": True,
        "Vpc": True,
        "SupportsStorageEncryption": call.part(Databases).encryption.obstacle() is None,
        "StorageType": storage,
        "SupportsIops": rated,
        "SupportsStorageThroughput": storage == "gp3",
        "SupportsEnhancedMonitoring": False,
        "SupportsIAMDatabaseAuthentication": True,
        "SupportsPerformanceInsights": False,
        "MinStorageSize": least,
        "MaxStorageSize": most,
        "AvailableProcessorFeatures": [],
        "SupportedEngineModes": ["provisioned"],
        "SupportsStorageAutoscaling": False,
        "SupportsKerberosAuthentication": False,
        "OutpostCapable": False,
        "SupportedActivityStreamModes": [],
        "SupportsGlobalDatabases": False,
        "SupportsClusters": True,
        "SupportedNetworkTypes": ["IPV4"],
        "SupportsDedicatedLogVolume": False,
        "SupportsHttpEndpoint": False,
    }
    if rated:
        rates = storage_settings.ranges(storage)
        iops, ratio = rates["ProvisionedIops"][0], rates["IopsToStorageRatio"][0]
        answer |= {
            "MinIopsPerDbInstance": iops["From"],
            "MaxIopsPerDbInstance": iops["To"],
            "MinIopsPerGib": ratio["From"],
            "MaxIopsPerGib": ratio["To"],
        }
    return answer


def _most(names: list[str]) -> int:
    """Return how often the name comes that comes most often."""
    return max(Counter(names).values(), default=0)

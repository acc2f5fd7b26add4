"""What requests say of an instance beyond what decides here: checked, and kept under the names of the API."""

from collections.abc import Mapping
from typing import Any

from coldframe.services.rds import authorities
from coldframe.services.rds.engine_names import EngineName
from coldframe.services.rds.faults import bad_combination, bad_value, missing_parameter

# Members that are kept as they are.
_KEPT = (
    "AvailabilityZone", "MultiAZ", "AutoMinorVersionUpgrade", "Iops", "StorageThroughput", "PubliclyAccessible",
    "StorageType", "CACertificateIdentifier", "CopyTagsToSnapshot", "MonitoringInterval", "MonitoringRoleArn",
    "PromotionTier", "MaxAllocatedStorage", "NetworkType", "EngineLifecycleSupport", "DatabaseInsightsMode",
    "ProcessorFeatures", "PerformanceInsightsRetentionPeriod", "PerformanceInsightsKMSKeyId",
)  # fmt: skip
# Members whose names differ between requests and answers.
_RENAMED = {
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
}
# What other engines have, or nobody can honour here, and what is to be said of it.
_REFUSED = {
    "Domain": "Active Directory is not built here",
    "DomainFqdn": "Active Directory is not built here",
    "DBSecurityGroups": "DB security groups were for EC2-Classic; use VpcSecurityGroupIds",
    "TdeCredentialArn": "TDE is for Oracle and SQL Server",
    "CharacterSetName": "CharacterSetName is for Oracle",
    "NcharCharacterSetName": "NcharCharacterSetName is for Oracle",
    "Timezone": "Timezone is for Db2 and SQL Server",
    "CustomIamInstanceProfile": "RDS Custom is not built here",
    "DBSystemId": "DBSystemId is for Oracle",
    "MultiTenant": "MultiTenant is for Oracle",
    "AdditionalStorageVolumes": "additional storage volumes are for Oracle and SQL Server",
    "KmsKeyId": "databases are not encrypted at rest here; encrypt the disk that the data directory lies on",
    "StorageEncrypted": "databases are not encrypted at rest here; encrypt the disk that the data directory lies on",
    "EnableCustomerOwnedIp": "there are no Outposts here",
    "DedicatedLogVolume": "there are no dedicated log volumes here",
    "DBCapacityReservationIdentifier": "there are no capacity reservations here",
}
AURORA_STORAGE = "aurora"
_STORAGE = {
    "gp2": (20, 65_536),
    "gp3": (20, 65_536),
    "io1": (100, 65_536),
    "io2": (100, 65_536),
    "standard": (5, 3_072),
}
_INTERVALS = (0, 1, 5, 10, 15, 30, 60)
_BASE_IOPS, _BASE_THROUGHPUT = 3_000, 125


def refuse_unbuilt(request: Mapping[str, Any]) -> None:
    """Refuse what this installation cannot honour; raises InvalidParameterCombination, which says why."""
    for member, why in _REFUSED.items():
        if request.get(member):
            raise bad_combination(f"{member}: {why}.")


def about(request: Mapping[str, Any], engine: EngineName, storage: int, zone: str) -> dict[str, Any]:
    """Return what is kept of a new instance's request, with RDS's defaults; raises InvalidParameterValue and its kin."""
    kind = request.get("StorageType") or ("io1" if request.get("Iops") else "gp3")
    found: dict[str, Any] = {
        "AvailabilityZone": zone,
        "MultiAZ": False,
        "AutoMinorVersionUpgrade": True,
        "LicenseModel": engine.licence,
        "PubliclyAccessible": False,
        "CACertificateIdentifier": authorities.DEFAULT,
        "CopyTagsToSnapshot": False,
        "MonitoringInterval": 0,
        "NetworkType": "IPV4",
        "BackupTarget": "region",
        "EngineLifecycleSupport": "open-source-rds-extended-support",
        "DatabaseInsightsMode": "standard",
        "PerformanceInsightsEnabled": False,
        **changes(request, engine),
        "StorageType": kind,
    }
    if kind == "gp3":
        found = {"Iops": _BASE_IOPS, "StorageThroughput": _BASE_THROUGHPUT, **found}
    check_storage(engine.name, storage, found)
    return found


def changes(request: Mapping[str, Any], engine: EngineName) -> dict[str, Any]:
    """Return what a request says of the members that are kept; raises InvalidParameterValue and its kin."""
    found = {name: request[name] for name in _KEPT if request.get(name) is not None}
    found |= {kept: request[name] for name, kept in _RENAMED.items() if request.get(name) is not None}
    unknown = set(found.get("EnabledCloudwatchLogsExports", ())) - set(engine.logs)
    if unknown:
        raise bad_combination(
            f"You cannot use the log types '{', '.join(sorted(unknown))}' with engine version {engine.name}."
            " For supported log types, see the documentation."
        )
    if found.get("CACertificateIdentifier", authorities.DEFAULT) != authorities.DEFAULT:
        raise bad_value(f"CACertificateIdentifier {found['CACertificateIdentifier']} is not available here.")
    interval = found.get("MonitoringInterval", 0)
    if interval not in _INTERVALS:
        raise bad_value(f"MonitoringInterval must be one of {', '.join(map(str, _INTERVALS))}.")
    if interval and not found.get("MonitoringRoleArn"):
        raise bad_combination(
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        )
    if not 0 <= found.get("PromotionTier", 1) <= 15:
        raise bad_value("PromotionTier must be from 0 to 15.")
    if request.get("LicenseModel", engine.licence) != engine.licence:
        raise bad_combination(
            f"Invalid license model '{request['LicenseModel']}' for engine '{engine.name}'."
        )
    return found


def check_storage(engine: str, storage: int, found: Mapping[str, Any]) -> None:
    """Refuse an amount of storage that its type does not come in, and rates that its type does not have."""
    kind = found["StorageType"]
    if kind == AURORA_STORAGE and engine == "aurora-postgresql":
        return
    if kind not in _STORAGE:
        raise bad_value(f"Invalid storage type: {kind}")
    least, most = _STORAGE[kind]
    if not least <= storage <= most:
        raise bad_value(f"Invalid storage size for engine name {engine} and storage type {kind}: {storage}")
    if kind in {"io1", "io2"} and not found.get("Iops"):
        raise bad_combination(f"You must specify IOPS for storage type {kind}.")
    if kind in {"gp2", "standard"} and found.get("Iops"):
        raise bad_combination(
            f"You can't specify IOPS or storage throughput for engine {engine} and a storage type {kind}."
        )
    most_storage = found.get("MaxAllocatedStorage")
    if most_storage is not None and most_storage < storage:
        raise bad_combination("Max storage size must be greater than storage size")


def storage_of(request: Mapping[str, Any]) -> int:
    """Return the storage that a new instance asks for, in GiB; raises MissingParameter."""
    found = request.get("AllocatedStorage")
    if found is None:
        raise missing_parameter("The request must contain the parameter AllocatedStorage.")
    return int(found)


def retention(days: int) -> int:
    """Return a retention period in days; raises InvalidParameterValue."""
    if not 0 <= days <= 35:
        raise bad_value(f"Invalid backup retention period: {days}. Must be between 0 and 35.")
    return days


def port(number: int) -> int:
    """Return a port; raises InvalidParameterValue."""
    if not 1150 <= number <= 65_535:
        raise bad_value(f"Invalid database port: {number}. Must be between 1150 and 65535.")
    return number


def storage_types() -> dict[str, tuple[int, int]]:
    """Return the kinds of storage with the least and the most GiB that each comes in."""
    return dict(_STORAGE)

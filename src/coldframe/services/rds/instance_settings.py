"""What requests say of an instance beyond what decides here: checked, and kept under the names of the API."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.rds import authorities, storage_settings
from coldframe.services.rds.engine_names import EngineName
from coldframe.services.rds.faults import bad_combination, bad_value

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
    "DomainOu": "Active Directory is not built here",
    "DomainAuthSecretArn": "Active Directory is not built here",
    "DomainDnsIps": "Active Directory is not built here",
    "DomainIAMRoleName": "Active Directory is not built here",
    "ProcessorFeatures": "processor features are for Oracle and SQL Server",
    "ReplicaMode": "ReplicaMode is for Oracle and Db2",
    "AutomationMode": "RDS Custom is not built here",
    "DBSecurityGroups": "DB security groups were for EC2-Classic; use VpcSecurityGroupIds",
    "TdeCredentialArn": "TDE is for Oracle and SQL Server",
    "CharacterSetName": "CharacterSetName is for Oracle",
    "NcharCharacterSetName": "NcharCharacterSetName is for Oracle",
    "Timezone": "Timezone is for Db2 and SQL Server",
    "CustomIamInstanceProfile": "RDS Custom is not built here",
    "DBSystemId": "DBSystemId is for Oracle",
    "MultiTenant": "MultiTenant is for Oracle",
    "AdditionalStorageVolumes": "additional storage volumes are for Oracle and SQL Server",
    "EnableCustomerOwnedIp": "there are no Outposts here",
    "DedicatedLogVolume": "there are no dedicated log volumes here",
    "DBCapacityReservationIdentifier": "there are no capacity reservations here",
}
_INTERVALS = (0, 1, 5, 10, 15, 30, 60)
_LIFECYCLES = (None, "open-source-rds-extended-support", "open-source-rds-extended-support-disabled")
_KEPT_INSIGHTS = (7, *(month * 31 for month in range(1, 24)), 731)


def refuse_unbuilt(request: Mapping[str, Any]) -> None:
    """Refuse what this installation cannot honour; raises InvalidParameterCombination, which says why."""
    for member, why in _REFUSED.items():
        if request.get(member):
            raise bad_combination(f"{member}: {why}.")
    refuse_other_ways(request)


def refuse_other_ways(request: Mapping[str, Any]) -> None:
    """Refuse what is a choice at AWS, of instances and clusters alike, and has one answer here."""
    network = request.get("NetworkType")
    if network not in {None, "IPV4", "DUAL"}:
        raise bad_value(f"Invalid network type: {network}. Valid types: IPV4, DUAL")
    if network == "DUAL":
        raise ServiceFault(
            "NetworkTypeNotSupported",
            "The network type DUAL is not supported here: endpoints have IPv4 addresses.",
        )
    if request.get("BackupTarget") not in {None, "region"}:
        raise bad_combination(
            f"BackupTarget {request['BackupTarget']} is not here: backups are on this machine."
        )
    if request.get("MasterUserAuthenticationType") not in {None, "password"}:
        raise bad_combination(
            "MasterUserAuthenticationType iam-db-auth is not built here: the master user has a password, and other users"
            " can sign in by IAM."
        )
    if request.get("EngineLifecycleSupport") not in _LIFECYCLES:
        raise bad_value(f"Invalid engine lifecycle support: {request['EngineLifecycleSupport']}")
    days = request.get("PerformanceInsightsRetentionPeriod")
    if days is not None and days not in _KEPT_INSIGHTS:
        raise bad_value(
            f"Invalid Performance Insights retention period. Valid values are: [{', '.join(map(str, _KEPT_INSIGHTS))}]"
        )


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
    if found.get("MonitoringRoleArn") and not found["MonitoringInterval"]:
        raise bad_combination(
            "You must specify a MonitoringInterval value other than 0 when you specify a MonitoringRoleARN value."
        )
    if found.get("MaxAllocatedStorage") == storage:
        # That is how autoscaling is switched off.
        del found["MaxAllocatedStorage"]
    if (found.get("Iops"), found.get("StorageThroughput")) in storage_settings.unasked():
        # What it is made of had these without asking for them.
        found = {name: value for name, value in found.items() if name not in storage_settings.RATES}
    found = {**storage_settings.base_rates(kind, storage), **found}
    storage_settings.check_storage(engine.name, storage, found)
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
        raise ServiceFault(
            "CertificateNotFoundFault", f"Certificate not found: {found['CACertificateIdentifier']}"
        )
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

"""The records of a new instance: its identifiers, its endpoint's address, RDS's defaults, and what it takes from another."""

import re
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.rds import (
    engine_names,
    instance_classes,
    instance_settings,
    lookup,
    quotas,
    storage_settings,
    tagging,
    windows,
)
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import (
    AutomatedBackup,
    Endpoint,
    Instance,
    OptionGroup,
    Snapshot,
    SubnetGroup,
)
from coldframe.services.rds.wrapped_keys import StorageKey

_SECURITY_GROUP = re.compile(r"sg-[0-9a-zA-Z-]{1,40}")
_ZONES = "abc"


class Origin(msgspec.Struct, frozen=True):
    """What a new instance is made of: engine and version, master user, first database, where its data come from, their key."""

    engine: str
    version: str
    master: str
    database: str = ""
    source: str = ""
    deployment: str = ""
    resource_id: str = ""
    optimized_writes: bool = False
    encryption: StorageKey | None = None


def new_resource_id() -> str:
    """Return a resource id that no other instance has."""
    return ids.unique_id("db-", 26)


def lay_in(
    call: Call, identifier: str, origin: Origin, wanted: Mapping[str, Any], tags: dict[str, str]
) -> Instance:
    """Add the records of an instance that is being created; `wanted` has the members of CreateDBInstance.

    Raises the faults of CreateDBInstance.
    """
    records = call.records
    if records.find(Instance, identifier) is not None:
        raise ServiceFault("DBInstanceAlreadyExistsFault", "DB instance already exists")
    quotas.within("DBInstances", records.count(Instance))
    engine = engine_names.named(origin.engine)
    instance_settings.refuse_unbuilt(wanted)
    instance_classes.named(wanted["DBInstanceClass"])
    storage = storage_settings.storage_of(wanted)
    quotas.within("AllocatedStorage", sum(row.storage for row in records.list(Instance)), storage)
    resource_id = origin.resource_id or new_resource_id()
    zone = _zone(call, wanted.get("AvailabilityZone"), resource_id, multiple=bool(wanted.get("MultiAZ")))
    family = engine.family(origin.version)
    backup, maintenance = windows.of_new(
        resource_id, wanted.get("PreferredBackupWindow"), wanted.get("PreferredMaintenanceWindow")
    )
    instance = Instance(
        identifier=identifier,
        resource_id=resource_id,
        serial=lookup.next_number(records, "instance"),
        engine=engine.name,
        version=origin.version,
        instance_class=wanted["DBInstanceClass"],
        status="creating",
        created=call.now,
        master=origin.master,
        endpoint=ids.hexadecimal(12),
        parameter_group=parameter_group(records, wanted.get("DBParameterGroupName"), family),
        option_group=option_group(records, wanted.get("OptionGroupName"), engine, origin.version),
        storage=storage,
        about=instance_settings.about(wanted, engine, storage, zone),
        tags=tags,
        database=origin.database,
        subnet_group=subnet_group(records, wanted.get("DBSubnetGroupName")),
        security_groups=security_groups(wanted.get("VpcSecurityGroupIds")),
        retention=instance_settings.retention(_default(wanted.get("BackupRetentionPeriod"), 1)),
        backup_window=backup,
        maintenance_window=maintenance,
        source=origin.source,
        read_only=bool(origin.source),
        deployment=origin.deployment,
        protected=bool(wanted.get("DeletionProtection")),
        token_sign_in=bool(wanted.get("EnableIAMDatabaseAuthentication")),
        optimized_writes=origin.optimized_writes,
        encryption=origin.encryption,
    )
    records.add(instance)
    port = instance_settings.port(_default(wanted.get("Port"), engine.port))
    endpoint = Endpoint(
        id=instance.endpoint,
        address=free_address(records),
        port=port,
        engine=engine.name,
        tokens=instance.token_sign_in,
    )
    records.add(endpoint)
    remember_backups(records, instance, port, tagging.of_backups(call, wanted.get("TagSpecifications")))
    return instance


def inherited(row: Instance | Snapshot | AutomatedBackup) -> dict[str, Any]:
    """Return, as members of CreateDBInstance, what an instance made of this one takes over unless its request says otherwise."""
    if not isinstance(row, Instance):
        return dict(row.about)
    about = row.about
    return {
        **{name: value for name, value in about.items() if name not in {"LicenseModel", "BackupTarget"}},
        "DBInstanceClass": row.instance_class,
        "AllocatedStorage": row.storage,
        "DBParameterGroupName": row.parameter_group,
        "OptionGroupName": row.option_group,
        "VpcSecurityGroupIds": row.security_groups,
        "BackupRetentionPeriod": row.retention,
        "PreferredBackupWindow": row.backup_window,
        "PreferredMaintenanceWindow": row.maintenance_window,
        "EnablePerformanceInsights": about.get("PerformanceInsightsEnabled"),
        "EnableCloudwatchLogsExports": about.get("EnabledCloudwatchLogsExports"),
        "EnableIAMDatabaseAuthentication": row.token_sign_in,
        **({"DBSubnetGroupName": row.subnet_group} if row.subnet_group else {}),
    }


def remember_backups(
    records: Records, instance: Instance, port: int, tags: dict[str, str] | None = None
) -> None:
    """Keep the row of automated backups in step with an instance that has them; it goes when they are switched off.

    `tags` are those that the backups get; without them they keep what they have.
    """
    present = records.find(AutomatedBackup, instance.resource_id)
    if not instance.retention:
        if present is not None:
            records.remove(present)
        return
    records.put(
        AutomatedBackup(
            resource_id=instance.resource_id,
            id=present.id if present is not None else f"ab-{ids.lower(39)}",
            identifier=instance.identifier,
            engine=instance.engine,
            version=instance.version,
            created=instance.created,
            master=instance.master,
            storage=instance.storage,
            port=port,
            option_group=instance.option_group,
            retention=instance.retention,
            about=inherited(instance),
            earliest=present.earliest if present is not None else 0,
            latest=present.latest if present is not None else 0,
            upgraded=present.upgraded if present is not None else 0,
            database=instance.database,
            tags=tags or (present.tags if present is not None else {}),
            encryption=instance.encryption,
        )
    )


def parameter_group(records: Records, name: str | None, family: str) -> str:
    """Return the parameter group of a new or modified instance; raises InvalidParameterCombination for another family's."""
    if not name:
        return f"default.{family}"
    group = lookup.parameter_group(records, name, family)
    if group.family != family:
        raise bad_combination(
            f"The Parameter Group {group.name} with DBParameterGroupFamily {group.family} can't be used for this instance."
            f" Please use a Parameter Group with DBParameterGroupFamily {family}"
        )
    return group.name


def security_groups(given: list[str] | None) -> list[str]:
    """Return the security groups of a request, which are remembered and guard nothing until there are networks here."""
    for each in given or ():
        if _SECURITY_GROUP.fullmatch(each) is None:
            raise bad_value(f"Invalid security group , groupId= {each}, groupName=")
    return list(given or ())


def subnet_group(records: Records, name: str | None) -> str:
    """Return the name of a subnet group; raises DBSubnetGroupNotFoundFault."""
    return records.get(SubnetGroup, name.lower()).name if name and name != "default" else ""


def option_group(records: Records, name: str | None, engine: engine_names.EngineName, version: str) -> str:
    """Return the option group of a new or modified instance; raises InvalidParameterCombination for another version's."""
    major = engine.major(version)
    default = f"default:{engine.name}-{major.replace('.', '-')}"
    if not name or name.startswith("default:"):
        return default
    group = records.get(OptionGroup, name.lower())
    if (group.engine, group.major) != (engine.name, major):
        raise bad_combination(
            f"The option group {group.name} is for {group.engine} {group.major}, not for {engine.name} {major}."
        )
    return group.name


def _zone(call: Call, wanted: str | None, resource_id: str, *, multiple: bool) -> str:
    if wanted and multiple:
        raise bad_combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
    zones = [f"{call.region}{letter}" for letter in _ZONES]
    if wanted and wanted not in zones:
        raise bad_value(
            f"Invalid Availability Zone: {wanted}. The zones of {call.region} are {', '.join(zones)}"
        )
    return wanted or zones[zlib.crc32(resource_id.encode()) % len(zones)]


def free_address(records: Records) -> str:
    """Return an address of 127.64.0.0/10 that no endpoint of this installation has; other servers have other ones."""
    while True:
        raw = bytes.fromhex(ids.hexadecimal(6))
        address = f"127.{64 + raw[0] % 64}.{raw[1]}.{1 + raw[2] % 254}"
        if not records.everywhere(Endpoint, where={"address": address}):
            return address


def _default(value: int | None, default: int) -> int:
    return default if value is None else value

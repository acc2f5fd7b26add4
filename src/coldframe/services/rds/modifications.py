"""What ModifyDBInstance changes now, and what waits for a job: at once, or in the maintenance window."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    engine_names,
    events,
    instance_classes,
    instance_settings,
    jobs,
    lookup,
    names,
    new_instances,
    storage_settings,
    upgrade_paths,
    windows,
)
from coldframe.services.rds.faults import bad_combination
from coldframe.services.rds.log_exports.choosing import EXPORTS, log_types, turn, with_log_types
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Instance

# Members that wait, and their names in PendingModifiedValues; others are applied as they come.
_WAITING = {
    "DBInstanceClass": "DBInstanceClass",
    "AllocatedStorage": "AllocatedStorage",
    "EngineVersion": "EngineVersion",
    "MultiAZ": "MultiAZ",
    "Iops": "Iops",
    "StorageThroughput": "StorageThroughput",
    "StorageType": "StorageType",
    "NewDBInstanceIdentifier": "DBInstanceIdentifier",
    "DBPortNumber": "Port",
}
_AT_ONCE = {"Port", EXPORTS}


def now(call: Call, instance: Instance, request: Mapping[str, Any]) -> Instance:
    """Change what needs no job; returns the instance."""
    records, engine = call.records, engine_names.named(instance.engine)
    fields: dict[str, Any] = {}
    kept = {
        name: value
        for name, value in instance_settings.changes(request, engine).items()
        if name not in _WAITING
    }
    most = kept.get("MaxAllocatedStorage")
    if most is not None and most < max(instance.storage, request.get("AllocatedStorage") or 0):
        raise bad_combination("Max storage size must be greater than storage size")
    if kept:
        fields["about"] = {**instance.about, **kept}
    if instance.status == "stopped" and any((exports := log_types(instance, request)).values()):
        # No job changes what is down.
        fields["about"] = with_log_types(fields.get("about", instance.about), exports)
        turn(records, instance.resource_id, (), exports, call.now)
    if most == instance.storage:
        # That is how autoscaling is switched off.
        del fields["about"]["MaxAllocatedStorage"]
    fields |= _groups(call, instance, request)
    if request.get("VpcSecurityGroupIds") is not None:
        fields["security_groups"] = new_instances.security_groups(request["VpcSecurityGroupIds"])
    if request.get("DBSubnetGroupName"):
        fields["subnet_group"] = new_instances.subnet_group(records, request["DBSubnetGroupName"])
    if request.get("DeletionProtection") is not None:
        fields["protected"] = request["DeletionProtection"]
    if request.get("EnableIAMDatabaseAuthentication") is not None:
        fields["token_sign_in"] = request["EnableIAMDatabaseAuthentication"]
        endpoint = lookup.endpoint_of(records, instance)
        if endpoint.tokens != request["EnableIAMDatabaseAuthentication"]:
            records.change(endpoint, tokens=request["EnableIAMDatabaseAuthentication"])
            # Its process learns at its start whom to ask; its sessions end.
            call.start(jobs.reopen_endpoint, instance.resource_id)
    fields |= _backups(call, instance, request)
    if fields:
        before, instance = instance, records.change(instance, **fields)
        _tell(call, before, instance)
        new_instances.remember_backups(records, instance, lookup.endpoint_of(records, instance).port)
    return instance


def later(call: Call, instance: Instance, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the request changes that needs a job, as PendingModifiedValues has it; raises what the new values deserve."""
    about = instance.about
    present = {
        "DBInstanceClass": instance.instance_class,
        "AllocatedStorage": instance.storage,
        "EngineVersion": instance.version,
        "DBInstanceIdentifier": instance.identifier,
        "Port": lookup.endpoint_of(call.records, instance).port,
        **about,
    }
    wanted = {kept: request[name] for name, kept in _WAITING.items() if request.get(name) is not None}
    if "DBInstanceIdentifier" in wanted:
        wanted["DBInstanceIdentifier"] = _new_name(call, instance, wanted["DBInstanceIdentifier"])
    if "DBInstanceClass" in wanted:
        instance_classes.named(wanted["DBInstanceClass"])
    if "Port" in wanted:
        instance_settings.port(wanted["Port"])
    if "EngineVersion" in wanted:
        wanted["EngineVersion"] = upgrade_paths.chosen(call, instance, request)
    changed = {name: value for name, value in wanted.items() if value != present.get(name)}
    exports = log_types(instance, request)
    if any(exports.values()) and instance.status != "stopped":
        changed[EXPORTS] = exports
    if {"AllocatedStorage", "StorageType", "Iops", "StorageThroughput"} & set(changed):
        _check_storage(instance, request, changed)
    return changed


def taken_back(request: Mapping[str, Any], changed: Mapping[str, Any]) -> set[str]:
    """Return what waits no longer: the request names the value that the instance has."""
    return {kept for name, kept in _WAITING.items() if request.get(name) is not None} - set(changed)


def at_once(instance: Instance, request: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is applied now of all that waits: what always is, or everything if the request says so, as at RDS.

    `instance` has what waits already, with what was changed.
    """
    if not request.get("ApplyImmediately"):
        return {name: value for name, value in changed.items() if name in _AT_ONCE}
    if instance.cluster or instance.status == "stopped":
        return dict(changed)
    return {name: value for name, value in instance.pending.items() if name != "MasterUserPassword"}


def status(changed: Mapping[str, Any], sealed: str) -> str:
    """Return the status of an instance while its modification is applied."""
    if "EngineVersion" in changed:
        return "upgrading"
    if "DBInstanceIdentifier" in changed:
        return "renaming"
    if set(changed) == {EXPORTS} and not sealed:
        return "configuring-log-exports"
    return "modifying" if changed or not sealed else "resetting-master-credentials"


def _tell(call: Call, before: Instance, instance: Instance) -> None:
    """Record the events of what has changed at once."""
    told: list[tuple[str, dict[str, str]]] = []
    if before.parameter_group != instance.parameter_group:
        told += [("group_applied", {"group": instance.parameter_group}), ("group_updated", {})]
    if bool(before.retention) != bool(instance.retention):
        told.append(("backups_enabled" if instance.retention else "backups_disabled", {}))
    for name, words in told:
        events.tell(call.records, call.part(Messenger), instance, name, **words)


def _check_storage(instance: Instance, request: Mapping[str, Any], changed: dict[str, Any]) -> None:
    """Check the storage that is wanted; less than a tenth more is rounded up to that, as RDS does."""
    if changed.get("AllocatedStorage", instance.storage) < instance.storage:
        raise bad_combination("Requested storage size can not be smaller than the current size.")
    if "AllocatedStorage" in changed:
        changed["AllocatedStorage"] = max(changed["AllocatedStorage"], -(-instance.storage * 11 // 10))
    storage = changed.get("AllocatedStorage", instance.storage)
    found = storage_settings.after_change(instance.about, instance.storage, changed, storage)
    storage_settings.refuse_rates(instance.engine, found["StorageType"], storage, request)
    storage_settings.check_storage(instance.engine, storage, found)


def _backups(call: Call, instance: Instance, request: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if request.get("BackupRetentionPeriod") is not None:
        fields["retention"] = instance_settings.retention(request["BackupRetentionPeriod"])
        if not fields["retention"] and lookup.replicas(call.records, instance.resource_id):
            raise ServiceFault(
                "InvalidDBInstanceStateFault",
                "Backups cannot be disabled on this instance because it is the source of read replicas.",
            )
    if request.get("PreferredBackupWindow"):
        fields["backup_window"] = windows.backup_window(request["PreferredBackupWindow"])
    if request.get("PreferredMaintenanceWindow"):
        fields["maintenance_window"] = windows.maintenance_window(request["PreferredMaintenanceWindow"])
    if "backup_window" in fields or "maintenance_window" in fields:
        windows.apart(
            fields.get("backup_window", instance.backup_window),
            fields.get("maintenance_window", instance.maintenance_window),
        )
    return fields


def _groups(call: Call, instance: Instance, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the groups of a request; those of another major version come with it, when its time has come."""
    engine = engine_names.named(instance.engine)
    if request.get("EngineVersion"):
        version = upgrade_paths.chosen(call, instance, request)
        if along := upgrade_paths.groups(call, instance, request, version):
            return {"upgrade": along}
    fields: dict[str, Any] = {}
    if request.get("DBParameterGroupName"):
        fields["parameter_group"] = new_instances.parameter_group(
            call.records, request["DBParameterGroupName"], engine.family(instance.version)
        )
    if request.get("OptionGroupName"):
        fields["option_group"] = new_instances.option_group(
            call.records, request["OptionGroupName"], engine, instance.version
        )
    return fields


def _new_name(call: Call, instance: Instance, name: str) -> str:
    identifier = names.identifier(name, "NewDBInstanceIdentifier")
    if identifier != instance.identifier and call.records.find(Instance, identifier) is not None:
        raise ServiceFault("DBInstanceAlreadyExistsFault", "DB instance already exists")
    return identifier

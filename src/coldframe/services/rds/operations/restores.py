"""Instances made of back-ups: of a snapshot, or of another instance as it was at a moment."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    answers,
    arns,
    engine_names,
    jobs,
    lookup,
    new_instances,
    storage_keys,
    tagging,
)
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.new_instances import Origin
from coldframe.services.rds.records import AutomatedBackup, Instance, Snapshot
from coldframe.services.rds.storage_keys import Keys
from coldframe.services.rds.times import milliseconds, moment

# What a restored instance has by default and not from what it is made of.
_OF_ITS_OWN = (
    *("DBParameterGroupName", "VpcSecurityGroupIds"),
    *("EnableIAMDatabaseAuthentication", "EnableCloudwatchLogsExports", "MaxAllocatedStorage"),
)


def restore_db_instance_from_db_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make an instance of a snapshot, encrypted under its KMS key where the snapshot is encrypted."""
    keys = storage_keys.rehearsed(call, lambda dry, keys: _of_snapshot(dry, request, keys))
    instance, snapshot = _of_snapshot(call, request, keys)
    call.start(jobs.restore_snapshot, instance.resource_id, snapshot.identifier)
    return {"DBInstance": answers.instance(call, instance)}


def _of_snapshot(call: Call, request: Mapping[str, Any], keys: Keys) -> tuple[Instance, Snapshot]:
    name = request.get("DBSnapshotIdentifier")
    if not name:
        raise bad_combination("DBSnapshotIdentifier must name a DB snapshot; DB clusters are not built here.")
    identifier = arns.taken_apart(name)[2] if name.startswith("arn:") else name.lower()
    snapshot = call.records.find(Snapshot, identifier)
    if snapshot is None:
        raise ServiceFault("DBSnapshotNotFoundFault", f"DBSnapshot not found: {name}")
    if snapshot.status != "available":
        raise ServiceFault(
            "InvalidDBSnapshotStateFault", f"The snapshot {snapshot.identifier} is not available."
        )
    return _new(call, request, snapshot, request["DBInstanceIdentifier"], keys), snapshot


def restore_db_instance_to_point_in_time(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make an instance of another one's data as they were at a moment, or at the latest that is archived."""
    keys = storage_keys.rehearsed(call, lambda dry, keys: _of_backup(dry, request, keys))
    instance, backup, until = _of_backup(call, request, keys)
    call.start(jobs.restore_to_moment, instance.resource_id, backup.resource_id, backup.identifier, until)
    return {"DBInstance": answers.instance(call, instance)}


def _of_backup(call: Call, request: Mapping[str, Any], keys: Keys) -> tuple[Instance, AutomatedBackup, int]:
    """Add the record of an instance of a moment; returns with it the backup, and the moment: 0 for the latest."""
    backup = _backup(call, request)
    if bool(request.get("UseLatestRestorableTime")) == bool(request.get("RestoreTime")):
        raise bad_combination("Specify either RestoreTime or UseLatestRestorableTime.")
    if not backup.earliest:
        raise ServiceFault("InvalidDBInstanceStateFault", f"Instance {backup.identifier} has no backup yet.")
    source = lookup.by_resource(call.records, backup.resource_id)
    latest = call.now if source is not None and source.wanted == "running" else backup.latest
    until = latest if request.get("UseLatestRestorableTime") else milliseconds(request["RestoreTime"])
    if not backup.earliest <= until <= latest:
        raise ServiceFault(
            "InvalidRestoreFault",
            f"The specified time is not between {moment(backup.earliest).isoformat()} and {moment(latest).isoformat()}.",
        )
    version = _version_at(call, backup, until)
    instance = _new(call, request, backup, request["TargetDBInstanceIdentifier"], keys, version)
    # The latest is everything that is archived, down to the last change of this second.
    return instance, backup, 0 if request.get("UseLatestRestorableTime") else until


def _version_at(call: Call, backup: AutomatedBackup, until: int) -> str:
    """Return the version that the data were of at a moment; raises InvalidRestoreFault between an upgrade and its snapshot."""
    rows = call.records.list(Snapshot, where={"resource_id": backup.resource_id, "kind": "automated"})
    before = [row for row in rows if row.status == "available" and row.created <= until]
    found = max(before, key=lambda row: row.created).version if before else backup.version
    major = engine_names.named(backup.engine).major
    if major(found) != major(backup.version) and until >= backup.upgraded:
        raise ServiceFault(
            "InvalidRestoreFault",
            f"There is no snapshot of {backup.identifier} in version {backup.version} before that time yet.",
        )
    return found


def _new(
    call: Call,
    request: Mapping[str, Any],
    made_of: Snapshot | AutomatedBackup,
    name: str,
    keys: Keys,
    version: str = "",
) -> Instance:
    if request.get("Engine") and engine_names.named(request["Engine"]).name != made_of.engine:
        raise bad_combination(f"A back-up of {made_of.engine} is restored by {made_of.engine} alone.")
    if request.get("DBName"):
        raise bad_combination(
            f"DBName can't be specified for {made_of.engine}: the databases are those of the back-up."
        )
    identifier = lookup.new_identifier(name)
    version = call.part(Databases).version(
        made_of.engine, _installed(call, made_of.engine, version or made_of.version)
    )
    inherited = {
        name: value for name, value in new_instances.inherited(made_of).items() if name not in _OF_ITS_OWN
    }
    if request.get("StorageType") not in {None, inherited.get("StorageType")}:
        inherited = {
            name: value for name, value in inherited.items() if name not in {"Iops", "StorageThroughput"}
        }
    if (request.get("AllocatedStorage") or made_of.storage) < made_of.storage:
        raise bad_value("The allocated storage size can't be less than the source snapshot or backup size.")
    wanted = {
        **inherited,
        "Port": made_of.port,
        "AvailabilityZone": None,
        **{member: value for member, value in request.items() if value is not None},
    }
    origin = Origin(
        engine=made_of.engine,
        version=version,
        master=made_of.master,
        database=made_of.database,
        optimized_writes=made_of.optimized_writes if isinstance(made_of, Snapshot) else False,
        **storage_keys.owned(keys.of(made_of.encryption.kms_key) if made_of.encryption is not None else None),
    )
    arn = arns.made(call.account, call.region, "db", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn) or _tags(call, made_of)
    return new_instances.lay_in(call, identifier, origin, wanted, tags)


def _tags(call: Call, made_of: Snapshot | AutomatedBackup) -> dict[str, str]:
    """Return the tags of what a restore without tags is made of: those of the instance of a snapshot, while it is there."""
    if not isinstance(made_of, Snapshot):
        return {}
    source = lookup.by_resource(call.records, made_of.resource_id)
    return source.tags if source is not None else made_of.tags


def _installed(call: Call, engine: str, version: str) -> str:
    """Return a version if it is still here, else the major that it is of."""
    here = {each.number for each in call.part(Databases).versions(engine)}
    return version if version in here else engine_names.named(engine).major(version)


def _backup(call: Call, request: Mapping[str, Any]) -> AutomatedBackup:
    """Return the automated backups that a restore names: by instance, resource id or ARN."""
    rows = call.records.list(AutomatedBackup)
    if arn := request.get("SourceDBInstanceAutomatedBackupsArn"):
        found = [row for row in rows if row.id == arns.taken_apart(arn)[2]]
        if not found:
            raise ServiceFault("DBInstanceAutomatedBackupNotFoundFault", f"{arn} not found.")
    elif resource_id := request.get("SourceDbiResourceId"):
        found = [row for row in rows if row.resource_id == resource_id]
        if not found:
            raise ServiceFault("DBInstanceAutomatedBackupNotFoundFault", f"{resource_id} not found.")
    elif name := request.get("SourceDBInstanceIdentifier"):
        instance = lookup.instance_named(call, name)
        found = [row for row in rows if row.resource_id == instance.resource_id]
        if not found:
            raise ServiceFault(
                "PointInTimeRestoreNotEnabledFault",
                f"Point in time restore is not enabled for {instance.identifier}: its backup retention period is 0.",
            )
    else:
        raise bad_value("SourceDBInstanceIdentifier or SourceDbiResourceId must be specified.")
    return found[0]

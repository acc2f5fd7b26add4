"""What takes an instance down or up: reboot, stop, start; and read replicas: made, promoted."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    answers,
    arns,
    instance_settings,
    jobs,
    lookup,
    names,
    new_instances,
    quotas,
    snapshotting,
    stages,
    storage_keys,
    tagging,
    windows,
)
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.clusters import states as cluster_states
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, wrong_state
from coldframe.services.rds.new_instances import Origin
from coldframe.services.rds.records import Instance
from coldframe.services.rds.storage_keys import Keys


def reboot_db_instance(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Restart an instance; clients are cut off."""
    instance = lookup.available(lookup.instance_named(call, request["DBInstanceIdentifier"]))
    if request.get("ForceFailover") and not instance.about.get("MultiAZ"):
        raise bad_combination("Force failover cannot be specified for a single-AZ instance.")
    if instance.cluster:
        cluster_states.may_reboot(call.records, instance)
        instance = cluster_states.begin_reboot(call.records, call.part(Databases), instance)
        return {"DBInstance": answers.instance(call, instance)}
    instance = call.records.change(instance, status="rebooting")
    call.start(jobs.reboot_instance, instance.resource_id)
    return {"DBInstance": answers.instance(call, instance)}


def stop_db_instance(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Stop an instance for seven days at most, after a snapshot where one is asked for."""
    instance = lookup.available(lookup.instance_named(call, request["DBInstanceIdentifier"]))
    if instance.cluster:
        raise wrong_state(
            f"Instance {instance.identifier} is a member of a DB cluster; stop the cluster: aws rds stop-db-cluster"
        )
    if lookup.replicas(call.records, instance.resource_id):
        raise wrong_state("Cannot stop a DB instance that has a read replica.")
    if instance.source:
        raise wrong_state("Cannot stop a DB instance that is a read replica.")
    if members.deployment_of(call.records, instance.resource_id) is not None:
        raise wrong_state("Cannot stop a DB instance that is in a blue/green deployment.")
    name = request.get("DBSnapshotIdentifier") or ""
    if name:
        name = names.identifier(name, "DBSnapshotIdentifier", longest=255)
        row = snapshotting.new_snapshot(call.records, instance, name, "manual", {}, call.now)
        call.start(jobs.make_snapshot, row.identifier, instance.resource_id, "")
    instance = call.records.change(instance, status="stopping")
    call.start(jobs.stop_instance, instance.resource_id, name)
    return {"DBInstance": answers.instance(call, instance)}


def start_db_instance(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Start a stopped instance."""
    instance = lookup.instance_named(call, request["DBInstanceIdentifier"])
    if instance.cluster:
        raise wrong_state(
            f"Instance {instance.identifier} is a member of a DB cluster; start the cluster: aws rds start-db-cluster"
        )
    if instance.status not in {"stopped", stages.INACCESSIBLE}:
        raise wrong_state(f"Instance {instance.identifier} is not stopped, it cannot be started.")
    instance = call.records.change(instance, status="starting")
    call.start(jobs.start_instance, instance.resource_id)
    return {"DBInstance": answers.instance(call, instance)}


def create_db_instance_read_replica(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a copy of an instance that follows it, of encrypted storage where its source has that."""
    instance = _new_replica(
        call, request, storage_keys.rehearsed(call, lambda dry, keys: _new_replica(dry, request, keys))
    )
    call.start(jobs.create_replica, instance.resource_id)
    return {"DBInstance": answers.instance(call, instance)}


def _new_replica(call: Call, request: Mapping[str, Any], keys: Keys) -> Instance:
    if request.get("SourceDBClusterIdentifier") or not request.get("SourceDBInstanceIdentifier"):
        raise bad_combination(
            "SourceDBInstanceIdentifier must name a DB instance; a read replica of a DB cluster is not built here, add a"
            " reader to it."
        )
    source = lookup.available(
        lookup.instance_named(call, request["SourceDBInstanceIdentifier"]), "backing-up"
    )
    identifier = lookup.new_identifier(request["DBInstanceIdentifier"])
    if source.cluster:
        raise wrong_state(
            f"Instance {source.identifier} is a member of a DB cluster; add a reader to the cluster."
        )
    if not source.retention:
        raise ServiceFault(
            "InvalidDBInstanceStateFault",
            "Automated backups are not enabled for this database instance. To enable automated backups, use"
            " ModifyDBInstance to set the backup retention period to a non-zero value.",
        )
    if source.source and not members.is_green_primary(call.records, source):
        raise wrong_state("A read replica of a read replica is not built here; name its source.")
    quotas.within("ReadReplicasPerMaster", len(lookup.replicas(call.records, source.resource_id)))
    inherited = new_instances.inherited(source)
    if request.get("StorageType") not in {None, inherited.get("StorageType")}:
        inherited = {
            name: value for name, value in inherited.items() if name not in {"Iops", "StorageThroughput"}
        }
    wanted = {
        **inherited,
        # What a replica does by its own request alone.
        "EnableCloudwatchLogsExports": None,
        "EnableIAMDatabaseAuthentication": None,
        "MaxAllocatedStorage": None,
        "BackupRetentionPeriod": 0,
        "Port": lookup.endpoint_of(call.records, source).port,
        "AvailabilityZone": None,
        "MultiAZ": False,
        **{name: value for name, value in request.items() if value is not None},
    }
    encryption = None
    if source.encryption is not None:
        encryption = keys.of(request.get("KmsKeyId") or source.encryption.kms_key)
    elif request.get("KmsKeyId"):
        raise bad_combination("You can't create an encrypted read replica from an unencrypted DB instance.")
    origin = Origin(
        engine=source.engine,
        version=source.version,
        master=source.master,
        database=source.database,
        source=source.resource_id,
        optimized_writes=source.optimized_writes,
        **storage_keys.owned(encryption),
    )
    arn = arns.made(call.account, call.region, "db", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn)
    return new_instances.lay_in(call, identifier, origin, wanted, tags)


def promote_read_replica(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a read replica an instance of its own."""
    instance = lookup.available(lookup.instance_named(call, request["DBInstanceIdentifier"]))
    if not instance.source or instance.cluster:
        raise wrong_state(f"DB Instance is not a read replica: {instance.identifier}")
    days = request.get("BackupRetentionPeriod")
    fields: dict[str, Any] = {"status": "modifying"}
    fields["retention"] = instance_settings.retention(1 if days is None else days)
    if request.get("PreferredBackupWindow"):
        fields["backup_window"] = windows.backup_window(request["PreferredBackupWindow"])
    instance = call.records.change(instance, **fields)
    port = lookup.endpoint_of(call.records, instance).port
    new_instances.remember_backups(call.records, instance, port)
    call.start(jobs.promote_replica, instance.resource_id)
    return {"DBInstance": answers.instance(call, instance)}

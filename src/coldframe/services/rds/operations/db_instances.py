"""DB instances: created, described, modified, deleted."""

from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    answers,
    arns,
    engine_names,
    instance_settings,
    jobs,
    lookup,
    master_secrets,
    modifications,
    names,
    new_instances,
    pages,
    rotating,
    stages,
    storage_keys,
    storage_settings,
    tagging,
)
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters import new_members, states
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value, wrong_state
from coldframe.services.rds.master_secrets import Chosen
from coldframe.services.rds.new_instances import Origin
from coldframe.services.rds.records import Instance, Snapshot
from coldframe.services.rds.storage_keys import Keys

_DELETABLE = (
    "stopped",
    "failed",
    "incompatible-restore",
    stages.INACCESSIBLE,
    "incompatible-parameters",
    "storage-full",
)


def create_db_instance(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Create an instance of an engine that is installed here; a job lays it in and starts it."""
    engine = engine_names.named(request["Engine"])
    if request.get("DBClusterIdentifier"):
        return {"DBInstance": answers.instance(call, new_members.of_request(call, request))}
    if not engine.alone:
        raise bad_value(
            f"DB instances of {engine.name} are members of a DB cluster: DBClusterIdentifier must be specified."
        )
    identifier = lookup.new_identifier(request["DBInstanceIdentifier"])
    if not request.get("MasterUsername"):
        raise bad_value("The parameter MasterUsername must be provided and must not be blank.")
    master = names.master_user(request["MasterUsername"], engine)
    databases, kind = (
        call.part(Databases),
        request.get("StorageType") or ("io1" if request.get("Iops") else "gp3"),
    )
    storage_settings.refuse_rates(engine.name, kind, storage_settings.storage_of(request), request)
    origin = Origin(
        engine=engine.name,
        version=databases.version(engine.name, request.get("EngineVersion") or ""),
        master=master,
        database=names.database(request["DBName"], engine) if request.get("DBName") else "",
    )
    arn = arns.made(call.account, call.region, "db", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn)
    chosen = Chosen(request.get("MasterUserPassword") or "")
    managed = master_secrets.check_new(request, engine)

    def lay_in(call: Call, keys: Keys) -> Instance:
        encrypted = replace(origin, **storage_keys.owned(keys.of_request(request, engine.name)))
        return new_instances.lay_in(call, identifier, encrypted, request, tags)

    keys = Keys()
    if managed or request.get("StorageEncrypted"):
        keys = storage_keys.rehearsed(call, lay_in)
    if managed:
        chosen = master_secrets.made(call, identifier, master, request.get("MasterUserSecretKmsKeyId"))
    instance = lay_in(call, keys)
    waiting = {"MasterUserPassword": "****"}
    instance = call.records.change(instance, secret=chosen.secret, secret_key=chosen.key, pending=waiting)
    sealed = databases.sealed(instance.resource_id, chosen.password)
    call.start(jobs.create_instance, instance.resource_id, sealed)
    return {"DBInstance": answers.instance(call, instance)}


def describe_db_instances(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one instance, or a page of all that the filters let through, by identifier."""
    named = request.get("DBInstanceIdentifier")
    if named and request.get("Filters"):
        rows, request = call.records.list(Instance), pages.together(request, "db-instance-id", named)
    else:
        rows = [lookup.instance_named(call, named)] if named else call.records.list(Instance)
    found = pages.filtered(
        request,
        rows,
        {
            "db-instance-id": lambda row: {
                row.identifier,
                arns.made(call.account, call.region, "db", row.identifier),
            },
            "dbi-resource-id": lambda row: row.resource_id,
            "db-cluster-id": lambda row: _cluster_names(call, row),
            "domain": lambda _: (),
            "engine": lambda row: row.engine,
        },
    )
    if named and not found:
        raise ServiceFault("DBInstanceNotFoundFault", f"DBInstance {named} not found.")
    page, marker = pages.page(call, request, found, lambda row: row.identifier)
    return {"DBInstances": [answers.instance(call, row) for row in page], **marker}


def modify_db_instance(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change an instance: some of it now, the rest at once or in the next maintenance window."""
    chosen = Chosen(request.get("MasterUserPassword") or "")
    if request.get("ManageMasterUserPassword"):
        found: list[Instance] = []

        def look(dry: Call) -> None:
            found.append(lookup.instance_named(dry, request["DBInstanceIdentifier"]))
            _modify(dry, request, chosen)

        master_secrets.rehearse(call, look)
        chosen = master_secrets.changed(call, found[0], request)
    return {"DBInstance": answers.instance(call, _modify(call, request, chosen))}


def _modify(call: Call, request: dict[str, Any], chosen: Chosen) -> Instance:
    instance = lookup.available(
        lookup.instance_named(call, request["DBInstanceIdentifier"]), "stopped", "storage-full"
    )
    instance_settings.refuse_unbuilt(request)
    new_members.refuse_of_cluster(instance, request)
    master_secrets.check_change(instance, request, engine_names.named(instance.engine))
    sealed, rotated = "", ""
    if chosen.password:
        sealed = call.part(Databases).sealed(instance.resource_id, chosen.password)
        if instance.secret and not chosen.secret:
            master_secrets.forget(call, instance.secret)
        instance = call.records.change(
            instance, secret=chosen.secret, secret_key=chosen.key, secret_status=chosen.status
        )
    elif rotated := master_secrets.rotates(call, instance, request):
        instance = call.records.change(instance, secret_status=rotating.ROTATING)
    instance = modifications.now(call, instance, request)
    later = modifications.later(call, instance, request)
    if instance.cluster and "DBInstanceClass" in later and request.get("ApplyImmediately"):
        # The writer may not wait for a reader that restarts.
        states.may_reboot(call.records, instance)
        size = later.pop("DBInstanceClass")
        instance = states.begin_reboot(call.records, call.part(Databases), instance, size)
        instance = call.records.change(instance, pending={**instance.pending, "DBInstanceClass": size})
    waiting = set(instance.pending) - modifications.taken_back(request, later)
    pending = {name: value for name, value in instance.pending.items() if name in waiting}
    pending |= {**later, **({"MasterUserPassword": "****"} if sealed or rotated else {})}
    instance = call.records.change(instance, pending=pending)
    now = modifications.at_once(instance, request, later)
    if sealed or rotated or now:
        if instance.status == "stopped":
            raise wrong_state(f"Instance {instance.identifier} is not in available state.")
        instance = call.records.change(instance, status=modifications.status(now, sealed or rotated))
        call.start(jobs.apply_pending, instance.resource_id, list(now), sealed, rotated)
    return instance


def delete_db_instance(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete an instance, with a last snapshot unless that is to be skipped; its replicas become instances of their own."""
    instance = lookup.instance_named(call, request["DBInstanceIdentifier"])
    if instance.cluster:
        return {"DBInstance": answers.instance(call, _delete_member(call, instance, request))}
    if instance.protected:
        raise bad_combination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again."
        )
    final = _final_snapshot(call, instance, request)
    if instance.status == "deleting":
        raise wrong_state(f"Instance {instance.identifier} is already being deleted.")
    lookup.available(instance, *_DELETABLE)
    if instance.deployment and lookup.switching_over(call.records, instance.deployment):
        raise wrong_state(f"Instance {instance.identifier} is in a switchover.")
    instance = call.records.change(instance, status="deleting")
    keep = request.get("DeleteAutomatedBackups") is False
    for replica in lookup.replicas(call.records, instance.resource_id):
        if replica.status == "available":
            call.records.change(replica, status="modifying")
        call.start(jobs.promote_replica, replica.resource_id)
    if instance.secret:
        master_secrets.forget(call, instance.secret)
    call.start(jobs.delete_instance, instance.resource_id, final, keep)
    return {"DBInstance": answers.instance(call, instance)}


def _delete_member(call: Call, instance: Instance, request: dict[str, Any]) -> Instance:
    """Delete a member of a cluster, whose data the cluster keeps."""
    cluster = clusters.expect(call.records, instance.cluster)
    if request.get("FinalDBSnapshotIdentifier"):
        raise bad_combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting a member of a DB cluster; delete the cluster"
            " with a final snapshot."
        )
    if instance.status == "deleting":
        raise wrong_state(f"Instance {instance.identifier} is already being deleted.")
    if cluster.instance_class:
        raise clusters.wrong_state(
            f"Instance {instance.identifier} is part of the Multi-AZ DB cluster {cluster.identifier} and is deleted with it."
        )
    if cluster.deployment and cluster.writer == instance.resource_id:
        raise wrong_state(
            f"Instance {instance.identifier} is the writer of the green environment of the blue/green deployment"
            f" {cluster.deployment}; delete that with its green databases."
        )
    lookup.available(instance, "rebooting", *_DELETABLE)
    instance = call.records.change(instance, status="deleting")
    call.start(jobs.delete_member, instance.resource_id)
    return instance


def _cluster_names(call: Call, instance: Instance) -> set[str]:
    found = clusters.by_resource(call.records, instance.cluster)
    if found is None:
        return set()
    return {found.identifier, arns.made(call.account, call.region, "cluster", found.identifier)}


def _final_snapshot(call: Call, instance: Instance, request: dict[str, Any]) -> str:
    """Return the name of the last snapshot, empty when there is to be none; raises InvalidParameterCombination."""
    name, skip = request.get("FinalDBSnapshotIdentifier"), bool(request.get("SkipFinalSnapshot"))
    if name and skip:
        raise bad_combination(
            "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is true."
        )
    if name and instance.source and not instance.deployment:
        raise bad_combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance"
        )
    if not name and not skip and not instance.source:
        raise bad_combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    if not name:
        return ""
    if instance.status != "available":
        raise wrong_state(f"Instance {instance.identifier} is not in available state.")
    found = names.identifier(name, "FinalDBSnapshotIdentifier", longest=255)
    if call.records.find(Snapshot, found) is not None:
        raise ServiceFault(
            "DBSnapshotAlreadyExistsFault",
            f"Cannot create the snapshot because a snapshot with the identifier {found} already exists.",
        )
    return found

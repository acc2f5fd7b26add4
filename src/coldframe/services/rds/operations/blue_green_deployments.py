"""Blue/Green deployments: created, described, switched over, deleted."""

import re
from collections.abc import Mapping
from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    arns,
    engine_names,
    jobs,
    lookup,
    new_instances,
    pages,
    storage_keys,
    tagging,
)
from coldframe.services.rds.blue_green import green_clusters, guardrails, members, sources, standing
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters import new_clusters
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.new_instances import Origin
from coldframe.services.rds.records import Cluster, Deployment, Instance, Member
from coldframe.services.rds.storage_keys import Keys
from coldframe.services.rds.wrapped_keys import StorageKey

_NAME = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
_LEAST_TIMEOUT, _MOST_TIMEOUT, _TIMEOUT = 30, 3600, 300


def create_blue_green_deployment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin a copy of an instance and its read replicas, or of a cluster, of another version or class, with other parameters."""
    keys = storage_keys.rehearsed(call, lambda dry, keys: _new_deployment(dry, request, keys))
    row = _new_deployment(call, request, keys)
    call.start(jobs.provision_deployment, row.id)
    return {"BlueGreenDeployment": standing.answer(call, row)}


def _new_deployment(call: Call, request: Mapping[str, Any], keys: Keys) -> Deployment:
    """Add the records of a deployment and of its green side."""
    name = request["BlueGreenDeploymentName"]
    if len(name) > 60 or _NAME.fullmatch(name) is None:
        raise bad_value(
            "The parameter BlueGreenDeploymentName is not valid: 1 to 60 letters, digits and hyphens, beginning with a"
            " letter, not ending with a hyphen nor containing two consecutive hyphens."
        )
    if any(row.status != "DELETING" for row in call.records.list(Deployment, where={"name": name})):
        raise ServiceFault(
            "BlueGreenDeploymentAlreadyExistsFault",
            f"A blue/green deployment with the specified name {name} already exists.",
        )
    identifier = f"bgd-{ids.lower(16)}"
    source = sources.of_request(call, request)
    version = sources.version(call, source, request.get("TargetEngineVersion"))
    if isinstance(source, Cluster):
        found, tasks = _of_cluster(call, source, request, version, identifier, keys)
    else:
        found, tasks = _of_instance(call, source, request, version, identifier, keys)
    row = Deployment(
        id=identifier,
        name=name,
        status="PROVISIONING",
        created=call.now,
        members=found,
        tasks=[(task, "PENDING") for task in tasks],
        tags=tagging.of_new(
            call, request.get("Tags"), arns.made(call.account, call.region, "deployment", identifier)
        ),
        logical=engine_names.named(source.engine).part == "postgresql",
    )
    call.records.add(row)
    return row


def describe_blue_green_deployments(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one deployment, or a page of all."""
    named = request.get("BlueGreenDeploymentIdentifier")
    rows = [lookup.deployment_named(call, named)] if named else call.records.list(Deployment)
    answered = {row.id: standing.answer(call, row) for row in rows}
    found = pages.filtered(
        request,
        rows,
        {
            "blue-green-deployment-identifier": lambda row: row.id,
            "blue-green-deployment-name": lambda row: row.name,
            "source": lambda row: answered[row.id]["Source"],
            "target": lambda row: answered[row.id].get("Target", ""),
        },
    )
    page, marker = pages.page(call, request, found, lambda row: row.id)
    return {"BlueGreenDeployments": [answered[row.id] for row in page], **marker}


def switchover_blue_green_deployment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to switch over; guardrails that are not met cancel it, and the status says why."""
    row = lookup.deployment_named(call, request["BlueGreenDeploymentIdentifier"])
    timeout = request.get("SwitchoverTimeout")
    timeout = _TIMEOUT if timeout is None else timeout
    if not _LEAST_TIMEOUT <= timeout <= _MOST_TIMEOUT:
        raise bad_value(
            f"SwitchoverTimeout must be from {_LEAST_TIMEOUT} to {_MOST_TIMEOUT} seconds, not {timeout}."
        )
    status = standing.answer(call, row)["Status"]
    if status not in {"AVAILABLE", "SWITCHOVER_FAILED"}:
        raise _wrong_state(row, status)
    if why := guardrails.busy(call.records, members.sides(call.records, row.id)):
        raise ServiceFault("InvalidBlueGreenDeploymentStateFault", why)
    row = standing.set_status(
        call.records, row.id, "SWITCHOVER_IN_PROGRESS", members="SWITCHOVER_IN_PROGRESS"
    )
    call.start(jobs.switch_over, row.id, timeout)
    return {"BlueGreenDeployment": standing.answer(call, row)}


def delete_blue_green_deployment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a deployment; before a switchover its green side is deleted with it, or left to stand alone."""
    row = lookup.deployment_named(call, request["BlueGreenDeploymentIdentifier"])
    switched = row.status == "SWITCHOVER_COMPLETED"
    if request.get("DeleteTarget") and switched:
        raise bad_combination(
            "You can't specify DeleteTarget if the blue/green deployment status is SWITCHOVER_COMPLETED."
        )
    if row.status in {"SWITCHOVER_IN_PROGRESS", "PROVISIONING", "DELETING"}:
        raise _wrong_state(row, row.status)
    if request.get("DeleteTarget"):
        for member in row.members:
            green = lookup.by_resource(call.records, member.target)
            if green is not None and green.protected:
                raise bad_combination(f"Cannot delete protected DB Instance {green.identifier}.")
            cluster = clusters.by_resource(call.records, member.target)
            if cluster is not None and cluster.protected:
                raise bad_combination(f"Cannot delete protected DB cluster {cluster.identifier}.")
    row = call.records.change(row, status="DELETING", deleted=call.now)
    call.start(jobs.delete_deployment, row.id, bool(request.get("DeleteTarget")), switched)
    return {"BlueGreenDeployment": standing.answer(call, row)}


def _of_instance(
    call: Call, source: Instance, request: Mapping[str, Any], version: str, deployment: str, keys: Keys
) -> tuple[list[Member], list[str]]:
    """Add the green side of an instance and its replicas; returns the members and the tasks."""
    replicas = [row for row in lookup.replicas(call.records, source.resource_id) if not row.deployment]
    environment = [("db", each.identifier) for each in (source, *replicas)]
    kms_keys = sources.check_configurations(call, request, environment)

    def key_of(blue: Instance) -> StorageKey | None:
        present = blue.encryption.kms_key if blue.encryption is not None else None
        wanted = kms_keys.get(arns.made(call.account, call.region, "db", blue.identifier), present)
        return keys.of(wanted) if wanted is not None else None

    tasks = [standing.REPLICA]
    tasks += [standing.UPGRADE] if version != source.version else []
    tasks += [standing.BACKUPS]
    tasks += [standing.TOPOLOGY] if replicas else []
    primary = _green(call, source, request, version, source.resource_id, deployment, key_of(source))
    greens = [(source, primary)]
    for replica in replicas:
        lookup.available(replica, "backing-up")
        key = key_of(replica)
        greens.append(
            (replica, _green(call, replica, request, version, primary.resource_id, deployment, key))
        )
    found = [
        _member(call, blue, green, "replica" if number else "primary")
        for number, (blue, green) in enumerate(greens)
    ]
    return found, tasks


def _of_cluster(
    call: Call, source: Cluster, request: Mapping[str, Any], version: str, deployment: str, keys: Keys
) -> tuple[list[Member], list[str]]:
    """Add the green side of a cluster, its members and custom endpoints; returns the members and the tasks."""
    rows = clusters.members(call.records, source)
    environment = [("cluster", source.identifier), *(("db", row.identifier) for row in rows)]
    kms_keys = sources.check_configurations(call, request, environment)
    own = arns.made(call.account, call.region, "cluster", source.identifier)
    if kms_keys.keys() - {own}:
        raise bad_combination("TargetKmsKeyId: the members of a DB cluster have the key of the cluster.")
    wanted = kms_keys.get(own, source.encryption.kms_key if source.encryption is not None else None)
    key = keys.of(wanted, owner=new_clusters.new_resource_id()) if wanted is not None else None
    found = green_clusters.add(call, source, request, version, deployment, key)
    tasks = [standing.REPLICA]
    tasks += [standing.UPGRADE] if version != source.version else []
    tasks += [standing.INSTANCES]
    tasks += [standing.ENDPOINTS] if any(each.kind == "cluster-endpoint" for each in found) else []
    return found, tasks


def _green(
    call: Call,
    blue: Instance,
    request: Mapping[str, Any],
    version: str,
    source: str,
    deployment: str,
    key: StorageKey | None,
) -> Instance:
    """Add the records of a green instance, which is as its blue one but for what the request says."""
    engine = engine_names.named(blue.engine)
    same_family = engine.family(version) == engine.family(blue.version)
    wanted = {
        **new_instances.inherited(blue),
        "Port": lookup.endpoint_of(call.records, blue).port,
        "DeletionProtection": False,
    }
    if not same_family:
        wanted |= {"DBParameterGroupName": None, "OptionGroupName": None}
    for member, kept in (
        ("TargetDBParameterGroupName", "DBParameterGroupName"),
        ("TargetDBInstanceClass", "DBInstanceClass"),
        ("TargetStorageType", "StorageType"),
        ("TargetIops", "Iops"),
        ("TargetAllocatedStorage", "AllocatedStorage"),
        ("TargetStorageThroughput", "StorageThroughput"),
    ):
        if request.get(member) is not None:
            wanted[kept] = request[member]
    if request.get("TargetStorageType") and not request.get("TargetIops"):
        wanted |= {"Iops": None, "StorageThroughput": request.get("TargetStorageThroughput")}
    origin = Origin(
        engine=blue.engine,
        version=version,
        master=blue.master,
        database=blue.database,
        source=source,
        deployment=deployment,
        optimized_writes=blue.optimized_writes,
        **storage_keys.owned(key),
    )
    name = green_clusters.name_of(blue.identifier)
    return new_instances.lay_in(call, name, origin, wanted, dict(blue.tags))


def _member(call: Call, blue: Instance, green: Instance, role: members.Role) -> Member:
    return Member(
        source=blue.resource_id,
        target=green.resource_id,
        source_arn=arns.made(call.account, call.region, "db", blue.identifier),
        target_arn=arns.made(call.account, call.region, "db", green.identifier),
        status="PROVISIONING",
        role=role,
    )


def _wrong_state(row: Deployment, status: str) -> ServiceFault:
    return ServiceFault(
        "InvalidBlueGreenDeploymentStateFault",
        f"The blue/green deployment {row.id} is {status}, so this can't be done with it now.",
    )

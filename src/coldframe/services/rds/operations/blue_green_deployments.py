"""Blue/Green deployments: created, described, switched over, deleted."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    arns,
    engine_names,
    instance_settings,
    jobs,
    lookup,
    new_instances,
    pages,
    tagging,
)
from coldframe.services.rds.blue_green import guardrails, members
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.new_instances import Origin
from coldframe.services.rds.records import Deployment, Instance, Member

_NAME = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
_LONGEST, _SUFFIX = 63, 6
_LEAST_TIMEOUT, _MOST_TIMEOUT, _TIMEOUT = 30, 3600, 300


def create_blue_green_deployment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin a copy of an instance and its read replicas, of another version, class or parameter group where wanted."""
    name = request["BlueGreenDeploymentName"]
    if len(name) > 60 or _NAME.fullmatch(name) is None:
        raise bad_value(
            "The parameter BlueGreenDeploymentName is not valid: 1 to 60 letters, digits and hyphens, beginning with a"
            " letter, not ending with a hyphen nor containing two consecutive hyphens."
        )
    if any(row.status != "DELETING" for row in call.records.list(Deployment, where={"name": name})):
        raise ServiceFault(
            "BlueGreenDeploymentAlreadyExistsFault", f"A blue/green deployment named {name} already exists."
        )
    if request.get("TargetDBClusterParameterGroupName"):
        raise bad_combination("TargetDBClusterParameterGroupName is for DB clusters.")
    source = _source(call, request["Source"])
    version = _version(call, source, request.get("TargetEngineVersion"))
    if source.secret:
        raise ServiceFault(
            "SourceDatabaseNotSupportedFault",
            "Blue/green deployments don't support managing master user passwords with AWS Secrets Manager: turn it off"
            f" on {source.identifier} with ModifyDBInstance and a password of its own.",
        )
    identifier = f"bgd-{ids.lower(16)}"
    arn = arns.made(call.account, call.region, "deployment", identifier)
    replicas = [row for row in lookup.replicas(call.records, source.resource_id) if not row.deployment]
    _check_configurations(call, request.get("TargetResourceConfigurations") or (), [source, *replicas])
    tasks = [members.REPLICA]
    tasks += [members.UPGRADE] if version != source.version else []
    tasks += [members.BACKUPS]
    tasks += [members.TOPOLOGY] if replicas else []
    primary = _green(call, source, request, version, source.resource_id, identifier)
    greens = [(source, primary)]
    for replica in replicas:
        lookup.available(replica, "backing-up")
        greens.append((replica, _green(call, replica, request, version, primary.resource_id, identifier)))
    row = Deployment(
        id=identifier,
        name=name,
        status="PROVISIONING",
        created=call.now,
        members=[
            _member(call, blue, green, "replica" if number else "primary")
            for number, (blue, green) in enumerate(greens)
        ],
        tasks=[(task, "PENDING") for task in tasks],
        tags=tagging.of_new(call, request.get("Tags"), arn),
        logical=source.engine == "postgres",
    )
    call.records.add(row)
    call.start(jobs.provision_deployment, identifier)
    return {"BlueGreenDeployment": members.answer(call, row)}


def describe_blue_green_deployments(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one deployment, or a page of all."""
    named = request.get("BlueGreenDeploymentIdentifier")
    rows = [lookup.deployment_named(call, named)] if named else call.records.list(Deployment)
    answered = {row.id: members.answer(call, row) for row in rows}
    found = pages.filtered(
        request,
        rows,
        {
            "blue-green-deployment-identifier": lambda row: row.id,
            "blue-green-deployment-name": lambda row: row.name,
            "source": lambda row: answered[row.id]["Source"],
            "target": lambda row: answered[row.id]["Target"],
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
    status = members.answer(call, row)["Status"]
    if status not in {"AVAILABLE", "SWITCHOVER_FAILED"}:
        raise _wrong_state(row, status)
    for pair in members.pairs(call.records, row.id):
        for instance in (pair.blue, pair.green):
            if why := guardrails.member_state(instance):
                raise ServiceFault("InvalidBlueGreenDeploymentStateFault", why)
    row = members.set_status(call.records, row.id, "SWITCHOVER_IN_PROGRESS", members="SWITCHOVER_IN_PROGRESS")
    call.start(jobs.switch_over, row.id, timeout)
    return {"BlueGreenDeployment": members.answer(call, row)}


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
    row = call.records.change(row, status="DELETING", deleted=call.now)
    call.start(jobs.delete_deployment, row.id, bool(request.get("DeleteTarget")), switched)
    return {"BlueGreenDeployment": members.answer(call, row)}


def _source(call: Call, text: str) -> Instance:
    """Return the instance that a deployment is to be made of; raises the modelled fault that says why it cannot."""
    arn, kind, name = arns.taken_apart(text, "Source")
    if kind == "cluster":
        clusters.cluster_named(call, text)
        raise ServiceFault(
            "SourceClusterNotSupportedFault",
            f"The source DB cluster isn't supported: blue/green deployments of clusters are not built here ({name}).",
        )
    if kind != "db" or (arn.account, arn.region) != (call.account, call.region):
        raise ServiceFault(
            "SourceDatabaseNotSupportedFault", f"The source DB instance isn't supported: {text}"
        )
    instance = lookup.available(call.records.get(Instance, name))
    if instance.cluster:
        raise ServiceFault(
            "SourceDatabaseNotSupportedFault",
            f"The source {instance.identifier} is a member of a DB cluster; blue/green deployments of clusters are not built here.",
        )
    if instance.source:
        raise ServiceFault(
            "SourceDatabaseNotSupportedFault",
            f"The source {instance.identifier} is a read replica; name the instance that it follows.",
        )
    if not instance.retention:
        raise ServiceFault(
            "SourceDatabaseNotSupportedFault",
            f"The source {instance.identifier} must have automated backups enabled: set its backup retention period.",
        )
    other = members.deployment_of(call.records, instance.resource_id)
    if other is not None:
        raise ServiceFault(
            "SourceDatabaseNotSupportedFault",
            f"The source {instance.identifier} is already in the blue/green deployment {other.id}.",
        )
    return instance


def _check_configurations(
    call: Call, wanted: Sequence[Mapping[str, Any]], environment: Sequence[Instance]
) -> None:
    """Check what a request says of single resources of blue; raises InvalidParameterValue and its kin.

    All that can be said is a key, and no database is encrypted here.
    """
    known = {arns.made(call.account, call.region, "db", each.identifier) for each in environment}
    seen = set()
    for each in wanted:
        arn = each["SourceArn"]
        if arn in seen:
            raise bad_value(f"TargetResourceConfigurations has more than one entry for SourceArn {arn}.")
        seen.add(arn)
        if arn not in known:
            raise bad_value(
                f"The SourceArn {arn} in TargetResourceConfigurations is no resource of the blue environment."
            )
        instance_settings.refuse_unbuilt({"KmsKeyId": each.get("TargetKmsKeyId")})


def _version(call: Call, source: Instance, wanted: str | None) -> str:
    if not wanted:
        return source.version
    version = call.part(Databases).version(source.engine, wanted)
    if engine_names.version_order(version) < engine_names.version_order(source.version):
        raise bad_combination(
            f"Cannot upgrade {source.engine} from {source.version} to {version}: the target is older than the source."
        )
    return version


def _green(
    call: Call, blue: Instance, request: Mapping[str, Any], version: str, source: str, deployment: str
) -> Instance:
    """Add the records of a green instance, which is as its blue one but for what the request says."""
    engine = engine_names.named(blue.engine)
    suffix = f"-green-{ids.lower(_SUFFIX)}"
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
    )
    name = f"{blue.identifier[: _LONGEST - len(suffix)].rstrip('-')}{suffix}"
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

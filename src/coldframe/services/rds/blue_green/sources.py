"""What a deployment may be made of: an instance or a cluster of this account that is well, and alone in its deployment."""

from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, engine_names, in_force, lookup
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value, wrong_state
from coldframe.services.rds.records import Instance

# What is said of the whole green side of a cluster whose members have classes of their own, and storage that grows by itself.
_OF_MEMBERS = {
    "TargetDBInstanceClass": "modify the members of the green cluster once it is there",
    "TargetIops": "the storage of its members is not provisioned",
    "TargetStorageType": "the storage of its members is not provisioned",
    "TargetAllocatedStorage": "the storage of its members is not provisioned",
}


def of_request(call: Call, request: Mapping[str, Any]) -> Instance | Cluster:
    """Return what a deployment is to be made of; raises the modelled fault that says why it cannot."""
    text = request["Source"]
    arn, kind, name = arns.taken_apart(text, "Source")
    if kind == "cluster":
        return _cluster(call, text, request)
    if request.get("TargetDBClusterParameterGroupName"):
        raise bad_combination("TargetDBClusterParameterGroupName is for DB clusters.")
    if kind != "db" or (arn.account, arn.region) != (call.account, call.region):
        raise _unsupported(f"The source DB instance isn't supported: {text}")
    return _instance(call, call.records.get(Instance, name))


def version(call: Call, source: Instance | Cluster, wanted: str | None) -> str:
    """Return the version of the green side; raises InvalidParameterCombination for an older or an unknown one."""
    if not wanted:
        return source.version
    found = call.part(Databases).version(source.engine, wanted)
    if engine_names.version_order(found) < engine_names.version_order(source.version):
        raise bad_combination(
            f"Cannot upgrade {source.engine} from {source.version} to {found}: the target is older than the source."
        )
    return found


def check_configurations(
    call: Call, request: Mapping[str, Any], environment: Sequence[tuple[Any, str]]
) -> dict[str, str]:
    """Return the KMS keys that a request names for the green ones of resources of blue, by ARN; raises InvalidParameterValue."""
    known = {arns.made(call.account, call.region, kind, name) for kind, name in environment}
    found: dict[str, str] = {}
    for each in request.get("TargetResourceConfigurations") or ():
        arn = each["SourceArn"]
        if arn in found:
            raise bad_value(f"TargetResourceConfigurations has more than one entry for SourceArn {arn}.")
        if arn not in known:
            raise bad_value(
                f"The SourceArn {arn} in TargetResourceConfigurations is no resource of the blue environment."
            )
        found[arn] = each.get("TargetKmsKeyId") or ""
    return {arn: key for arn, key in found.items() if key}


def _instance(call: Call, instance: Instance) -> Instance:
    lookup.available(instance)
    if instance.cluster:
        raise _unsupported(
            f"The source {instance.identifier} is a member of a DB cluster; name the cluster that it is in."
        )
    if instance.source:
        raise _unsupported(
            f"The source {instance.identifier} is a read replica; name the instance that it follows."
        )
    if not instance.retention:
        raise _unsupported(
            f"The source {instance.identifier} must have automated backups enabled: set its backup retention period."
        )
    other = members.deployment_of(call.records, instance.resource_id)
    if other is not None:
        raise _unsupported(
            f"The source {instance.identifier} is already in the blue/green deployment {other.id}."
        )
    if instance.secret:
        raise _unsupported(
            "Blue/green deployments don't support managing master user passwords with AWS Secrets Manager: turn it off"
            f" on {instance.identifier} with ModifyDBInstance and a password of its own."
        )
    return instance


def _cluster(call: Call, text: str, request: Mapping[str, Any]) -> Cluster:
    cluster = clusters.available(clusters.cluster_named(call, text))
    other = members.deployment_of(call.records, cluster.resource_id)
    if other is not None:
        raise _cluster_unsupported(
            f"The source {cluster.identifier} is already in the blue/green deployment {other.id}."
        )
    if cluster.retired:
        raise _cluster_unsupported(f"The source {cluster.identifier} was switched over and is read-only.")
    if cluster.secret:
        raise _cluster_unsupported(
            "Blue/green deployments don't support managing master user passwords with AWS Secrets Manager: turn it off"
            f" on {cluster.identifier} with ModifyDBCluster and a password of its own."
        )
    writer = clusters.writer(call.records, cluster)
    if writer is None:
        raise clusters.wrong_state(f"DBCluster {cluster.identifier} has no instances.")
    for row in clusters.members(call.records, cluster):
        lookup.available(row)
        if row.note:
            raise wrong_state(f"Instance {row.identifier} is not in available state.")
    if in_force.apply_status(call.records, writer) != "in-sync":
        raise _cluster_unsupported(
            f"The writer {writer.identifier} of {cluster.identifier} must be in sync with its parameter groups: reboot it."
        )
    if not cluster.instance_class:
        for member, why in _OF_MEMBERS.items():
            if request.get(member) is not None:
                raise bad_combination(f"{member} can't be specified for {cluster.engine} DB clusters: {why}.")
    if request.get("TargetStorageThroughput") is not None:
        raise bad_combination("TargetStorageThroughput can't be specified for DB clusters.")
    return cluster


def _unsupported(message: str) -> ServiceFault:
    return ServiceFault("SourceDatabaseNotSupportedFault", message)


def _cluster_unsupported(message: str) -> ServiceFault:
    return ServiceFault("SourceClusterNotSupportedFault", f"The source DB cluster isn't supported: {message}")

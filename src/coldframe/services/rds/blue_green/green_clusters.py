"""The green cluster of a deployment: its records, with members and custom endpoints as blue's, and how they come to be there."""

from collections.abc import Mapping
from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.jobs.run import Run
from coldframe.services.rds import arns, engine_names, events, new_instances
from coldframe.services.rds.clusters import doors, lookup, new_clusters, new_members, snapshotting
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Instance, Member
from coldframe.services.rds.wrapped_keys import StorageKey

_LONGEST, _SUFFIX = 63, 6
# What a request says of a Multi-AZ DB cluster, whose members are made with it; others have classes and storage of their own.
_OF_WHOLE = {
    "TargetDBInstanceClass": "DBClusterInstanceClass",
    "TargetStorageType": "StorageType",
    "TargetIops": "Iops",
    "TargetAllocatedStorage": "AllocatedStorage",
}


def name_of(identifier: str) -> str:
    """Return NAME-green-RANDOM6, cut to what an identifier may have."""
    suffix = f"-green-{ids.lower(_SUFFIX)}"
    return f"{identifier[: _LONGEST - len(suffix)].rstrip('-')}{suffix}"


def add(
    call: Call,
    blue: Cluster,
    request: Mapping[str, Any],
    version: str,
    deployment: str,
    key: StorageKey | None,
) -> list[Member]:
    """Add the records of a green cluster, which is as its blue one but for what the request says, and the key of its storage.

    Returns the members of the deployment, the clusters first, then their writers. Raises the faults of CreateDBCluster.
    """
    engine = engine_names.named(blue.engine)
    same_family = engine.family(version) == engine.family(blue.version)
    wanted = {
        **snapshotting.inherited(blue),
        "Port": blue.port,
        "DBClusterInstanceClass": blue.instance_class or None,
    }
    if not same_family:
        wanted["DBClusterParameterGroupName"] = None
    if group := request.get("TargetDBClusterParameterGroupName"):
        wanted["DBClusterParameterGroupName"] = group
    wanted |= {kept: request[name] for name, kept in _OF_WHOLE.items() if request.get(name) is not None}
    if request.get("TargetStorageType") and not request.get("TargetIops"):
        wanted["Iops"] = None
    origin = new_clusters.Origin(
        engine=blue.engine,
        version=version,
        master=blue.master,
        database=blue.database,
        deployment=deployment,
        encryption=key,
        resource_id=key.owner if key is not None else "",
    )
    green = new_clusters.lay_in(call, name_of(blue.identifier), origin, wanted, dict(blue.tags))
    found = [_member(call, "cluster", blue, green)]
    greens: dict[str, str] = {}
    for row in lookup.members(call.records, blue):
        copy = _add_instance(call, green, row, request, same_family, blue.writer)
        greens[row.resource_id] = copy.resource_id
        found.append(_member(call, "db", row, copy))
    endpoints = call.records.list(ClusterEndpoint, where={"cluster": blue.resource_id})
    return [
        *found,
        *(
            _member(call, "cluster-endpoint", row, _add_endpoint(call, green, row, greens))
            for row in endpoints
        ),
    ]


def has_data(records: Records, databases: Databases, resource_id: str) -> None:
    """Say that the data of a green cluster are its writer's, and begin the first backup of them."""
    found = lookup.by_resource(records, resource_id)
    if found is not None:
        found = records.change(found, laid_in=True, volume="")
        snapshotting.begin_automated(records, databases, found)


def is_there(records: Records, messenger: Messenger, resource_id: str) -> None:
    """Say that a green cluster is there with its members."""
    found = lookup.by_resource(records, resource_id)
    if found is not None and found.status == "creating":
        found = records.change(found, status="available", created=messenger.now(), note="")
        events.tell(records, messenger, found, "cluster_created")


def endpoints_are_there(records: Records, resource_id: str) -> None:
    """Say that the custom endpoints of a green cluster are there."""
    for row in records.list(ClusterEndpoint, where={"cluster": resource_id}):
        if row.status == "creating":
            records.change(row, status="available")


def open_doors(run: Run, resource_id: str) -> None:
    """Open the endpoints of a green cluster; for a step."""
    databases = run.part(Databases)
    found = doors.look(databases, run.account, run.region, resource_id)
    if found is not None:
        doors.open_writer(databases, found)
        doors.spread(databases, found)


def failed(records: Records, messenger: Messenger, resource_id: str, reason: str) -> None:
    """Mark a green cluster that could not be made."""
    found = lookup.by_resource(records, resource_id)
    if found is not None and found.status == "creating":
        found = records.change(found, status="failed", note=reason)
        events.tell(records, messenger, found, "cluster_failed", reason=reason)


def _add_instance(
    call: Call, green: Cluster, blue: Instance, request: Mapping[str, Any], same_family: bool, source: str
) -> Instance:
    """Add the records of a green member: the writer follows that of blue, the readers follow it."""
    wanted = {name: value for name, value in new_instances.inherited(blue).items() if value is not None}
    wanted.pop("OptionGroupName", None)
    if not same_family:
        wanted.pop("DBParameterGroupName", None)
    if group := request.get("TargetDBParameterGroupName"):
        wanted["DBParameterGroupName"] = group
    if green.instance_class:
        wanted["DBInstanceClass"] = green.instance_class
    row = new_members.lay_in(call, green, name_of(blue.identifier), wanted, dict(blue.tags))
    fields: dict[str, Any] = {"deployment": green.deployment, "optimized_writes": blue.optimized_writes}
    if not row.source:
        fields |= {"source": source, "read_only": True}
    return call.records.change(row, **fields)


def _add_endpoint(
    call: Call, green: Cluster, blue: ClusterEndpoint, greens: Mapping[str, str]
) -> ClusterEndpoint:
    row = ClusterEndpoint(
        identifier=name_of(blue.identifier),
        cluster=green.resource_id,
        resource_id=ids.unique_id("cluster-endpoint-", 26),
        endpoint=new_clusters.add_endpoint(
            call, engine_names.named(green.engine), green.port, tokens=green.token_sign_in
        ),
        kind=blue.kind,
        status="creating",
        static=[greens[each] for each in blue.static if each in greens],
        excluded=[greens[each] for each in blue.excluded if each in greens],
        tags=dict(blue.tags),
    )
    call.records.add(row)
    return row


def _member(
    call: Call,
    kind: Any,
    blue: Cluster | Instance | ClusterEndpoint,
    green: Cluster | Instance | ClusterEndpoint,
) -> Member:
    return Member(
        source=blue.resource_id,
        target=green.resource_id,
        source_arn=arns.made(call.account, call.region, kind, blue.identifier),
        target_arn=arns.made(call.account, call.region, kind, green.identifier),
        status="PROVISIONING",
        role="primary" if kind == "cluster" else "replica",
        kind=kind,
    )

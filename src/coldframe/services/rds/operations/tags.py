"""Tags of every kind of resource, by its ARN."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Record
from coldframe.services.rds import arns, tagging
from coldframe.services.rds.answers import tag_list
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint, ClusterSnapshot
from coldframe.services.rds.faults import bad_value
from coldframe.services.rds.records import (
    AutomatedBackup,
    Deployment,
    EventSubscription,
    Instance,
    OptionGroup,
    ParameterGroup,
    Snapshot,
    SubnetGroup,
)

_KINDS: dict[str, tuple[type[Record], tuple[str, ...]]] = {
    "db": (Instance, ()),
    "snapshot": (Snapshot, ()),
    "pg": (ParameterGroup, ("instance",)),
    "cluster-pg": (ParameterGroup, ("cluster",)),
    "og": (OptionGroup, ()),
    "subgrp": (SubnetGroup, ()),
    "es": (EventSubscription, ()),
    "deployment": (Deployment, ()),
    "cluster": (Cluster, ()),
    "cluster-snapshot": (ClusterSnapshot, ()),
    "cluster-endpoint": (ClusterEndpoint, ()),
}


def add_tags_to_resource(call: Call, request: dict[str, Any]) -> None:
    """Put tags to a resource; those with the same keys are replaced."""
    row = _found(call, request["ResourceName"])
    call.records.change(row, tags=tagging.checked(request["Tags"], row.tags))


def remove_tags_from_resource(call: Call, request: dict[str, Any]) -> None:
    """Take tags from a resource; keys that it has not are no error."""
    row = _found(call, request["ResourceName"])
    gone = set(request["TagKeys"])
    call.records.change(row, tags={key: value for key, value in row.tags.items() if key not in gone})


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of a resource."""
    return {"TagList": tag_list(_found(call, request["ResourceName"]).tags)}


def _found(call: Call, name: str) -> Any:
    arn, kind, identifier = arns.taken_apart(name)
    if (arn.account, arn.region) != (call.account, call.region):
        raise bad_value(f"The specified resource name does not match an RDS resource in this region: {name}")
    if kind == "auto-backup":
        rows = call.records.list(AutomatedBackup)
        found = next((row for row in rows if row.id == identifier), None)
        if found is None:
            raise ServiceFault("DBInstanceAutomatedBackupNotFoundFault", f"{name} not found.")
        return found
    if kind not in _KINDS:
        raise bad_value(f"The resource type {kind} of {name} is not known here.")
    record, prefix = _KINDS[kind]
    return call.records.get(record, *prefix, identifier)

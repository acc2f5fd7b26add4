"""Maintenance that waits: none, for the engines of this machine are updated by its operator."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns
from coldframe.services.rds.records import Instance


def describe_pending_maintenance_actions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no actions; a resource that is named must be there."""
    if name := request.get("ResourceIdentifier"):
        _expect(call, name)
    return {"PendingMaintenanceActions": []}


def apply_pending_maintenance_action(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Refuse: there is no action that waits."""
    _expect(call, request["ResourceIdentifier"])
    raise ServiceFault(
        "ResourceNotFoundFault", f"No pending maintenance action {request['ApplyAction']} was found."
    )


def _expect(call: Call, name: str) -> None:
    _, kind, identifier = arns.taken_apart(name, "ResourceIdentifier")
    if kind != "db" or call.records.find(Instance, identifier) is None:
        raise ServiceFault("ResourceNotFoundFault", f"The resource {name} was not found.")

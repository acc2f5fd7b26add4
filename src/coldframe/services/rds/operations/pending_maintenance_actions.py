"""Maintenance that waits: newer minor versions of the engines, once the operator has installed them."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, jobs, lookup, maintenance, pages, upgrade_paths
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_value
from coldframe.services.rds.records import Instance

_OPT_INS = ("immediate", "next-maintenance", "undo-opt-in")


def describe_pending_maintenance_actions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of the resources that have actions, by identifier; a resource that is named must be there."""
    name = request.get("ResourceIdentifier")
    rows = [_expect(call, name)] if name else call.records.list(Instance)
    databases = call.part(Databases)
    found = pages.filtered(
        request,
        [row for row in rows if row.ready and maintenance.action(databases, row, call.now)],
        {
            "db-instance-id": lambda row: {
                row.identifier,
                arns.made(call.account, call.region, "db", row.identifier),
            },
            "db-cluster-id": lambda _: (),
        },
    )
    page, marker = pages.page(call, request, found, lambda row: row.identifier)
    return {"PendingMaintenanceActions": [_waiting(call, row) for row in page], **marker}


def apply_pending_maintenance_action(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Bring an instance to its newest minor version: now, in its next window, or not in it after all."""
    instance = _expect(call, request["ResourceIdentifier"])
    databases, chosen = call.part(Databases), request["OptInType"]
    if chosen not in _OPT_INS:
        raise bad_value(f"Invalid opt-in type: {chosen}. Valid types: {', '.join(_OPT_INS)}")
    newer = upgrade_paths.newer_minor(databases, instance)
    if request["ApplyAction"] != maintenance.ACTION or not newer:
        raise ServiceFault(
            "ResourceNotFoundFault", f"No pending maintenance action {request['ApplyAction']} was found."
        )
    lookup.available(instance)
    others = {name: value for name, value in instance.pending.items() if name != "EngineVersion"}
    pending = others if chosen == "undo-opt-in" else {**others, "EngineVersion": newer}
    if chosen != "undo-opt-in":
        upgrade_paths.chosen(call, instance, {"EngineVersion": newer})
    instance = call.records.change(instance, pending=pending)
    if chosen == "immediate":
        instance = call.records.change(instance, status="upgrading")
        call.start(jobs.upgrade_instance, instance.resource_id, newer)
    return {"ResourcePendingMaintenanceActions": _waiting(call, instance)}


def _waiting(call: Call, row: Instance) -> dict[str, Any]:
    found = maintenance.action(call.part(Databases), row, call.now)
    return {
        "ResourceIdentifier": arns.made(call.account, call.region, "db", row.identifier),
        "PendingMaintenanceActionDetails": [found] if found else [],
    }


def _expect(call: Call, name: str) -> Instance:
    _, kind, identifier = arns.taken_apart(name, "ResourceIdentifier")
    found = call.records.find(Instance, identifier) if kind == "db" else None
    if found is None:
        raise ServiceFault("ResourceNotFoundFault", f"The resource {name} was not found.")
    return found

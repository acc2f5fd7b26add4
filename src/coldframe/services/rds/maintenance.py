"""Maintenance that waits for an instance: a newer minor version of its engine, which comes in its maintenance window."""

from typing import Any

from msgspec.structs import replace

from coldframe.services.rds import engine_names, upgrade_paths, windows
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance
from coldframe.services.rds.times import moment

ACTION = "db-upgrade"


def with_newer_minor(databases: Databases, instance: Instance) -> Instance:
    """Return an instance with its newest minor as what waits, if it is to have that by itself; else as it is."""
    newer = upgrade_paths.newer_minor(databases, instance)
    if not newer or not instance.about.get("AutoMinorVersionUpgrade") or instance.deployment:
        return instance
    return replace(instance, pending={**instance.pending, "EngineVersion": newer})


def action(databases: Databases, instance: Instance, now: int) -> dict[str, Any] | None:
    """Return the action that waits for an instance in the model's shape; None when there is none."""
    newer = upgrade_paths.newer_minor(databases, instance)
    if not newer:
        return None
    opted = instance.pending.get("EngineVersion") == newer
    found: dict[str, Any] = {
        "Action": ACTION,
        "Description": f"Automatic minor version upgrade to {engine_names.named(instance.engine).name} {newer}",
    }
    if opted:
        found["OptInStatus"] = "next-maintenance"
    if opted or instance.about.get("AutoMinorVersionUpgrade"):
        comes = moment(windows.next_begin(instance.maintenance_window, now))
        found |= {"CurrentApplyDate": comes}
        if not opted:
            found["AutoAppliedAfterDate"] = comes
    return found

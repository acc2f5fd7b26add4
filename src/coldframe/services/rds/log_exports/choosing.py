"""Which logs a modification switches on and off, and what that changes: they go to CloudWatch Logs from then on."""

from collections.abc import Iterable, Mapping
from typing import Any

from coldframe.core.records import Records
from coldframe.services.rds import engine_names, instance_settings
from coldframe.services.rds.log_exports.records import LogExport, forget
from coldframe.services.rds.records import Cluster, Instance

# The name of what waits in PendingModifiedValues.
EXPORTS = "PendingCloudwatchLogsExports"


def log_types(found: Instance | Cluster, request: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return which logs a request switches on and off, as PendingCloudwatchLogsExports; raises InvalidParameterCombination."""
    wanted = request.get("CloudwatchLogsExportConfiguration") or {}
    on, off = (set(wanted.get(name) or ()) for name in ("EnableLogTypes", "DisableLogTypes"))
    engine = engine_names.named(found.engine)
    instance_settings.changes({"EnableCloudwatchLogsExports": sorted(on | off)}, engine)
    present = set(found.about.get("EnabledCloudwatchLogsExports", ()))
    return {"LogTypesToEnable": sorted(on - off - present), "LogTypesToDisable": sorted(off & present)}


def with_log_types(about: Mapping[str, Any], pending: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return what is kept of an instance or a cluster once the logs that its modification switches are on or off."""
    present = set(about.get("EnabledCloudwatchLogsExports", ()))
    left = (present | set(pending["LogTypesToEnable"])) - set(pending["LogTypesToDisable"])
    return {**about, "EnabledCloudwatchLogsExports": sorted(left)}


def turn(
    records: Records,
    resource_id: str,
    members: Iterable[str],
    pending: Mapping[str, list[str]],
    now: int,
) -> None:
    """Note that logs are wanted from now on, or are not, as PendingCloudwatchLogsExports says; `members` are a cluster's."""
    on, off = pending["LogTypesToEnable"], pending["LogTypesToDisable"]
    for each in (resource_id, *members):
        for kind in (*on, *off):
            forget(records, each, kind)
        for kind in on:
            records.put(LogExport(resource_id=each, kind=kind, since=now))

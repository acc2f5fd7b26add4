"""Automated backups: described, and deleted once their instance is gone."""

from typing import Any

import msgspec

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import answers, arns, jobs, pages, snapshotting
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import AutomatedBackup, Snapshot


def describe_db_instance_automated_backups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the automated backups of one instance, or a page of all."""
    rows = call.records.list(AutomatedBackup)
    if resource_id := request.get("DbiResourceId"):
        rows = [row for row in rows if row.resource_id == resource_id]
    if name := request.get("DBInstanceIdentifier"):
        rows = [row for row in rows if row.identifier == name.lower()]
    if arn := request.get("DBInstanceAutomatedBackupsArn"):
        rows = [row for row in rows if row.id == arns.taken_apart(arn)[2]]
    if (request.get("DbiResourceId") or arn) and not rows:
        raise ServiceFault("DBInstanceAutomatedBackupNotFoundFault", f"{resource_id or arn} not found.")
    found = pages.filtered(
        request,
        rows,
        {
            "status": lambda row: "retained" if row.retained else ("active" if row.earliest else "creating"),
            "db-instance-id": lambda row: {
                row.identifier,
                arns.made(call.account, call.region, "db", row.identifier),
            },
            "dbi-resource-id": lambda row: row.resource_id,
        },
    )
    page, marker = pages.page(call, request, found, lambda row: row.resource_id)
    return {"DBInstanceAutomatedBackups": [answers.automated_backup(call, row) for row in page], **marker}


def delete_db_instance_automated_backup(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete the backups that were kept of a deleted instance."""
    wanted = request.get("DbiResourceId")
    arn = request.get("DBInstanceAutomatedBackupsArn")
    name = arns.taken_apart(arn)[2] if arn else ""
    rows = [row for row in call.records.list(AutomatedBackup) if row.resource_id == wanted or row.id == name]
    if not rows:
        raise ServiceFault("DBInstanceAutomatedBackupNotFoundFault", f"{wanted or arn} not found.")
    row = rows[0]
    if not row.retained:
        raise ServiceFault(
            "InvalidDBInstanceAutomatedBackupStateFault",
            f"The automated backups of {row.identifier} are active; delete the instance, or set its retention to 0.",
        )
    for snapshot in call.records.list(Snapshot, where={"resource_id": row.resource_id, "kind": "automated"}):
        snapshotting.drop(call.records, call.part(Databases), snapshot)
    call.records.remove(row)
    call.start(jobs.delete_archive, row.resource_id, msgspec.to_builtins(row.encryption))
    return {"DBInstanceAutomatedBackup": {**answers.automated_backup(call, row), "Status": "deleting"}}

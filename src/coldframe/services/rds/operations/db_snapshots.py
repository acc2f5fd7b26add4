"""DB snapshots: made, copied, shared, described, deleted."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from coldframe.core import ids
from coldframe.core.arns import Arn
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    answers,
    arns,
    engine_names,
    events,
    jobs,
    lookup,
    names,
    new_instances,
    pages,
    quotas,
    sharing,
    snapshotting,
    storage_keys,
    tagging,
    upgrade_paths,
)
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import OptionGroup, Snapshot
from coldframe.services.rds.sharing import shared_after
from coldframe.services.rds.storage_keys import Keys
from coldframe.services.rds.wrapped_keys import StorageKey

_KINDS = ("manual", "automated", "shared", "public", "awsbackup")


def create_db_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin a snapshot of a running instance."""
    instance = lookup.available(lookup.instance_named(call, request["DBInstanceIdentifier"]))
    if instance.cluster:
        raise bad_combination(
            f"Instance {instance.identifier} is a member of a DB cluster; make a snapshot of the cluster:"
            " aws rds create-db-cluster-snapshot"
        )
    identifier = names.identifier(request["DBSnapshotIdentifier"], "DBSnapshotIdentifier", longest=255)
    _within_quota(call)
    arn = arns.made(call.account, call.region, "snapshot", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn)
    row = snapshotting.new_snapshot(call.records, instance, identifier, "manual", tags, call.now)
    call.records.change(instance, status="backing-up")
    call.start(jobs.make_snapshot, row.identifier, instance.resource_id, "available")
    return {"DBSnapshot": answers.snapshot(call, row)}


def describe_db_snapshots(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one snapshot, or a page of those of an instance, a kind, or all."""
    kind = request.get("SnapshotType")
    if kind is not None and kind not in _KINDS:
        raise bad_value(f"Invalid snapshot type: {kind}. Valid types: {', '.join(_KINDS)}")
    others = (
        sharing.shared_with(call)
        if kind == "shared" or (request.get("IncludeShared") and kind is None)
        else []
    )
    rows: list[Snapshot] = []
    if name := request.get("DBSnapshotIdentifier"):
        others = [row for row in others if row.identifier == name.lower()]
        if request.get("Filters") and not name.startswith("arn:"):
            rows, request = call.records.list(Snapshot), pages.together(request, "db-snapshot-id", name)
        elif not others:
            rows = [_named(call, name)]
    else:
        rows = call.records.list(Snapshot)
    if kind in {"shared", "public", "awsbackup"}:
        rows = []
    elif kind is not None:
        rows = [row for row in rows if row.kind == kind]
    rows = sorted([*rows, *others], key=lambda row: row.identifier)
    if instance := request.get("DBInstanceIdentifier"):
        wanted = arns.taken_apart(instance)[2] if instance.startswith("arn:") else instance.lower()
        rows = [row for row in rows if row.instance == wanted]
    if resource_id := request.get("DbiResourceId"):
        rows = [row for row in rows if row.resource_id == resource_id]
    found = pages.filtered(
        request,
        rows,
        {
            "db-instance-id": lambda row: {
                row.instance,
                arns.made(call.account, call.region, "db", row.instance),
            },
            "db-snapshot-id": lambda row: row.identifier,
            "dbi-resource-id": lambda row: row.resource_id,
            "snapshot-type": lambda row: "shared" if row.identifier.startswith("arn:") else row.kind,
            "engine": lambda row: row.engine,
        },
    )
    if name and request.get("Filters") and not found and not request.get("DBInstanceIdentifier"):
        raise ServiceFault("DBSnapshotNotFoundFault", f"DBSnapshot {name} not found.")
    page, marker = pages.page(call, request, found, lambda row: row.identifier)
    return {"DBSnapshots": [answers.snapshot(call, row) for row in page], **marker}


def copy_db_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a manual snapshot of another one: of this account, in whatever region, or one that its account shares."""
    keys = storage_keys.rehearsed(call, lambda dry, keys: _copied(dry, request, keys))
    row = _copied(call, request, keys)
    call.start(jobs.copy_snapshot, row.source, row.identifier)
    return {"DBSnapshot": answers.snapshot(call, row)}


def _copied(call: Call, request: Mapping[str, Any], keys: Keys) -> Snapshot:
    """Add the record of a copy."""
    source, arn_of_source = _source(call, request["SourceDBSnapshotIdentifier"])
    if source.status != "available":
        raise ServiceFault(
            "InvalidDBSnapshotStateFault", f"The snapshot {source.identifier} is not available."
        )
    target = request["TargetDBSnapshotIdentifier"]
    if target.startswith("arn:"):
        target = arns.taken_apart(target)[2]
    identifier = names.identifier(target, "TargetDBSnapshotIdentifier", longest=255)
    _within_quota(call)
    arn = arns.made(call.account, call.region, "snapshot", identifier)
    given = tagging.of_new(call, request.get("Tags"), arn)
    row = replace(
        source,
        identifier=identifier,
        kind="manual",
        folder=ids.hexadecimal(16),
        status="creating",
        progress=0,
        created=call.now,
        original_created=source.original_created or source.created,
        source=arn_of_source,
        shared_with=[],
        tags=given or (source.tags if request.get("CopyTags") else {}),
        encryption=_encryption(call, source, arns.taken_apart(arn_of_source)[0], request, keys),
    )
    if call.records.find(OptionGroup, row.option_group) is None:
        # It is of the source's account and region.
        engine = engine_names.named(row.engine)
        row = replace(row, option_group=new_instances.option_group(call.records, None, engine, row.version))
    call.records.add(row)
    return row


def _encryption(
    call: Call, source: Snapshot, arn: Arn, request: Mapping[str, Any], keys: Keys
) -> StorageKey | None:
    """Return the key of a copy: that of its source, or a new one under the KMS key that the request names."""
    wanted = request.get("KmsKeyId")
    if source.encryption is not None and arn.account != call.account:
        # Who may have the snapshot may not have its key, of which its account decides apart.
        keys.shared_by(source.encryption.kms_key)
    if wanted:
        return keys.of(wanted, owner=source.resource_id)
    if source.encryption is not None and arn.region != call.region:
        raise bad_value("Must specify new KMS key for cross region encrypted snapshot copy.")
    if source.encryption is not None and arn.account != call.account:
        raise bad_value("Must specify new KMS key for encrypted snapshot copy of another account's snapshot.")
    return source.encryption


def delete_db_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a manual snapshot."""
    row = call.records.get(Snapshot, request["DBSnapshotIdentifier"].lower())
    if row.kind != "manual":
        raise ServiceFault(
            "InvalidDBSnapshotStateFault",
            f"Deletion of automated snapshots is not permitted: {row.identifier}",
        )
    if row.status not in {"available", "failed"}:
        raise ServiceFault("InvalidDBSnapshotStateFault", f"The snapshot {row.identifier} is not available.")
    snapshotting.drop(call.records, call.part(Databases), row)
    events.tell(call.records, call.part(Messenger), row, "snapshot_deleted")
    return {"DBSnapshot": answers.snapshot(call, replace(row, status="deleted"))}


def modify_db_snapshot(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Bring a manual snapshot to another engine version."""
    row = call.records.get(Snapshot, request["DBSnapshotIdentifier"].lower())
    wanted = request.get("EngineVersion")
    if not wanted or wanted == row.version:
        return {"DBSnapshot": answers.snapshot(call, row)}
    if row.kind != "manual":
        raise ServiceFault(
            "InvalidDBSnapshotStateFault",
            f"Automated snapshots can't be upgraded; copy {row.identifier} first.",
        )
    if row.status != "available":
        raise ServiceFault("InvalidDBSnapshotStateFault", f"The snapshot {row.identifier} is not available.")
    databases, engine = call.part(Databases), engine_names.named(row.engine)
    version = databases.version(row.engine, wanted)
    if version not in {each.number for each in upgrade_paths.targets(databases, engine, row.version)}:
        raise bad_combination(f"Cannot upgrade {row.engine} snapshot from {row.version} to {version}")
    row = call.records.change(row, status="upgrading")
    call.start(jobs.upgrade_snapshot, row.identifier, version)
    return {"DBSnapshot": answers.snapshot(call, row)}


def describe_db_snapshot_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return with which accounts a snapshot is shared."""
    return _attributes(_named(call, request["DBSnapshotIdentifier"]))


def modify_db_snapshot_attribute(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Share a manual snapshot with accounts, or no longer."""
    row = _named(call, request["DBSnapshotIdentifier"])
    if row.kind != "manual":
        raise names.no_identifier("DBSnapshotIdentifier")
    if request.get("ValuesToAdd") and row.encryption is not None and row.encryption.managed:
        raise bad_combination(
            "Sharing snapshots encrypted with the default service key for RDS is currently not supported."
        )
    return _attributes(call.records.change(row, shared_with=shared_after(row.shared_with, request)))


def _attributes(row: Snapshot) -> dict[str, Any]:
    return {
        "DBSnapshotAttributesResult": {
            "DBSnapshotIdentifier": row.identifier,
            "DBSnapshotAttributes": [{"AttributeName": "restore", "AttributeValues": row.shared_with}],
        }
    }


def _named(call: Call, name: str, member: str = "DBSnapshotIdentifier") -> Snapshot:
    identifier = name.lower()
    if name.startswith("arn:"):
        arn, kind, identifier = arns.taken_apart(name, member)
        if kind != "snapshot":
            raise names.no_identifier(member)
        if (arn.account, arn.region) != (call.account, call.region):
            raise ServiceFault("DBSnapshotNotFoundFault", f"DBSnapshot {name} not found.")
    found = call.records.find(Snapshot, identifier)
    if found is None:
        raise ServiceFault("DBSnapshotNotFoundFault", f"DBSnapshot {name} not found.")
    return found


def _source(call: Call, name: str) -> tuple[Snapshot, str]:
    """Return a snapshot that is to be copied, with its ARN; raises DBSnapshotNotFoundFault also for one that is not shared."""
    member = "SourceDBSnapshotIdentifier"
    if name.startswith("arn:"):
        arn, kind, identifier = arns.taken_apart(name, member)
        place = call.records.elsewhere(account=arn.account, region=arn.region)
        found = place.find(Snapshot, identifier) if kind == "snapshot" else None
        # Another account's is copied within its region.
        if found is not None and (
            arn.account == call.account or (arn.region == call.region and call.account in found.shared_with)
        ):
            return found, arns.made(arn.account, arn.region, "snapshot", identifier)
    found = _named(call, name, member)
    return found, arns.made(call.account, call.region, "snapshot", found.identifier)


def _within_quota(call: Call) -> None:
    quotas.within("ManualSnapshots", call.records.count(Snapshot, where={"kind": "manual"}))

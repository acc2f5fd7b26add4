"""What is done again and again: crashed engines are restarted, windows used, changes archived, figures published."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.jobs.schedule import Periodic
from coldframe.services.rds import (
    crashes,
    events,
    lookup,
    maintenance,
    modifications,
    modifying,
    restoring,
    snapshotting,
    token_sign_in,
    windows,
)
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.blue_green.watching import looks_at_green_clusters, looks_at_schemas
from coldframe.services.rds.clusters import supervision as clusters
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.looks import Looks
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.open_for_backups import OpenForBackups
from coldframe.services.rds.probing import Probing
from coldframe.services.rds.records import AutomatedBackup, Event, Instance, Snapshot
from coldframe.services.rds.unpacking import unpack

LOG = logging.getLogger("coldframe.rds")
Placed = tuple[str, str, Instance]

_WATCH, _DEPLOYMENTS, _MINUTE, _ARCHIVE = 2.0, 10.0, 60.0, 300.0
# Sources: Amazon RDS User Guide, Amazon CloudWatch metrics for Amazon RDS.
_UNITS = {
    "Percent": ("CPUUtilization",),
    "Seconds": ("ReplicaLag", "CheckpointLag"),
    "Count": ("DatabaseConnections", "DiskQueueDepth", "MaximumUsedTransactionIDs"),
    "Bytes": ("OldestReplicationSlotLag",),
    "Bytes/Second": ("TransactionLogsGeneration",),
}


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""
    yield Periodic("rds: watch the engines", partial(watch, installation), every=_WATCH)
    yield Periodic("rds: open for backups", partial(open_for_backups, installation), every=_WATCH / 2)
    yield Periodic("rds: unpack what is sealed", partial(unpack, installation), every=_MINUTE)
    yield Periodic("rds: watch the deployments", partial(watch_deployments, installation), every=_DEPLOYMENTS)
    yield Periodic("rds: use the windows", partial(use_windows, installation), every=_MINUTE)
    yield Periodic("rds: archive changes", partial(archive_all, installation), every=_ARCHIVE)
    yield Periodic("rds: publish figures", partial(publish, installation), every=_MINUTE)
    yield Periodic("rds: forget old events", partial(forget_events, installation), every=3600.0)


@job("rds.archive-instance")
def archive_instance(run: Run, resource_id: str) -> None:
    """Archive what an instance has changed, so that it can be restored to any moment until now."""
    until = run.step("archive", lambda: restoring.archive(run.part(Databases), run, resource_id))

    def note(records: Records) -> None:
        found, row = lookup.by_resource(records, resource_id), records.find(AutomatedBackup, resource_id)
        if found is not None and row is not None and row.earliest:
            records.change(found, restorable=max(found.restorable, until))
            records.change(row, latest=max(row.latest, until))

    run.write("note until when", note)


def watch(installation: Installation) -> None:
    """Find instances and endpoints that ought to run and do not, and start them again."""
    token_sign_in.attend_all(installation)
    installation.parts.get(Probing).begin()
    looks = installation.parts.get(Looks)
    looks.each(
        (f"DB instance {row.resource_id}", partial(_look, installation, account, region, row.resource_id))
        for account, region, row in _instances(installation)
    )
    looks.each(clusters.looks(installation))
    looks.each(looks_at_green_clusters(installation))


def open_for_backups(installation: Installation) -> None:
    """Open what is encrypted for backups that other processes make."""
    installation.parts.get(OpenForBackups).look()


def watch_deployments(installation: Installation) -> None:
    """Mark the deployments whose replication is degraded."""
    installation.parts.get(Looks).each(looks_at_schemas(installation))


def use_windows(installation: Installation) -> None:
    """Begin the backups and the pending modifications whose window is open, and drop what is too old."""
    now = installation.clock.milliseconds()
    for account, region, instance in _instances(installation):
        with installation.store.write() as transaction:
            records = transaction.records(account, region)
            found = lookup.by_resource(records, instance.resource_id)
            if found is not None:
                _in_windows(installation, records, found, now)
    clusters.use_windows(installation)


def archive_all(installation: Installation) -> None:
    """Have the changes of every instance with backups archived."""
    for account, region, instance in _instances(installation):
        if instance.retention and instance.wanted == "running" and instance.status == "available":
            _begin(installation, account, region, archive_instance, instance.resource_id)
    clusters.archive_all(installation)


def publish(installation: Installation) -> None:
    """Publish the figures of every running instance to CloudWatch."""
    at, databases = installation.clock.milliseconds(), installation.parts.get(Databases)
    installation.parts.get(Looks).each(
        (f"the figures of {row.resource_id}", partial(_publish, installation, account, region, row, at))
        for account, region, row in _instances(installation)
        if row.wanted == "running" and row.ready and not databases.encryption.closed(row.encryption)
    )


def forget_events(installation: Installation) -> None:
    """Delete events that are older than fourteen days."""
    before = installation.clock.milliseconds() - events.KEPT
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        for account, region, row in records.everywhere(Event):
            if row.at < before:
                records.elsewhere(account=account, region=region).remove(row)


def unit_of(name: str) -> str:
    """Return the unit that a figure of this name has at CloudWatch."""
    for unit, names in _UNITS.items():
        if name in names:
            return unit
    for end, unit in (
        ("IOPS", "Count/Second"),
        ("Throughput", "Bytes/Second"),
        ("Latency", "Seconds"),
        ("Space", "Bytes"),
        ("Memory", "Bytes"),
        ("Storage", "Bytes"),
        ("Usage", "Bytes"),
    ):
        if end in name:
            return unit
    return "Count"


def _publish(installation: Installation, account: str, region: str, instance: Instance, at: int) -> None:
    databases, sink = installation.parts.get(Databases), installation.parts.get(MetricSink)
    figures = dict(databases.engine(instance.engine).figures(databases.spec(instance)))
    lag = _lag(installation, databases, account, region, instance)
    if not instance.source:
        figures.pop("ReplicaLag", None)
    elif lag.get("ReplicaLagTransactions") == 0:
        # What has nothing to apply is not behind, whatever its last transaction's age.
        figures.setdefault("ReplicaLag", 0.0)
    figures |= lag
    for name, value in figures.items():
        sink.put(
            (account, region),
            ("AWS/RDS", name),
            value,
            at=at,
            dimensions={"DBInstanceIdentifier": instance.identifier},
            unit=unit_of(name),
        )


def _look(installation: Installation, account: str, region: str, resource_id: str) -> None:
    """Look at one instance; a job may have it in its hands at any moment, so that what is seen is looked at twice."""
    databases = installation.parts.get(Databases)
    instance = crashes.quiet(installation, account, region, resource_id)
    if instance is None:
        return
    if _state(databases, instance) != "running":
        if crashes.quiet(installation, account, region, resource_id) is not None:
            again = _state(databases, instance)
            if again != "running":
                with installation.store.write() as transaction:
                    records, why = transaction.records(account, region), f"its process is {again}"
                    crashes.crashed(records, installation, resource_id, why=why, hangs=False)
        return
    _see_to_endpoint(installation, account, region, instance)
    if instance.source and not instance.cluster:
        _look_at_replication(installation, account, region, instance)


def _state(databases: Databases, instance: Instance) -> str:
    if databases.encryption.closed(instance.encryption):
        # As after a boot: nothing of it can be read, and nothing of it runs.
        return "closed"
    return databases.engine(instance.engine).status(databases.spec(instance)).state


def _see_to_endpoint(installation: Installation, account: str, region: str, instance: Instance) -> None:
    """Start the endpoint of a running instance if it has none; nobody ends or removes it while that is decided and done."""
    databases = installation.parts.get(Databases)
    with installation.store.read() as transaction:
        endpoint = lookup.endpoint_of(transaction.records(account, region), instance)
    endpoints = databases.endpoints(instance.engine)
    with databases.turn(endpoint.id):
        # Its certificate is made anew with its folder, which must not come back once it was removed.
        if crashes.quiet(installation, account, region, instance.resource_id) is None:
            return
        door = databases.door(endpoint)
    if endpoints.status(door) is not None:
        return
    with databases.turn(endpoint.id):
        # A job may have begun, or the whole server been emptied, since: what is there now decides.
        found = crashes.quiet(installation, account, region, instance.resource_id)
        if found is None or found.endpoint != endpoint.id:
            return
        running = databases.engine(found.engine).status(databases.spec(found)).running
        if running is not None:
            endpoints.start(door, running.socket)


def _look_at_replication(installation: Installation, account: str, region: str, instance: Instance) -> None:
    databases, messenger = installation.parts.get(Databases), installation.parts.get(Messenger)
    with installation.store.read() as transaction:
        source = lookup.by_resource(transaction.records(account, region), instance.source)
    if source is None:
        return
    engine = databases.engine(instance.engine)
    try:
        found = engine.copies.following(databases.spec(source), databases.spec(instance))
    except DatabaseError as error:
        LOG.warning("replication of %s: %s", instance.identifier, error)
        return
    note = f"replication: {found.error}" if found.error and not found.running else ""
    if note == instance.note:
        return
    with installation.store.write() as transaction:
        records = transaction.records(account, region)
        now = lookup.by_resource(records, instance.resource_id)
        if now is not None and now.source and now.note != note:
            now = records.change(now, note=note)
            name = "replica_broken" if note else "replica_started"
            events.tell(records, messenger, now, name, reason=found.error)


def _in_windows(installation: Installation, records: Records, instance: Instance, now: int) -> None:
    databases = installation.parts.get(Databases)
    again = instance.about.get("AutomaticRestartTime")
    if instance.status == "stopped" and again is not None and again * 1000 <= now:
        records.change(instance, status="starting")
        databases.begin(records, modifying.start_instance, instance.resource_id)
        return
    for row in snapshotting.expired(records, instance, now):
        snapshotting.drop(records, databases, row)
    if instance.status != "available":
        return
    names = [name for name in instance.pending if name != "MasterUserPassword"]
    open_now = windows.is_open(instance.maintenance_window, now)
    if instance.cluster and "DBInstanceClass" in names:
        clusters.change_class(records, databases, instance, now)
        return
    alone = not instance.cluster and members.deployment_of(records, instance.resource_id) is None
    if open_now and not names and alone:
        instance = maintenance.with_newer_minor(databases, instance)
        names = list(instance.pending)
    if names and open_now:
        changed = {name: instance.pending[name] for name in names}
        records.change(instance, status=modifications.status(changed, ""), pending=instance.pending)
        databases.begin(records, modifying.apply_pending, instance.resource_id, names, "")
    elif instance.retention and not instance.source and windows.is_open(instance.backup_window, now):
        rows = records.list(Snapshot, where={"resource_id": instance.resource_id, "kind": "automated"})
        # Once a window: the last one is from another day.
        recent = now - int(timedelta(hours=20).total_seconds() * 1000)
        if all(row.created < recent for row in rows):
            snapshotting.begin_automated(records, databases, instance)


def _lag(
    installation: Installation, databases: Databases, account: str, region: str, instance: Instance
) -> dict[str, float]:
    """Return how far a replica is behind in transactions, which says more than the seconds of ReplicaLag."""
    if not instance.source:
        return {}
    with installation.store.read() as transaction:
        source = lookup.by_resource(transaction.records(account, region), instance.source)
    if source is None:
        return {}
    found = databases.engine(instance.engine).copies.following(
        databases.spec(source), databases.spec(instance)
    )
    return {"ReplicaLagTransactions": float(found.behind)} if found.behind is not None else {}


def _begin(installation: Installation, account: str, region: str, begun: Any, resource_id: str) -> None:
    with installation.store.write() as transaction:
        installation.parts.get(Databases).begin(transaction.records(account, region), begun, resource_id)


def _instances(installation: Installation) -> list[Placed]:
    with installation.store.read() as transaction:
        return transaction.records("", "").everywhere(Instance)

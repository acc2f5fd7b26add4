"""What is seen to of clusters again and again: who acknowledges, who follows, and where their endpoints lead."""

import logging
from collections.abc import Iterator
from functools import partial

from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError
from coldframe.services.rds import lookup as instances
from coldframe.services.rds import windows
from coldframe.services.rds.clusters import doors, failover, lookup, rejoining, snapshotting, states
from coldframe.services.rds.clusters.doors import Seen
from coldframe.services.rds.clusters.membership import Group
from coldframe.services.rds.clusters.records import Cluster, ClusterSnapshot
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.looks import Look
from coldframe.services.rds.records import Instance

LOG = logging.getLogger("coldframe.rds")
# Once a window: the last backup is from another day.
_RECENT = 20 * 3_600_000
# So many looks in a row a reader that counts may not follow.
_IDLE_LOOKS = 4


def looks(installation: Installation) -> Iterator[tuple[str, Look]]:
    """Give the looks at every cluster and at each of its readers; what cannot be done now is tried again.

    A reader that hangs keeps neither the endpoints nor the other readers waiting.
    """
    databases = installation.parts.get(Databases)
    for account, region, row in _clusters(installation):
        yield f"DB cluster {row.resource_id}", partial(_look, databases, account, region, row.resource_id)
        found = doors.look(databases, account, region, row.resource_id)
        for reader in found.readers if found is not None else []:
            look = partial(_look_at_reader, databases, account, region, row.resource_id, reader.resource_id)
            yield f"DB cluster {row.resource_id}, reader {reader.resource_id}", look


def archive_all(installation: Installation) -> None:
    """Have the changes of every cluster archived."""
    databases = installation.parts.get(Databases)
    for account, region, row in _clusters(installation):
        if row.writer and row.status == "available" and row.earliest:
            with installation.store.write() as transaction:
                records = transaction.records(account, region)
                databases.begin(records, snapshotting.archive_cluster, row.resource_id)


def use_windows(installation: Installation) -> None:
    """Begin the backups whose window is open, start what was stopped for seven days, drop what is too old."""
    databases, now = installation.parts.get(Databases), installation.clock.milliseconds()
    for account, region, row in _clusters(installation):
        with installation.store.write() as transaction:
            records = transaction.records(account, region)
            found = lookup.by_resource(records, row.resource_id)
            if found is not None:
                _in_windows(records, databases, found, now)


def _in_windows(records: Records, databases: Databases, cluster: Cluster, now: int) -> None:
    if cluster.status == "stopped" and cluster.restart and cluster.restart <= now:
        for row in lookup.members(records, cluster):
            records.change(row, status="starting")
        records.change(cluster, status="starting")
        databases.begin(records, states.start_cluster, cluster.resource_id)
        return
    for old in snapshotting.expired(records, cluster, now):
        snapshotting.drop(records, databases, old)
    if cluster.status != "available" or not cluster.writer or not windows.is_open(cluster.backup_window, now):
        return
    where = {"resource_id": cluster.resource_id, "kind": "automated"}
    if all(each.created < now - _RECENT for each in records.list(ClusterSnapshot, where=where)):
        snapshotting.begin_automated(records, databases, cluster)


def change_class(records: Records, databases: Databases, member: Instance, now: int) -> None:
    """Restart a member in the class that waits for its maintenance window, once that is open and nothing else is under way."""
    cluster = lookup.expect(records, member.cluster)
    if (
        cluster.status in lookup.USABLE
        and not member.note
        and windows.is_open(member.maintenance_window, now)
    ):
        states.begin_reboot(records, databases, member, member.pending["DBInstanceClass"])


def _clusters(installation: Installation) -> list[tuple[str, str, Cluster]]:
    with installation.store.read() as transaction:
        return transaction.records("", "").everywhere(Cluster)


def member_crashed(records: Records, databases: Databases, member: Instance, *, hangs: bool) -> bool:
    """See to a member whose process ended or hangs: a reader comes back and follows, a writer comes back or another takes over.

    Returns whether a job has it in hand now.
    """
    cluster = lookup.expect(records, member.cluster)
    if cluster.writer != member.resource_id:
        records.change(member, status="rebooting")
        rejoining.begin(records, databases, member, hangs=hangs)
    elif cluster.status in lookup.USABLE:
        # Nobody else begins anything with the cluster meanwhile.
        records.change(cluster, status="failing-over" if cluster.promotable else "rebooting")
        databases.begin(records, failover.recover_cluster, cluster.resource_id, hangs)
    else:
        # A job has the cluster in its hands; it is looked at again.
        records.change(member, note="")
        return False
    return True


def _look(databases: Databases, account: str, region: str, cluster: str) -> None:
    found = _with_writer(databases, account, region, cluster)
    if found is not None:
        doors.open_writer(databases, found)
        doors.spread(databases, found)


def _with_writer(databases: Databases, account: str, region: str, cluster: str) -> Seen | None:
    """Return a cluster that nobody has in hand and whose writer runs."""
    found = doors.look(databases, account, region, cluster)
    if found is None or found.cluster.status not in lookup.USABLE:
        return None
    writer = found.writer
    if writer is None or not writer.ready or writer.wanted != "running" or writer.note:
        return None
    return found if databases.engine(writer.engine).reattach(databases.spec(writer)) is not None else None


def _look_at_reader(databases: Databases, account: str, region: str, cluster: str, resource_id: str) -> None:
    found = _with_writer(databases, account, region, cluster)
    for reader in found.readers if found is not None else []:
        if (
            found is not None
            and reader.resource_id == resource_id
            and reader.status in lookup.USABLE
            and reader.ready
            and not reader.note
        ):
            _see_to(databases, found, Group(databases, account, region, cluster), reader)


def _see_to(databases: Databases, found: Seen, group: Group, reader: Instance) -> None:
    """Let a reader acknowledge that follows, and have one that does not follow it come back to it."""
    writer = found.writer
    if writer is None:
        return
    engine = databases.engine(reader.engine)
    try:
        # One that hangs says nothing here, where nobody waits for it: a failover waits for whoever changes who acknowledges.
        following = engine.copies.following(databases.spec(writer), databases.spec(reader))
    except DatabaseError as error:
        LOG.info("%s: %s", reader.identifier, error)
        return
    counts = group.join(reader.resource_id)
    if following.running or engine.reattach(databases.spec(reader)) is None:
        databases.idle.pop(reader.resource_id, None)
        return
    # One that counts may be connecting anew; for one that gives up the writer would wait for ever.
    databases.idle[reader.resource_id] = looks = databases.idle.get(reader.resource_id, 0) + 1
    if counts and looks < _IDLE_LOOKS:
        return
    databases.idle.pop(reader.resource_id, None)
    with databases.store.write() as transaction:
        records = transaction.records(group.account, group.region)
        now = instances.by_resource(records, reader.resource_id)
        if now is not None and now.status in lookup.USABLE and not now.note:
            rejoining.begin(records, databases, now)

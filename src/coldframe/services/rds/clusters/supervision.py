"""What is seen to of clusters again and again: who acknowledges, who follows, and where their endpoints lead."""

import logging

from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError
from coldframe.engines.endpoint import EndpointFailed
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import doors, failover, lookup, rejoining
from coldframe.services.rds.clusters.doors import Seen
from coldframe.services.rds.clusters.membership import Group
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance

LOG = logging.getLogger("coldframe.rds")


def watch(installation: Installation) -> None:
    """Look at every cluster; what cannot be done now is tried again."""
    databases = installation.parts.get(Databases)
    with installation.store.read() as transaction:
        rows = transaction.records("", "").everywhere(Cluster)
    for account, region, row in rows:
        try:
            _look(databases, account, region, row.resource_id)
        except (DatabaseError, EndpointFailed) as error:
            LOG.warning("%s: %s", row.identifier, error)


def member_crashed(records: Records, databases: Databases, member: Instance) -> None:
    """See to a member whose process ended: a reader comes back and follows, a writer comes back or another takes over."""
    cluster = lookup.expect(records, member.cluster)
    if cluster.writer != member.resource_id:
        records.change(member, status="rebooting")
        rejoining.begin(records, databases, member)
    elif cluster.status in lookup.USABLE:
        databases.begin(records, failover.recover_cluster, cluster.resource_id)
    else:
        # A job has the cluster in its hands; it is looked at again.
        records.change(member, note="")


def _look(databases: Databases, account: str, region: str, cluster: str) -> None:
    found = doors.look(databases, account, region, cluster)
    if found is None or found.cluster.status not in lookup.USABLE or not found.members:
        return
    writer = found.writer
    if writer is None or not writer.ready or writer.wanted != "running" or writer.note:
        return
    engine = databases.engine(writer.engine)
    if engine.reattach(databases.spec(writer)) is None:
        return
    doors.open_writer(databases, found)
    doors.spread(databases, found)
    group = Group(databases, account, region, cluster)
    for reader in found.readers:
        if reader.status in lookup.USABLE and reader.ready and not reader.note:
            _see_to(databases, found, group, reader)


def _see_to(databases: Databases, found: Seen, group: Group, reader: Instance) -> None:
    """Let a reader acknowledge that follows, and have one that does not follow it come back to it."""
    writer = found.writer
    if writer is None or group.join(reader.resource_id):
        return
    engine = databases.engine(reader.engine)
    try:
        following = engine.copies.following(databases.spec(writer), databases.spec(reader))
    except DatabaseError as error:
        LOG.info("%s: %s", reader.identifier, error)
        return
    if following.running or engine.reattach(databases.spec(reader)) is None:
        return
    with databases.store.write() as transaction:
        records = transaction.records(group.account, group.region)
        now = instances.by_resource(records, reader.resource_id)
        if now is not None and now.status in lookup.USABLE and not now.note:
            rejoining.begin(records, databases, now)

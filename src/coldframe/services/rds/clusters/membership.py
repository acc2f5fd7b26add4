"""Which readers acknowledge, and which may take over: the rule by which a failover loses nothing that was acknowledged.

The writer waits for one of the readers in its `acknowledged_by` before it acknowledges a commit. A cluster's `promotable` are
readers of which the most advanced has everything that was acknowledged; it may be empty, and then nobody is promoted. So

- a reader comes into `promotable` before its acknowledgement counts, where others acknowledge already; the first one only
  after it has everything of the time before it acknowledged;
- the acknowledgement of a reader that leaves counts no more before it leaves `promotable`, and those who stay have everything
  by then; the last one leaves `promotable` first, and the writer goes on alone.

Records are changed before the writer is told, so that a writer that restarts in between does as the records say. Each of
these may be interrupted at any point and begun again.
"""

import logging
from collections.abc import Callable

from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.clusters.waiting import until
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance

LOG = logging.getLogger("coldframe.rds")
# A reader that is further behind does not acknowledge yet: the writer would wait for it.
_MOST_BEHIND = 100
_SECONDS = 10.0


class Group:
    """The members of a cluster, as the records have them now, and the ways to change who acknowledges."""

    def __init__(self, databases: Databases, account: str, region: str, cluster: str) -> None:
        self.databases, self.account, self.region, self.cluster = databases, account, region, cluster

    def join(self, resource_id: str) -> bool:
        """Let a reader acknowledge that follows the writer closely; returns whether it may take over from now on."""
        with self.databases.turn(self.cluster):
            return self._join(resource_id)

    def leave(self, resource_id: str) -> None:
        """Let the writer acknowledge without a reader that is gone or is to stop, so that nobody waits for it.

        Raises DatabaseError during a failover, which is not to be disturbed.
        """
        with self.databases.turn(self.cluster):
            self._leave(resource_id)

    def _join(self, resource_id: str) -> bool:
        cluster, writer, reader = self._look(resource_id)
        if cluster is None or writer is None or reader is None or cluster.status not in lookup.USABLE:
            return False
        if cluster.deployment or cluster.retired:
            # Nobody is to take over what another cluster writes, or what nobody writes any more.
            return False
        if resource_id in cluster.promotable and reader.serial in writer.acknowledged_by:
            self._confirm(writer, reader)
            return True
        if reader.serial not in writer.acknowledged_by and not self._close_behind(writer, reader):
            return False
        if not self._write(lambda records: _enter(records, self.cluster, writer.resource_id, resource_id)):
            return False
        position = self._tell(resource_id)
        # A writer that has written nothing is at the position "".
        if position is None or not self._has(resource_id, position):
            return False
        # What it got before its word counted, the writer would wait for, and with it everybody.
        self._confirm(writer, reader)
        return self._write(lambda records: _trust(records, self.cluster, writer.resource_id, [resource_id]))

    def _leave(self, resource_id: str) -> None:
        cluster, writer, reader = self._look(resource_id)
        if cluster is None or writer is None or reader is None:
            return
        if cluster.status == "failing-over":
            # It may be the one that takes over, also where nobody acknowledges: what it has is all that will be left.
            raise DatabaseError(f"a failover of {cluster.identifier} is under way", "it is tried again")
        if reader.serial not in writer.acknowledged_by and resource_id not in cluster.promotable:
            return
        engine = self.databases.engine(writer.engine)
        if engine.reattach(self.databases.spec(writer)) is None:
            if not engine.groups.keeps:
                # What it had is lost with its process, and nobody can say whether the others have it: nobody is
                # promoted before the writer is back.
                self._write(lambda records: _trust(records, self.cluster, writer.resource_id, [], only=True))
            return
        self._write(lambda records: _step_back(records, self.cluster, writer.resource_id, resource_id))
        position = self._tell(resource_id)
        staying = [row.resource_id for row in self._acknowledging()]
        if position is None or not any(self._has(each, position) for each in staying):
            staying = []
        self._write(lambda records: _trust(records, self.cluster, writer.resource_id, staying, only=True))

    def _look(self, resource_id: str) -> tuple[Cluster | None, Instance | None, Instance | None]:
        with self.databases.store.read() as transaction:
            records = transaction.records(self.account, self.region)
            cluster = lookup.by_resource(records, self.cluster)
            writer = lookup.writer(records, cluster) if cluster is not None else None
            reader = instances.by_resource(records, resource_id)
        if writer is not None and writer.resource_id == resource_id:
            return cluster, writer, None
        return cluster, writer, reader

    def _acknowledging(self) -> list[Instance]:
        with self.databases.store.read() as transaction:
            records = transaction.records(self.account, self.region)
            cluster = lookup.expect(records, self.cluster)
            writer = lookup.writer(records, cluster)
            serials = writer.acknowledged_by if writer is not None else []
            return [row for row in lookup.readers(records, cluster) if row.serial in serials]

    def _close_behind(self, writer: Instance, reader: Instance) -> bool:
        engine = self.databases.engine(writer.engine)
        found = engine.copies.following(self.databases.spec(writer), self.databases.spec(reader))
        return found.running and found.behind is not None and found.behind <= _MOST_BEHIND

    def _confirm(self, writer: Instance, reader: Instance) -> None:
        engine, known = self.databases.engine(writer.engine), self.databases.spec
        try:
            engine.groups.confirm(known(writer), known(reader))
        except DatabaseError as error:
            LOG.info("%s: %s", reader.identifier, error)

    def _tell(self, resource_id: str) -> str | None:
        """Have reader and writer do as the records say; returns a position that is behind what was acknowledged before.

        None when there is no writer.
        """
        _, writer, reader = self._look(resource_id)
        if writer is None:
            return None
        engine, spec = self.databases.engine(writer.engine), self.databases.spec(writer)
        if reader is not None and engine.reattach(self.databases.spec(reader)) is not None:
            engine.groups.acknowledge(spec, self.databases.spec(reader))
        return engine.groups.synchronize(spec)

    def _has(self, resource_id: str, position: str) -> bool:
        """Wait for a reader to have everything up to a position; tells whether it has."""
        _, writer, reader = self._look(resource_id)
        if writer is None or reader is None:
            return False
        engine, spec = self.databases.engine(reader.engine), self.databases.spec(reader)
        groups = engine.groups
        if engine.reattach(spec) is None:
            return False

        def there() -> bool:
            try:
                return not groups.before(groups.received(spec), position)
            except DatabaseError as error:
                LOG.info("%s: %s", reader.identifier, error)
                return False

        return until(there, _SECONDS, every=0.02)

    def _write(self, change: Callable[[Records], bool]) -> bool:
        with self.databases.store.write() as transaction:
            return change(transaction.records(self.account, self.region))


def _enter(records: Records, cluster_id: str, writer_id: str, resource_id: str) -> bool:
    """Count a reader's acknowledgements; where others acknowledge, it may take over from now on, as the best of all."""
    cluster, writer = _unchanged(records, cluster_id, writer_id)
    reader = instances.by_resource(records, resource_id)
    if cluster is None or writer is None or reader is None or reader.status not in lookup.USABLE:
        return False
    others = [serial for serial in writer.acknowledged_by if serial != reader.serial]
    if cluster.promotable and others and resource_id not in cluster.promotable:
        records.change(cluster, promotable=[*cluster.promotable, resource_id])
    records.change(writer, acknowledged_by=[*others, reader.serial])
    records.change(reader, acknowledges=True)
    return True


def _step_back(records: Records, cluster_id: str, writer_id: str, resource_id: str) -> bool:
    """Count a reader's acknowledgements no more; when it was the last, nobody may take over."""
    cluster, writer = _unchanged(records, cluster_id, writer_id)
    reader = instances.by_resource(records, resource_id)
    if cluster is None or writer is None or reader is None:
        return False
    others = [serial for serial in writer.acknowledged_by if serial != reader.serial]
    if not others:
        records.change(cluster, promotable=[])
    records.change(writer, acknowledged_by=others)
    records.change(reader, acknowledges=False)
    return True


def _trust(records: Records, cluster_id: str, writer_id: str, ids: list[str], *, only: bool = False) -> bool:
    """Let readers take over of which one has everything; with `only`, these and no others.

    Where nobody could, everybody who acknowledges can from now on: any of them may be the one that has what comes next.
    """
    cluster, writer = _unchanged(records, cluster_id, writer_id)
    if cluster is None or writer is None:
        return False
    counted = [
        row.resource_id for row in lookup.readers(records, cluster) if row.serial in writer.acknowledged_by
    ]
    good = [each for each in ids if each in counted]
    if only:
        records.change(cluster, promotable=good)
    elif good:
        records.change(cluster, promotable=list(dict.fromkeys([*cluster.promotable, *counted])))
    return bool(good)


def _unchanged(records: Records, cluster_id: str, writer_id: str) -> tuple[Cluster | None, Instance | None]:
    """Return a cluster and its writer if that is still who it was."""
    cluster = lookup.by_resource(records, cluster_id)
    if cluster is None or cluster.writer != writer_id:
        return None, None
    return cluster, lookup.writer(records, cluster)

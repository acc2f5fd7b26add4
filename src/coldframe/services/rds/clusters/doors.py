"""The endpoints of a cluster: the one in front of the writer, the one that spreads over readers, and custom ones."""

from collections.abc import Collection
from pathlib import Path
from typing import TypeGuard

import msgspec

from coldframe.core import durable
from coldframe.core.records import Records
from coldframe.engines.endpoint import EndpointSpec, EndpointStatus
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Deployment, Endpoint, Instance


class Seen(msgspec.Struct):
    """A cluster with its members and endpoints as they are in one moment.

    While it is `switching` its endpoints are in the hands of a Blue/Green switchover.
    """

    account: str
    region: str
    cluster: Cluster
    members: list[Instance]
    doors: dict[str, Endpoint]
    custom: list[ClusterEndpoint]
    switching: bool = False

    @property
    def writer(self) -> Instance | None:
        """The member that takes writes."""
        return next((row for row in self.members if row.resource_id == self.cluster.writer), None)

    @property
    def readers(self) -> list[Instance]:
        """The other members."""
        return [row for row in self.members if row.resource_id != self.cluster.writer]


def seen(records: Records, cluster: Cluster) -> Seen:
    """Return what is known of a cluster's endpoints."""
    custom = records.list(ClusterEndpoint, where={"cluster": cluster.resource_id})
    names = [cluster.endpoint, cluster.reader_endpoint, *(row.endpoint for row in custom)]
    found = [records.find(Endpoint, name) for name in names]
    doors = {row.id: row for row in found if row is not None}
    members = lookup.members(records, cluster)
    return Seen(
        account=records.account,
        region=records.region,
        cluster=cluster,
        members=members,
        doors=doors,
        custom=custom,
        switching=_switching(records, cluster),
    )


def look(databases: Databases, account: str, region: str, cluster: str) -> Seen | None:
    """Return what is known of a cluster's endpoints now; None when it is gone."""
    with databases.store.read() as transaction:
        records = transaction.records(account, region)
        found = lookup.by_resource(records, cluster)
        return seen(records, found) if found is not None else None


def writers_door(databases: Databases, found: Seen) -> EndpointSpec:
    """Return the endpoint in front of the writer."""
    return databases.door(found.doors[found.cluster.endpoint])


def open_writer(databases: Databases, found: Seen) -> None:
    """See to it that the endpoint in front of the writer runs and leads there, unless a failover has it in its hands."""
    status, socket = start_writers_door(databases, found), _socket(databases, found.writer)
    if status is None or socket is None or found.cluster.status == "failing-over" or found.switching:
        return
    if status.target == socket:
        return
    # A failover holds and releases under the same lock, after it has said in the record that it begins.
    with databases.turn(found.cluster.endpoint):
        now = look(databases, found.account, found.region, found.cluster.resource_id)
        if not _still(now, found.cluster.endpoint) or now.cluster.writer != found.cluster.writer:
            return
        if now.cluster.status != "failing-over":
            databases.endpoints(found.cluster.engine).release(writers_door(databases, found), socket)


def start_writers_door(databases: Databases, found: Seen) -> EndpointStatus | None:
    """Start the endpoint in front of the writer, or find it running; None while there is no writer that runs."""
    socket = _socket(databases, found.writer)
    if socket is None:
        return None
    with databases.turn(found.cluster.endpoint):
        return databases.endpoints(found.cluster.engine).start(writers_door(databases, found), socket)


def spread(databases: Databases, found: Seen) -> None:
    """Let the reader endpoint and the custom ones spread over the members that are there now."""
    endpoints = databases.endpoints(found.cluster.engine)
    for name, sockets in targets(databases, found).items():
        if name not in found.doors or not found.members or found.switching:
            continue
        with databases.turn(name):
            # A switchover may have given it to the other cluster, or somebody removed it, since that was seen.
            if not _still(look(databases, found.account, found.region, found.cluster.resource_id), name):
                continue
            door = databases.door(found.doors[name])
            status = endpoints.start(door, None)
            listed = [each.socket for each in status.databases if each.listed]
            if listed != sockets or (status.holding and sockets):
                endpoints.spread(door, sockets)


def targets(
    databases: Databases, found: Seen, there: Collection[str] = lookup.USABLE
) -> dict[str, list[Path]]:
    """Return the sockets that the reader endpoint and the custom ones lead to, of members in one of these states."""
    wanted = {found.cluster.reader_endpoint: _of_readers(databases, found, found.readers, there)}
    for row in found.custom:
        if row.status == "available":
            wanted[row.endpoint] = _of_custom(databases, found, row, there)
    return wanted


def close(databases: Databases, found: Seen, *, forever: bool = False) -> None:
    """Stop every endpoint of a cluster; with `forever` what they kept goes, too."""
    for row in found.doors.values():
        with databases.turn(row.id):
            door = databases.door(row)
            databases.endpoints(found.cluster.engine).stop(door)
            if forever:
                durable.remove_tree(door.folder)


def _still(now: Seen | None, name: str) -> TypeGuard[Seen]:
    """Tell whether a cluster is there whose endpoint this is, and no switchover has it in its hands."""
    return now is not None and name in now.doors and not now.switching


def _switching(records: Records, cluster: Cluster) -> bool:
    return any(
        row.status == "SWITCHOVER_IN_PROGRESS"
        and any(cluster.resource_id in {member.source, member.target} for member in row.members)
        for row in records.list(Deployment)
    )


def _of_readers(
    databases: Databases, found: Seen, readers: list[Instance], there: Collection[str]
) -> list[Path]:
    """Return the sockets of readers that are there; the writer's when none is."""
    looked = [_socket(databases, row) for row in readers if row.status in there and row.ready]
    sockets = [each for each in looked if each is not None]
    if sockets:
        return sockets
    socket = _socket(databases, found.writer)
    return [socket] if socket is not None else []


def _of_custom(databases: Databases, found: Seen, row: ClusterEndpoint, there: Collection[str]) -> list[Path]:
    """Return the sockets that a custom endpoint sends clients to: its static members, or all but the excluded ones."""
    chosen = [
        each
        for each in found.members
        if (each.resource_id in row.static if row.static else each.resource_id not in row.excluded)
    ]
    if row.kind == "READER":
        return _of_readers(
            databases, found, [each for each in chosen if each.resource_id != found.cluster.writer], there
        )
    looked = [_socket(databases, each) for each in chosen if each.status in there and each.ready]
    return [each for each in looked if each is not None]


def _socket(databases: Databases, instance: Instance | None) -> Path | None:
    if instance is None:
        return None
    running = databases.engine(instance.engine).reattach(databases.spec(instance))
    return running.socket if running is not None else None

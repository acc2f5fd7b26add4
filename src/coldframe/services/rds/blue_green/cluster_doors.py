"""The endpoints of a deployment's clusters: the writer's, the readers', custom ones; held and sent as those of instances."""

from pathlib import Path

from coldframe.engines.endpoint import EndpointSpec, Held
from coldframe.jobs.job import JobError
from coldframe.jobs.run import Run
from coldframe.services.rds.clusters import doors, lookup
from coldframe.services.rds.clusters.doors import Seen
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance

# A switchover has the members in its hands meanwhile, which says nothing of their processes.
_THERE = lookup.USABLE | {"modifying"}


def hold(run: Run, cluster: Cluster, left: float, drain: float) -> Held:
    """Let the clients of every endpoint of a cluster wait, for at most `left` seconds; those of the writer come last."""
    databases, found = run.part(Databases), _seen(run, cluster)
    endpoints = databases.endpoints(cluster.engine)
    held = cut = 0
    for door, _ in _of_readers(databases, found):
        with databases.turn(door.name):
            endpoints.start(door, None)
            done = endpoints.hold(door, drain=drain, deadline=left)
        held, cut = held + done.held, cut + done.cut
    socket = databases.socket(_writer(found))
    door = doors.writers_door(databases, found)
    with databases.turn(door.name):
        endpoints.start(door, socket)
        done = endpoints.hold(door, drain=drain, deadline=left)
    return Held(held + done.held, cut + done.cut)


def prepare(run: Run, blue: Cluster, green: Cluster) -> None:
    """Let the clients of blue's endpoints be signed in at green ahead of the pause."""
    databases, here, there = run.part(Databases), _seen(run, blue), _seen(run, green)
    endpoints, socket = databases.endpoints(blue.engine), databases.socket(_writer(there))
    door = doors.writers_door(databases, here)
    with databases.turn(door.name):
        endpoints.start(door, databases.socket(_writer(here)))
        endpoints.prepare(door, socket)
    for other, _ in _of_readers(databases, here):
        with databases.turn(other.name):
            endpoints.start(other, None)
            # Their readers hold the same accounts; a session for another one than this is opened when it moves.
            endpoints.prepare(other, next(iter(_readers(databases, there)), socket))


def send(run: Run, cluster: Cluster) -> None:
    """Send the clients of every endpoint that a cluster has now to its members, whatever became of the endpoints' processes."""
    databases, found = run.part(Databases), _seen(run, cluster)
    endpoints, socket = databases.endpoints(cluster.engine), databases.socket(_writer(found))
    door = doors.writers_door(databases, found)
    with databases.turn(door.name):
        endpoints.start(door, socket)
        endpoints.release(door, socket)
    for other, sockets in _of_readers(databases, found):
        with databases.turn(other.name):
            endpoints.start(other, None)
            endpoints.spread(other, sockets)


def _seen(run: Run, cluster: Cluster) -> Seen:
    databases = run.part(Databases)
    found = doors.look(databases, run.account, run.region, cluster.resource_id)
    if found is None:
        raise JobError(f"the DB cluster {cluster.identifier} is gone")
    return found


def _writer(found: Seen) -> Instance:
    if found.writer is None:
        raise JobError(f"the DB cluster {found.cluster.identifier} has no writer")
    return found.writer


def _readers(databases: Databases, found: Seen) -> list[Path]:
    return doors.targets(databases, found, _THERE).get(found.cluster.reader_endpoint, [])


def _of_readers(databases: Databases, found: Seen) -> list[tuple[EndpointSpec, list[Path]]]:
    """Return the endpoints that spread over members, with the sockets of those that are there."""
    wanted = doors.targets(databases, found, _THERE)
    return [
        (databases.door(found.doors[name]), sockets)
        for name, sockets in wanted.items()
        if name in found.doors
    ]

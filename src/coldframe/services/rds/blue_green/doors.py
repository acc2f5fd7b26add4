"""The endpoints of a deployment: held while nobody may write, and sent to whichever database is theirs then.

Those of instances are here, those of clusters in cluster_doors.py.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from coldframe.engines.endpoint import EndpointSpec, Held
from coldframe.jobs.run import Run
from coldframe.services.rds import lookup
from coldframe.services.rds.blue_green import cluster_doors
from coldframe.services.rds.blue_green.members import Side, Sides
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance

_DRAIN, _AT_ONCE = 1.0, 8


def hold_all(run: Run, found: Sides, side: Side, deadline: float) -> Held:
    """Let the clients of one side wait at the end of their transactions, until `deadline` (seconds since 1970).

    All endpoints at once, since those who write wait from then on.
    """
    acts: list[Callable[[], Held]] = [partial(hold, run, pair.of(side), deadline) for pair in found.pairs]
    if found.clusters is not None:
        cluster = found.clusters.of(side)
        acts.append(partial(cluster_doors.hold, run, cluster, _left(run, deadline), _DRAIN))
    if len(acts) == 1:
        return acts[0]()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hold") as together:
        done = list(together.map(lambda act: act(), acts))
    return Held(sum(each.held for each in done), sum(each.cut for each in done))


def prepare_all(run: Run, found: Sides) -> None:
    """Let the clients of blue be signed in at green ahead of the pause."""
    for pair in found.pairs:
        prepare(run, pair.blue, pair.green)
    if found.clusters is not None:
        cluster_doors.prepare(run, found.clusters.blue, found.clusters.green)


def send_all(run: Run, found: Sides, side: Side) -> None:
    """Send the clients of the endpoints that one side has now to its databases; those who write come first."""
    if found.clusters is not None:
        cluster_doors.send(run, found.clusters.of(side))
    for pair in found.pairs:
        send(run, pair.of(side))


def door(run: Run, instance: Instance) -> EndpointSpec:
    """Return the endpoint that an instance has now."""
    databases = run.part(Databases)
    with databases.store.read() as transaction:
        records = transaction.records(run.account, run.region)
        return databases.door(lookup.endpoint_of(records, instance))


def hold(run: Run, instance: Instance, deadline: float) -> Held:
    """Let the clients of an instance wait at the end of their transactions, until `deadline` (seconds since 1970)."""
    databases = run.part(Databases)
    endpoints, mine = databases.endpoints(instance.engine), door(run, instance)
    with databases.turn(mine.name):
        endpoints.start(mine, databases.socket(instance))
    return endpoints.hold(mine, drain=_DRAIN, deadline=_left(run, deadline))


def prepare(run: Run, instance: Instance, successor: Instance) -> None:
    """Let the clients of an instance be signed in at its successor ahead of the pause."""
    databases = run.part(Databases)
    endpoints, mine = databases.endpoints(instance.engine), door(run, instance)
    with databases.turn(mine.name):
        endpoints.start(mine, databases.socket(instance))
    endpoints.prepare(mine, databases.socket(successor))


def send(run: Run, instance: Instance) -> None:
    """Let the clients of an instance's endpoint go to it, whatever became of the endpoint's process."""
    databases = run.part(Databases)
    endpoints, mine = databases.endpoints(instance.engine), door(run, instance)
    socket = databases.socket(instance)
    with databases.turn(mine.name):
        endpoints.start(mine, socket)
    endpoints.release(mine, socket)


def _left(run: Run, deadline: float) -> float:
    return max(deadline - run.part(Databases).clock.seconds(), 1.0)

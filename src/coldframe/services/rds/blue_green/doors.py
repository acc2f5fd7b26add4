"""The endpoints of a deployment's instances: held while nobody may write, and sent to whichever database is theirs then."""

from coldframe.engines.endpoint import EndpointSpec, Held
from coldframe.jobs.run import Run
from coldframe.services.rds import lookup
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance

_DRAIN = 1.0


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
    return endpoints.hold(mine, drain=_DRAIN, deadline=max(deadline - databases.clock.seconds(), 1.0))


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

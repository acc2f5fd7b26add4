"""Switchover guardrails: what must hold on both sides before a switchover begins; what does not cancels it, and nothing has changed.

They are those of the Amazon RDS User Guide (Switching a blue/green deployment: switchover guardrails), by its names, and what
one machine adds: room on its disks, and prepared transactions, which no switchover could carry over.
"""

import os
from collections.abc import Callable, Iterable

import msgspec

from coldframe.core.records import Records
from coldframe.engines.database import Activity, Copies, DatabaseEngine, DatabaseError, Following
from coldframe.jobs.run import Run
from coldframe.services.rds import lookup, stages
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters.records import ClusterEndpoint
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Deployment, Instance

# How many transactions green may be behind when the pause begins: it has to catch up within it.
MOST_BEHIND = 100
# From when on a write or a change of the schema is a long-running one, in seconds. The pause waits one for open transactions.
LONG_RUNNING = 5.0
# What must be free on every disk that a switchover writes to, in bytes: logs, positions, the journal of the job.
ROOM = 16 * 1024 * 1024
_MOST_NAMED = 5
UNSUPPORTED = "unsupported PostgreSQL changes"


class Look(msgspec.Struct, frozen=True):
    """A deployment as the guardrails look at it."""

    run: Run
    row: Deployment
    sides: members.Sides

    @property
    def databases(self) -> Databases:
        """The databases of this installation."""
        return self.run.part(Databases)

    @property
    def blue(self) -> Instance:
        """The primary of the blue side, or the writer of its cluster."""
        return self.sides.primary.blue

    @property
    def green(self) -> Instance:
        """The primary of the green side, or the writer of its cluster."""
        return self.sides.primary.green

    def instances(self) -> list[Instance]:
        """Every member, blue and green."""
        return [instance for pair in self.sides.pairs for instance in (pair.blue, pair.green)]

    def engine(self, instance: Instance) -> DatabaseEngine:
        """The engine of an instance."""
        return self.databases.engine(instance.engine)

    def copies(self, instance: Instance) -> Copies:
        """The copies of an instance's engine."""
        return self.engine(instance).copies

    def activities(self, instance: Instance) -> list[Activity]:
        """What users of an instance have under way."""
        return list(self.engine(instance).activities.under_way(self.databases.spec(instance)))


def look(run: Run, deployment: str) -> Look:
    """Return a deployment as it is now; raises DBInstanceNotFoundFault when a primary is gone."""
    with run.read() as records:
        return Look(run, records.get(Deployment, deployment), members.sides(records, deployment))


def refusal(run: Run, deployment: str) -> str:
    """Return why the switchover may not begin, empty when it may; lag passes, so it is asked for apart (`behind`)."""
    found = look(run, deployment)
    for check in GUARDRAILS:
        try:
            why = check(found)
        except DatabaseError as problem:
            why = f"{check.__name__.strip('_').replace('_', ' ')} could not be looked at: {problem}"
        if why:
            return why
    return ""


def since_then(run: Run, deployment: str) -> str:
    """Return what has come since the guardrails that a switchover would lose; for the time in which nobody writes to blue."""
    found = look(run, deployment)
    # Only on blue, where somebody could write until now; the pause should not be longer for it.
    return _unsupported_changes(found) or _prepared_on(found, found.blue)


def behind(run: Run, deployment: str) -> int | None:
    """Return how many transactions the green primary is behind; None while that is not known."""
    found = following(run, deployment)
    return found.behind if found.running else None


def following(run: Run, deployment: str) -> Following:
    """Return how the green primary follows the blue one."""
    found = look(run, deployment)
    spec = found.databases.spec
    return found.copies(found.green).following(spec(found.blue), spec(found.green))


def unsupported(databases: Databases, blue: Instance, green: Instance) -> str:
    """Return in words what was changed in blue since the copy that green does not get; empty when green has everything."""
    copies = databases.engine(blue.engine).copies
    made = copies.unsupported(databases.spec(blue), databases.spec(green))
    if not made:
        return ""
    return f"{UNSUPPORTED} on {blue.identifier}: {_listed(made)}"


def obstacles(run: Run, blue: Instance) -> str:
    """Return what of a database logical replication does not carry, in words; empty when it carries all of it."""
    engine, spec = stages.at_work(run.part(Databases), blue)
    found = engine.copies.obstacles(spec)
    return "; ".join(f"{each.database}: {each.text}" for each in found)


def busy(records: Records, found: members.Sides) -> str:
    """Return which instance or cluster cannot take part in a switchover as it is now, empty when all can."""
    both = found.clusters
    for cluster in (both.blue, both.green) if both is not None else ():
        if cluster.status != "available":
            return f"DB cluster {cluster.identifier} is not in available state"
        for endpoint in records.list(ClusterEndpoint, where={"cluster": cluster.resource_id}):
            if endpoint.status != "available":
                return f"DB cluster endpoint {endpoint.identifier} is not in available state"
    instances = [instance for pair in found.pairs for instance in (pair.blue, pair.green)]
    if both is not None:
        # One that is no half of a pair may be the writer, or be on its way to follow it.
        every = [*clusters.members(records, both.blue), *clusters.members(records, both.green)]
        instances += [each for each in every if each not in instances]
    for instance in instances:
        if instance.status != "available" or (instance.cluster and instance.note):
            return f"DB instance {instance.identifier} is not in available state"
    return ""


def moved(found: members.Sides) -> str:
    """Return in words that green still follows who was blue's writer before a failover; empty when it follows the writer."""
    blue, green = found.primary.blue, found.primary.green
    if not green.source or green.source == blue.resource_id:
        return ""
    return f"after a failover {blue.identifier} is the writer, which {green.identifier} does not follow"


def _member_states(found: Look) -> str:
    with found.run.read() as records:
        if why := busy(records, found.sides):
            return why
    for instance in found.instances():
        state = found.engine(instance).status(found.databases.spec(instance)).state
        if state != "running":
            return f"DB instance {instance.identifier} is not in available state: its process is {state}"
    if found.blue.read_only:
        return f"DB instance {found.blue.identifier} is read-only"
    return ""


def _unsupported_changes(found: Look) -> str:
    if not found.row.logical:
        return ""
    why = found.row.degraded or moved(found.sides) or unsupported(found.databases, found.blue, found.green)
    return f"{why}. {members.WAY_OUT}" if why else ""


def _replication_health(found: Look) -> str:
    if why := moved(found.sides):
        return unhealthy(found.green, why)
    for pair in found.sides.pairs:
        green = pair.green
        with found.run.read() as records:
            source = lookup.by_resource(records, green.source) if green.source else None
        if source is None:
            return f"replication health of {green.identifier}: it does not follow its source"
        spec = found.databases.spec
        now = found.copies(green).following(spec(source), spec(green))
        if not now.running:
            return unhealthy(green, now.error)
    return ""


def unhealthy(green: Instance, error: str) -> str:
    """Return the refusal of a green instance whose replication does not go on."""
    said = " ".join(error.split()) or "replication was stopped"
    return f"replication health of {green.identifier}: {said}. Correct the replication errors and then switch over"


def _external_replication(found: Look) -> str:
    blue = found.blue
    if blue.source:
        return f"external replication on {blue.identifier}: it follows another database"
    outside = found.engine(blue).activities.outside(found.databases.spec(blue))
    if not outside:
        return ""
    return (
        f"external replication on {blue.identifier}: {_listed(outside)}."
        " Stop it, switch over, and set it up again afterwards"
    )


def _event_scheduler(found: Look) -> str:
    green = found.green
    jobs = found.engine(green).activities.scheduled(found.databases.spec(green))
    if not jobs:
        return ""
    return (
        f"the event scheduler on {green.identifier}, which would run {_listed(jobs)}."
        " Set event_scheduler to OFF in the green environment and then switch over"
    )


def _active_writes(found: Look) -> str:
    writes = [each for each in found.activities(found.green) if each.kind in {"write", "ddl"}]
    return _said("active writes", found.green, writes)


def _long_running_writes(found: Look) -> str:
    return _long(found, "write", "long-running active writes")


def _long_running_ddl(found: Look) -> str:
    return _long(found, "ddl", "long-running DDL statements")


def _prepared(found: Look) -> str:
    return _prepared_on(found, found.blue) or _prepared_on(found, found.green)


def _prepared_on(found: Look, instance: Instance) -> str:
    waiting = found.engine(instance).activities.prepared(found.databases.spec(instance))
    if not waiting:
        return ""
    return (
        f"prepared transactions on {instance.identifier}: {_listed(waiting)}."
        " Commit them or roll them back and then switch over"
    )


def _free_storage(found: Look) -> str:
    databases = found.databases
    places = [(each.identifier, databases.spec(each).folder) for each in found.instances()]
    for name, folder in [*places, ("the server's own store", databases.settings.data_dir)]:
        disk = os.statvfs(folder)
        free = disk.f_bavail * disk.f_frsize
        if free < ROOM:
            return f"free storage of {name}: {free // 1024} KiB are left on its disk. Free {ROOM // 1024} KiB at least"
    return ""


def _long(found: Look, kind: str, name: str) -> str:
    lasting = [
        each for each in found.activities(found.blue) if each.kind == kind and each.seconds >= LONG_RUNNING
    ]
    return _said(name, found.blue, lasting)


def _said(name: str, instance: Instance, activities: list[Activity]) -> str:
    if not activities:
        return ""
    who = _listed(f"{each.text} ({each.seconds:.0f} s)" for each in activities)
    return f"{name} on {instance.identifier}: {who}. Wait for them to end, or end them, and then switch over"


def _listed(found: Iterable[str]) -> str:
    said = list(found)
    more = f" and {len(said) - _MOST_NAMED} more" if len(said) > _MOST_NAMED else ""
    return ", ".join(said[:_MOST_NAMED]) + more


# In this order; the first that is not met is told.
GUARDRAILS: tuple[Callable[[Look], str], ...] = (
    _member_states,
    _free_storage,
    _unsupported_changes,
    _external_replication,
    _replication_health,
    _event_scheduler,
    _active_writes,
    # Before the writes: in PostgreSQL a change of the schema is a write as well.
    _long_running_ddl,
    _long_running_writes,
    _prepared,
)

"""Instances whose process ended by itself, or hangs: reported once, and started again or taken over from."""

from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import events, lookup, replicating, stages
from coldframe.services.rds.clusters import supervision as clusters
from coldframe.services.rds.clusters.rejoining import REJOINS
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Instance

# What the note of an instance says while it is started again.
REVIVES = "revive"
# States in which no job has an instance in its hands.
_QUIET = frozenset({"available", "backing-up"})


@job("rds.revive-instance")
def revive_instance(run: Run, resource_id: str, hangs: bool = False) -> None:
    """Start an instance again whose process ended by itself, or hangs and is ended here; repeated until it runs."""
    run.commit_point()
    if hangs:
        run.step("end it", stages.end, run, resource_id)
    stages.mark(run, "recovery begins", resource_id, "recovering")
    if run.step("start it", stages.start_if_accessible, run, resource_id):
        stages.inaccessible(run, resource_id)
        return
    # A copy that was made durable for a switchover that did not happen would fall behind.
    run.step("let it follow again", replicating.follow_again, run, resource_id)
    stages.mark(run, "it runs again", resource_id, "recovered", "restarted", note="")


def ought_to_run(instance: Instance | None) -> bool:
    """Tell whether an instance is one that ought to run, whoever has it in hand."""
    return instance is not None and bool(instance.ready) and instance.wanted == "running"


def left_alone(instance: Instance | None) -> bool:
    """Tell whether an instance is one that ought to run and that no job has in its hands."""
    return (
        instance is not None
        and ought_to_run(instance)
        and instance.status in _QUIET
        and instance.note not in {REVIVES, REJOINS}
    )


def quiet(installation: Installation, account: str, region: str, resource_id: str) -> Instance | None:
    """Return an instance that ought to run and that no job has in its hands."""
    with installation.store.read() as transaction:
        found = lookup.by_resource(transaction.records(account, region), resource_id)
    return found if left_alone(found) else None


def crashed(records: Records, installation: Installation, resource_id: str, *, why: str, hangs: bool) -> bool:
    """Report that an instance is gone, or hangs, and have that mended; tells whether a job has it in hand now.

    False when it is none of those that ought to run, or somebody else's to mend.
    """
    databases, messenger = installation.parts.get(Databases), installation.parts.get(Messenger)
    found = lookup.by_resource(records, resource_id)
    if found is None or not left_alone(found):
        return False
    found = records.change(found, note=REVIVES)
    events.tell(records, messenger, found, "crashed", engine=found.engine, reason=why)
    if found.cluster:
        return clusters.member_crashed(records, databases, found, hangs=hangs)
    databases.begin(records, revive_instance, found.resource_id, hangs)
    return True

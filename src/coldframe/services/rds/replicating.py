"""Jobs about read replicas: copied from their source, kept behind it, made instances of their own."""

from coldframe.core.records import Records
from coldframe.engines.database import CopyKind
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import creating, events, in_force, lookup, stages
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.snapshotting import begin_automated


@job("rds.create-replica")
def create_replica(run: Run, resource_id: str) -> None:
    """Copy the source of a new replica, start the copy, and let it follow."""
    run.undo("mark it failed", creating.failed, run, resource_id)
    stages.prepare(run, "work out the settings", resource_id)
    run.step("copy the source", copy, run, resource_id, "physical")
    run.step("start it", stages.start, run, resource_id)
    run.step("follow the source", follow, run, resource_id)
    creating.ready(run, resource_id, "created", "replica_started")


@job("rds.promote-replica")
def promote_replica(run: Run, resource_id: str) -> None:
    """Stop following, and take writes."""
    run.commit_point()
    run.step("stop following", promote, run, resource_id)
    databases, messenger = run.part(Databases), run.part(Messenger)

    def change(records: Records) -> None:
        found = lookup.by_resource(records, resource_id)
        if found is None:
            return
        found = records.change(found, source="", read_only=False, note="")
        events.tell(records, messenger, found, "replica_promoted")
        if found.status in {"modifying", "available"}:
            found = records.change(found, status="available")
            if found.retention and not found.restorable:
                begin_automated(records, databases, found)

    run.write("it stands alone", change)
    run.step("take writes", open_for_writes, run, resource_id)


def copy(run: Run, resource_id: str, kind: CopyKind) -> None:
    """Make an instance a copy of its source; what an earlier attempt left is removed first; for a step."""
    databases, target = run.part(Databases), stages.instance_of(run, resource_id)
    source = stages.instance_of(run, target.source)
    engine = databases.engine(target.engine)
    databases.socket(source)
    engine.stop(databases.spec(target), at_once=True)
    with stages.laid_in_anew(databases, engine, databases.spec(target), target.encryption):
        engine.copies.copy(databases.spec(source), databases.spec(target), kind)


def follow(run: Run, resource_id: str) -> None:
    """Let a running copy follow its source; for a step."""
    databases, target = run.part(Databases), stages.instance_of(run, resource_id)
    source = stages.instance_of(run, target.source)
    databases.socket(target)
    databases.engine(target.engine).copies.follow(databases.spec(source), databases.spec(target))


def follow_again(run: Run, resource_id: str) -> None:
    """Let an instance that has a source, and was down, follow it again if both run; for a step."""
    databases = run.part(Databases)
    with run.read() as records:
        target = lookup.by_resource(records, resource_id)
        source = lookup.by_resource(records, target.source) if target is not None and target.source else None
    if (
        target is None
        or source is None
        or databases.engine(source.engine).reattach(databases.spec(source)) is None
    ):
        return
    follow(run, resource_id)
    allow_writes(run, resource_id)


def promote(run: Run, resource_id: str) -> None:
    """Let a copy stop following, if it is still there; for a step."""
    databases = run.part(Databases)
    with run.read() as records:
        target = lookup.by_resource(records, resource_id)
    if target is not None and target.wanted == "running":
        databases.socket(target)
        databases.engine(target.engine).copies.promote(databases.spec(target))


def open_for_writes(run: Run, resource_id: str) -> None:
    """Let an instance that is not to be read-only any more take writes; for a step."""
    databases = run.part(Databases)
    with run.read() as records:
        target = lookup.by_resource(records, resource_id)
    if target is not None and not target.read_only and target.wanted == "running":
        databases.engine(target.engine).set_read_only(databases.spec(target), on=False)


def allow_writes(run: Run, resource_id: str) -> None:
    """Let users write to a copy whose parameter group says so (DDL on the green side); for a step."""
    databases = run.part(Databases)
    with run.read() as records:
        target = lookup.by_resource(records, resource_id)
        free = target is not None and in_force.writable_copy(records, target)
    if target is not None and target.source and target.wanted == "running":
        databases.engine(target.engine).set_read_only(databases.spec(target), on=not free)

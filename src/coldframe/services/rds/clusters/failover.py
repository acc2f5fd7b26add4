"""The jobs by which a reader becomes the writer: planned, with the clients held, or because the writer is dead.

The old writer is read-only, in its record and in fact, before the decision is written, and the reader takes writes only after
it. Before the decision everything is rolled back, after it everything is done until it is done.
"""

import logging
import threading
from typing import Any

from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError, Silent
from coldframe.jobs.job import JobError, job
from coldframe.jobs.run import Run
from coldframe.services.rds import events, stages
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import accessibility, doors, lookup, rejoining, snapshotting
from coldframe.services.rds.clusters.doors import Seen
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.clusters.waiting import until
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Instance
from coldframe.services.rds.stages import INACCESSIBLE

LOG = logging.getLogger("coldframe.rds")
# How long open transactions may take to end, how long a reader may take to catch up, how long clients wait at most,
# and how long the writer has to come back after a crash; in seconds.
_DRAIN, _CATCH_UP, _DEADLINE, _COME_BACK = 1.0, 30.0, 120.0, 10.0
_POLL = 0.002
# How long a reader has to let us in while everybody waits for a writer, in seconds (a busy machine needs one, decision 31).
_ANSWER = 5.0


@job("rds.fail-over-cluster")
def fail_over(run: Run, cluster: str, target: str) -> None:
    """Let a reader (`target`, or the best one) take over from a writer that is well, or leave everything as it was."""
    run.undo("roll back", _roll_back, run, cluster)
    chosen = run.step("choose the reader", _choose, run, cluster, target)
    run.write("tell that it begins", _begin, run.part(Messenger), cluster, chosen)
    run.step("make it ready", _make_ready, run, cluster, chosen)
    run.step("hold the clients", _hold, run, cluster)
    run.write("the writer is to be read-only", _close_writer, cluster, True)
    run.step("the writer is read-only", _fence, run, cluster)
    run.step("the reader has everything", _catch_up, run, cluster, chosen)
    run.step("the writer lets go", _let_go, run, cluster, chosen)
    run.commit_point()
    _take_over(run, cluster, chosen)


@job("rds.recover-cluster")
def recover_cluster(run: Run, cluster: str, hangs: bool = False) -> None:
    """Start a writer that died; if it does not come back at once, let a reader take over that has all it acknowledged.

    A writer that hangs is ended and not waited for where another may take over: what made it hang may be there still.
    """
    run.undo("keep the writer", _keep_writer, run, cluster)
    if hangs:
        run.step("let nobody come to the writer", _end_sessions, run, cluster)
        run.step("end the writer", _end_hanging, run, cluster)
    elif come_back := run.step("start the writer", _revive, run, cluster):
        run.commit_point()
        if come_back == INACCESSIBLE:
            accessibility.inaccessible(run, cluster)
            return
        run.write("the writer runs again", _revived, run.part(Messenger), cluster)
        return
    if not run.step("look for readers", _promotable, run, cluster):
        run.commit_point()
        run.step("start the writer in the end", _start, run, cluster)
        run.write("the writer runs again", _revived, run.part(Messenger), cluster)
        return
    run.write("tell that it begins", _begin, run.part(Messenger), cluster, "")
    run.write("the writer is to be read-only", _close_writer, cluster, True)
    run.step("the writer is dead", _end_writer, run, cluster)
    run.step("end the sessions", _end_sessions, run, cluster)
    asked = run.step("ask the readers", _most_advanced, run, cluster)
    chosen = run.step("let the preferred one catch up", _preferred, run, cluster, asked)
    run.commit_point()
    _take_over(run, cluster, chosen)


def _take_over(run: Run, cluster: str, chosen: str) -> None:
    """Make the reader the writer, whatever dies meanwhile; the others come to follow it by jobs of their own."""
    run.step("it inherits who follows the writer", _inherit, run, cluster, chosen)
    run.write("the reader is the writer", _swap, cluster, chosen)
    run.step("it stops following", _promote, run, cluster)
    run.step("it takes writes", _open, run, cluster)
    run.step("let the clients go on", _release, run, cluster)
    run.step("its endpoint is there", stages.start, run, chosen)
    run.write("tell that it is done", _complete, run.part(Databases), run.part(Messenger), cluster)
    run.step("spread the readers", _spread, run, cluster)


def _seen(run: Run, cluster: str) -> Seen:
    with run.part(Databases).store.read() as transaction:
        records = transaction.records(run.account, run.region)
        return doors.seen(records, lookup.expect(records, cluster))


def _quiet(run: Run, cluster: str) -> None:
    """Return when nobody changes who acknowledges; the cluster's status keeps everybody from beginning to."""
    with run.part(Databases).turn(cluster):
        return


def _writer(run: Run, cluster: str) -> Instance:
    found = _seen(run, cluster).writer
    if found is None:
        raise JobError("the cluster has no writer")
    return found


def _choose(run: Run, cluster: str, target: str) -> str:
    """Return the reader that takes over when everybody is well: the one that is wanted, or the first by tier."""
    databases = run.part(Databases)
    _quiet(run, cluster)
    with run.read() as records:
        rows = lookup.readers(records, lookup.expect(records, cluster))
    writer = _writer(run, cluster)
    for row in rows:
        if row.status not in lookup.USABLE or (target and row.resource_id != target):
            continue
        if row.note == rejoining.REJOINS:
            # It may be copied anew at any moment.
            if target:
                raise JobError(f"{row.identifier} comes back to the writer just now")
            continue
        found = databases.engine(row.engine).copies.following(databases.spec(writer), databases.spec(row))
        if found.running:
            return row.resource_id
        if target:
            raise JobError(f"{row.identifier} does not follow the writer: {found.error or 'it was stopped'}")
    raise JobError("no reader of the cluster follows its writer")


def _make_ready(run: Run, cluster: str, chosen: str) -> None:
    """Make reader and writer durable while nobody waits, and sign the clients in at the reader ahead of the pause."""
    databases, found = run.part(Databases), _seen(run, cluster)
    reader, writer = stages.instance_of(run, chosen), _writer(run, cluster)
    engine = databases.engine(reader.engine)
    engine.copies.arm(databases.spec(writer))
    engine.copies.arm(databases.spec(reader))
    doors.start_writers_door(databases, found)
    endpoints = databases.endpoints(reader.engine)
    endpoints.prepare(doors.writers_door(databases, found), databases.socket(reader))


def _hold(run: Run, cluster: str) -> dict[str, Any]:
    databases, found = run.part(Databases), _seen(run, cluster)
    doors.start_writers_door(databases, found)
    with databases.turn(found.cluster.endpoint):
        held = databases.endpoints(found.cluster.engine).hold(
            doors.writers_door(databases, found), drain=_DRAIN, deadline=_DEADLINE
        )
    return {"held": held.held, "cut": held.cut}


def _close_writer(records: Records, cluster: str, on: bool) -> None:
    found = lookup.writer(records, lookup.expect(records, cluster))
    if found is not None:
        records.change(found, read_only=on)


def _fence(run: Run, cluster: str) -> None:
    databases, writer = run.part(Databases), _writer(run, cluster)
    databases.socket(writer)
    databases.engine(writer.engine).set_read_only(databases.spec(writer), on=True)


def _catch_up(run: Run, cluster: str, chosen: str) -> str:
    """Wait until the reader has everything that the writer has committed; returns the position."""
    databases, writer = run.part(Databases), _writer(run, cluster)
    engine, reader = databases.engine(writer.engine), databases.spec(stages.instance_of(run, chosen))
    position = engine.copies.position(databases.spec(writer))
    if not until(lambda: engine.copies.reached(reader, position), _CATCH_UP, every=_POLL):
        raise JobError(f"the reader did not catch up within {_CATCH_UP:g} s")
    engine.copies.finish(databases.spec(writer), reader)
    return position


def _let_go(run: Run, cluster: str, chosen: str) -> None:
    databases, writer = run.part(Databases), _writer(run, cluster)
    reader = databases.spec(stages.instance_of(run, chosen))
    databases.engine(writer.engine).groups.let_go(databases.spec(writer), reader)


def _roll_back(run: Run, cluster: str) -> None:
    """Let the writer take writes again and its clients go on."""
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        if lookup.by_resource(records, cluster) is None:
            return
        _close_writer(records, cluster, False)
    writer = _writer(run, cluster)
    databases.socket(writer)
    databases.engine(writer.engine).set_read_only(databases.spec(writer), on=False)
    _release(run, cluster)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        found = lookup.expect(records, cluster)
        if found.status == "failing-over":
            found = records.change(found, status="available")
        events.tell(records, run.part(Messenger), found, "cluster_failover_failed", reason=reason)
        events.tell(records, run.part(Messenger), found, "cluster_promoted_again", writer=writer.identifier)


def _revive(run: Run, cluster: str) -> bool | str:
    """Start the writer again; tells whether it came back at once, or INACCESSIBLE where the storage cannot be opened.

    Without readers there is nothing but to wait for it.
    """
    _quiet(run, cluster)
    if accessibility.refused(run, cluster):
        return INACCESSIBLE
    if not _promotable(run, cluster):
        return False
    failed: list[Exception] = []

    def start() -> None:
        try:
            _start(run, cluster)
        except Exception as error:  # noqa: BLE001  (told to whoever waits)
            failed.append(error)

    starting = threading.Thread(target=start, name="rds-revive-writer", daemon=True)
    starting.start()
    starting.join(_COME_BACK)
    return not starting.is_alive() and not failed


def _start(run: Run, cluster: str) -> None:
    databases, writer = run.part(Databases), _writer(run, cluster)
    databases.socket(writer)
    engine, spec = databases.engine(writer.engine), databases.spec(writer)
    if not writer.read_only and engine.status(spec).read_only:
        # A failover that could not be ended had closed it for good.
        engine.set_read_only(spec, on=False)
    stages.start(run, writer.resource_id)
    _release(run, cluster)


def _promotable(run: Run, cluster: str) -> bool:
    with run.read() as records:
        return bool(lookup.expect(records, cluster).promotable)


def _keep_writer(run: Run, cluster: str) -> None:
    """Let the writer remain the writer, and start it until it runs. Nobody is promoted before it was back."""
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        found = lookup.by_resource(records, cluster)
        if found is None:
            return
        _close_writer(records, cluster, False)
        found = records.change(found, status="rebooting", promotable=[])
        events.tell(records, run.part(Messenger), found, "cluster_failover_failed", reason=reason)
        # Somebody else may start it, and then nobody sees that it was closed, with its clients held.
        databases.begin(records, recover_cluster, cluster)


def _end_writer(run: Run, cluster: str) -> None:
    """See to it that no process of the writer is left, and that it is read-only whoever starts it."""
    databases, writer = run.part(Databases), _writer(run, cluster)
    engine, spec = databases.engine(writer.engine), databases.spec(writer)
    engine.stop(spec, at_once=True)
    engine.set_read_only(spec, on=True)


def _end_hanging(run: Run, cluster: str) -> None:
    stages.end(run, _writer(run, cluster).resource_id)
    # Who waited for an answer of it has an error now, and changes nothing any more.
    _quiet(run, cluster)


def _end_sessions(run: Run, cluster: str) -> int:
    databases, found = run.part(Databases), _seen(run, cluster)
    endpoints, door = databases.endpoints(found.cluster.engine), doors.writers_door(databases, found)
    with databases.turn(door.name):
        endpoints.start(door, None)
        return endpoints.fail_over(door, deadline=_DEADLINE)


def _most_advanced(run: Run, cluster: str) -> list[str]:
    """Return the readers that answer, the one that has the most before all, of those that have it the first by tier.

    One of those who may take over has everything that was acknowledged, and which one is known only when of each it is known
    what it has. One that answers nobody is not waited for: it is started anew where it keeps what it received, or its files tell.
    """
    databases = run.part(Databases)
    with run.read() as records:
        row = lookup.expect(records, cluster)
        readers = [each for each in lookup.readers(records, row) if each.resource_id in row.promotable]
    if len(readers) != len(row.promotable):
        raise JobError("a reader that may have what was acknowledged last is gone")
    asked, best, most, silent = [], None, "", []
    for each in readers:
        groups = databases.engine(each.engine).groups
        try:
            has = _orphaned(databases, each)
        except DatabaseError as error:
            LOG.warning("%s is not asked: %s", each.identifier, error)
            silent.append((each, error))
            continue
        asked.append(each.resource_id)
        if best is None or groups.before(most, has):
            best, most = each, has
    for each, problem in silent:
        why = f"nobody can say what {each.identifier} has: {problem}"
        if best is None:
            raise JobError(why)
        try:
            covered = databases.engine(each.engine).groups.covers(databases.spec(best), databases.spec(each))
        except DatabaseError as unknown:
            raise JobError(f"{why}; {unknown}") from unknown
        if not covered:
            raise JobError(f"{each.identifier} has what no other reader has, and does not answer: {problem}")
    if best is None:
        raise JobError("no reader may take over")
    return [best.resource_id, *(each for each in asked if each != best.resource_id)]


def _orphaned(databases: Databases, reader: Instance) -> str:
    """Return what a reader has of the dead writer; one that hangs, and loses nothing by it, is ended and started for that."""
    engine, spec = databases.engine(reader.engine), databases.spec(reader)
    try:
        engine.activities.probe(spec, answer=_ANSWER, write=_ANSWER)
    except Silent:
        if not engine.groups.keeps:
            raise
        LOG.warning("%s is ended: it has not answered for %.0f s", reader.identifier, _ANSWER)
        engine.stop(spec, at_once=True)
    return engine.groups.orphaned(spec)


def _preferred(run: Run, cluster: str, asked: list[str]) -> str:
    """Return the first reader by tier, once it has what the most advanced one has, of which it gets it; else that one.

    The writer is dead and acknowledges nothing any more, so that nobody has to have more than that one.
    """
    databases, advanced = run.part(Databases), asked[0]
    with run.read() as records:
        row = lookup.expect(records, cluster)
        first = next(each for each in lookup.readers(records, row) if each.resource_id in asked)
        best = instances.expect(records, advanced)
    if first.resource_id == advanced:
        return advanced
    try:
        databases.engine(first.engine).groups.level(databases.spec(best), databases.spec(first))
    except DatabaseError as error:
        LOG.warning("%s takes over in the place of %s: %s", best.identifier, first.identifier, error)
        return advanced
    return first.resource_id


def _swap(records: Records, cluster_id: str, chosen: str) -> None:
    """Give the writer's part to the reader; nobody acknowledges what it writes, or may take over, until others follow it."""
    cluster = lookup.expect(records, cluster_id)
    for row in lookup.members(records, cluster):
        fields: dict[str, Any] = {"acknowledged_by": [], "acknowledges": False}
        if row.resource_id == chosen:
            fields |= {"source": "", "read_only": False}
        else:
            fields |= {"source": chosen, "read_only": True}
        if row.resource_id == cluster.writer:
            fields["note"] = ""
            if row.status != "deleting":
                fields["status"] = "rebooting"
        records.change(row, **fields)
    records.change(cluster, writer=chosen, promotable=[])


def _inherit(run: Run, cluster: str, chosen: str) -> None:
    databases, writer = run.part(Databases), _writer(run, cluster)
    reader = stages.instance_of(run, chosen)
    engine = databases.engine(writer.engine)
    try:
        engine.groups.inherit(databases.spec(writer), databases.spec(reader))
    except DatabaseError as error:
        # Clients wait for a writer, whatever becomes of a Blue/Green deployment; its status will tell.
        LOG.warning("%s takes over without the slots of %s: %s", reader.identifier, writer.identifier, error)
        databases.socket(reader)


def _promote(run: Run, cluster: str) -> None:
    databases, writer = run.part(Databases), _writer(run, cluster)
    databases.socket(writer)
    databases.engine(writer.engine).copies.promote(databases.spec(writer))


def _open(run: Run, cluster: str) -> None:
    databases, writer = run.part(Databases), _writer(run, cluster)
    databases.socket(writer)
    databases.engine(writer.engine).set_read_only(databases.spec(writer), on=False)


def _release(run: Run, cluster: str) -> None:
    """Send the clients of the cluster's endpoint to the writer, whatever became of the endpoint's process."""
    databases, found = run.part(Databases), _seen(run, cluster)
    if found.writer is None:
        return
    socket = databases.socket(found.writer)
    endpoints, door = databases.endpoints(found.cluster.engine), doors.writers_door(databases, found)
    with databases.turn(door.name):
        endpoints.start(door, socket)
        endpoints.release(door, socket)


def _spread(run: Run, cluster: str) -> None:
    doors.spread(run.part(Databases), _seen(run, cluster))


def _begin(records: Records, messenger: Messenger, cluster: str, chosen: str) -> None:
    found = records.change(lookup.expect(records, cluster), status="failing-over")
    reader = instances.by_resource(records, chosen) if chosen else None
    name = reader.identifier if reader is not None else "a reader"
    events.tell(records, messenger, found, "cluster_failover_started", target=name)


def _complete(records: Records, databases: Databases, messenger: Messenger, cluster_id: str) -> None:
    cluster: Cluster = records.change(lookup.expect(records, cluster_id), status="available")
    # The log of one member does not go on in that of another: moments from here on need a backup of this one.
    snapshotting.begin_automated(records, databases, cluster)
    for row in lookup.members(records, cluster):
        if row.resource_id == cluster.writer:
            events.tell(records, messenger, cluster, "cluster_failover_done", target=row.identifier)
        elif row.wanted == "running" and row.status != "deleting":
            rejoining.begin(records, databases, row)


def _revived(records: Records, messenger: Messenger, cluster: str) -> None:
    found = lookup.expect(records, cluster)
    writer = lookup.writer(records, found)
    if writer is not None:
        writer = records.change(writer, note="", status="available")
        events.tell(records, messenger, writer, "restarted")
    if found.status in {"failing-over", "rebooting"}:
        records.change(found, status="available")

"""The jobs that take clusters and members down and up: stop, start, reboot; and those that change a cluster."""

from functools import partial
from typing import Any

from coldframe.core.records import Records
from coldframe.engines.database import Login
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import events, replicating, rotating, stages
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import accessibility, doors, lookup, rejoining
from coldframe.services.rds.clusters.stopping import close_endpoints, stop_members
from coldframe.services.rds.clusters.volumes import volume_of
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import wrong_state
from coldframe.services.rds.log_exports.choosing import EXPORTS, turn, with_log_types
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Endpoint, Instance

_WEEK = 7 * 86_400_000
_DAY = 86_400


@job("rds.stop-cluster")
def stop_cluster(run: Run, cluster: str) -> None:
    """Stop every member, the readers first; the cluster is started again after seven days."""
    run.commit_point()
    run.write("nobody acknowledges", _alone, cluster)
    run.step("stop the members", stop_members, run, cluster)
    databases = run.part(Databases)

    def down(records: Records) -> None:
        found = lookup.expect(records, cluster)
        for row in lookup.members(records, found):
            records.change(row, status="stopped", note="")
        restart = databases.clock.milliseconds() + _WEEK
        found = records.change(found, status="stopped", restart=restart)
        events.tell(records, run.part(Messenger), found, "cluster_stopped")

    run.write("it is down", down)


@job("rds.start-cluster")
def start_cluster(run: Run, cluster: str) -> None:
    """Start the writer, then the readers."""
    run.commit_point()
    if run.step("open its storage", accessibility.refused, run, cluster):
        accessibility.inaccessible(run, cluster)
        return
    run.write("it is to run", _wanted, cluster)
    for resource_id in run.step("list the members", _members, run, cluster):
        stages.prepare(run, f"work out the settings of {resource_id[-6:]}", resource_id)
        run.step(f"start {resource_id[-6:]}", _start, run, resource_id)
        stages.mark(run, f"{resource_id[-6:]} is up", resource_id, status="available", note="")

    def up(records: Records) -> None:
        found = records.change(lookup.expect(records, cluster), status="available", restart=0)
        events.tell(records, run.part(Messenger), found, "cluster_started")

    run.step("open its endpoints", _open, run, cluster)
    run.write("it is up", up)


@job("rds.reboot-cluster-member")
def reboot_member(run: Run, resource_id: str, size: str) -> None:
    """Restart a member, with everything of its parameter groups, in another class (`size`) where one is wanted."""
    run.commit_point()
    run.step("the writer does not wait for it", rejoining.leave, run, resource_id)
    run.step("stop it", stages.stop, run, resource_id)
    fields: dict[str, Any] = {"instance_class": size} if size else {}
    stages.mark(run, "it is down", resource_id, "shut_down", **fields)
    stages.prepare(run, "work out the settings", resource_id)
    run.step("start it", _start, run, resource_id)
    told = ("restarted", "class_changed") if size else ("restarted",)
    stages.mark(run, "it is up", resource_id, *told, status="available", **_without_class(run, resource_id))
    run.step("send readers to it", rejoining.spread, run, resource_id)


@job("rds.reboot-cluster")
def reboot_cluster(run: Run, cluster: str) -> None:
    """Restart the members, the readers first."""
    run.commit_point()
    run.write("restart the readers", _reboot, run.part(Databases), cluster, False)
    run.wait(lambda: _calm(run, cluster), timeout=_DAY, poll=0.1, name="wait for the readers")
    run.write("restart the writer", _reboot, run.part(Databases), cluster, True)
    run.wait(lambda: _calm(run, cluster), timeout=_DAY, poll=0.1, name="wait for the writer")

    def up(records: Records) -> None:
        records.change(lookup.expect(records, cluster), status="available")

    run.write("it is up", up)


@job("rds.change-cluster")
def change_cluster(run: Run, cluster: str, sealed: str, port: int, size: str, version: str = "") -> None:
    """Give a cluster another master password, another port, or its members another class.

    The password is the one that is given, or the next one of its secret, in which it is of this `version`.
    """
    run.commit_point()
    databases, messenger = run.part(Databases), run.part(Messenger)
    if sealed:
        run.step("set the password", _set_password, run, cluster, sealed)
    refused = ""
    if version:
        with run.read() as records:
            found = lookup.expect(records, cluster)
        refused = rotating.rotate(run, found, version, partial(_give, run, cluster))
    if port:
        run.step("close the endpoints", close_endpoints, run, cluster)
        run.write("change the port", _change_port, cluster, port)
        run.step("open the endpoints", _reopen, run, cluster)
    if size:
        run.write("change the readers", _reboot, databases, cluster, False, size)
        run.wait(lambda: _calm(run, cluster), timeout=_DAY, poll=0.1, name="wait for the readers")
        run.write("change the writer", _reboot, databases, cluster, True, size)
        run.wait(lambda: _calm(run, cluster), timeout=_DAY, poll=0.1, name="wait for the writer")

    def done(records: Records) -> None:
        secret = rotating.IMPAIRED if refused else ""
        found = records.change(lookup.expect(records, cluster), status="available", secret_status=secret)
        if exports := found.pending.get(EXPORTS):
            names = [row.resource_id for row in lookup.members(records, found)]
            turn(records, found.volume or cluster, names, exports, databases.clock.milliseconds())
            found = records.change(found, about=with_log_types(found.about, exports), pending={})
        if size:
            found = records.change(found, instance_class=size)
        if sealed or (version and not refused):
            events.tell(records, messenger, found, "cluster_password_reset")

    run.write("it is done", done)


def _without_class(run: Run, resource_id: str) -> dict[str, Any]:
    """Return what is pending of a member once its class was changed."""
    pending = stages.instance_of(run, resource_id).pending
    return {"pending": {name: value for name, value in pending.items() if name != "DBInstanceClass"}}


def _alone(records: Records, cluster: str) -> None:
    """Let the writer acknowledge by itself, since every reader stops; nobody may take over."""
    found = records.change(lookup.expect(records, cluster), promotable=[])
    for row in lookup.members(records, found):
        records.change(row, acknowledged_by=[], acknowledges=False, wanted="stopped")


def _wanted(records: Records, cluster: str) -> None:
    for row in lookup.members(records, lookup.expect(records, cluster)):
        records.change(row, wanted="running")


def _members(run: Run, cluster: str) -> list[str]:
    """Return the resource ids of a cluster's members, the writer first."""
    with run.read() as records:
        return [row.resource_id for row in lookup.members(records, lookup.expect(records, cluster))]


def _start(run: Run, resource_id: str) -> None:
    stages.start(run, resource_id)
    if stages.instance_of(run, resource_id).source:
        replicating.follow(run, resource_id)
        replicating.allow_writes(run, resource_id)


def _open(run: Run, cluster: str) -> None:
    databases = run.part(Databases)
    found = doors.look(databases, run.account, run.region, cluster)
    if found is not None:
        doors.open_writer(databases, found)
        doors.spread(databases, found)


def _reopen(run: Run, cluster: str) -> None:
    for resource_id in _members(run, cluster):
        stages.start(run, resource_id)
    _open(run, cluster)


def _change_port(records: Records, cluster: str, port: int) -> None:
    found = records.change(lookup.expect(records, cluster), port=port)
    names = [*doors.seen(records, found).doors, *(row.endpoint for row in lookup.members(records, found))]
    for name in names:
        records.change(records.get(Endpoint, name), port=port)


def _set_password(run: Run, cluster: str, sealed: str) -> None:
    with run.read() as records:
        found = lookup.expect(records, cluster)
    _give(run, cluster, run.part(Databases).login(found, sealed))


def _give(run: Run, cluster: str, login: Login) -> None:
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.expect(records, cluster)
        writer = instances.expect(records, found.writer) if found.writer else None
    if writer is not None:
        engine, spec = stages.at_work(databases, writer)
        engine.set_password(spec, login)
        return
    # No member has the data in its hands: they are served for this moment alone, behind no endpoint.
    engine, volume = databases.engine(found.engine), volume_of(databases, found)
    with databases.encryption.open(volume.folder, found.encryption):
        try:
            engine.start(volume)
            engine.set_password(volume, login)
        finally:
            engine.stop(volume)


def _reboot(records: Records, databases: Databases, cluster: str, writers: bool, size: str = "") -> None:
    found = lookup.expect(records, cluster)
    for row in lookup.members(records, found):
        if (row.resource_id == found.writer) == writers and row.status in lookup.USABLE:
            begin_reboot(records, databases, row, size)


def may_reboot(records: Records, row: Instance) -> None:
    """Refuse to restart a member that a job has in its hands, or whose cluster is busy; raises the fault that says so."""
    lookup.available(lookup.expect(records, row.cluster), "backing-up")
    if row.note:
        raise wrong_state(f"Instance {row.identifier} is not in available state.")


def begin_reboot(records: Records, databases: Databases, row: Instance, size: str = "") -> Instance:
    """Begin to restart a member; returns it."""
    row = records.change(row, status="modifying" if size else "rebooting")
    databases.begin(records, reboot_member, row.resource_id, size)
    return row


def _calm(run: Run, cluster: str) -> bool:
    with run.read() as records:
        rows = lookup.members(records, lookup.expect(records, cluster))
    return all(row.status in lookup.USABLE for row in rows)

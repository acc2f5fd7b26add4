"""The job that switches over: hold the clients, let green catch up, decide, let green take the name and the writes.

Blue is read-only before the decision is written and green takes writes only after it, so that there are never two
primaries that take writes. Before the decision everything is rolled back, after it everything is done until it is done.
"""

from typing import Any

from msgspec.structs import replace

from coldframe.core.records import Records
from coldframe.jobs.job import JobError, job
from coldframe.jobs.run import Run
from coldframe.services.rds import arns, events, lookup, modifying, stages
from coldframe.services.rds.blue_green import guardrails, members
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment, Endpoint, Instance

_DRAIN = 1.0
_POLL = 0.002


@job("rds.switch-over")
def switch_over(run: Run, deployment: str, timeout: int) -> None:
    """Switch a deployment over within `timeout` seconds, or leave everything as it was."""
    databases = run.part(Databases)
    deadline = run.step("begin", lambda: databases.clock.seconds() + timeout)
    # Registered first: whatever fails from here on, clients get their blue database back.
    run.undo("roll back", _roll_back, run, deployment)
    refusal = run.step("look at the guardrails", _guarded, run, deployment, deadline)
    if refusal:
        run.write("cancel", _cancel, run.part(Messenger), deployment, refusal)
        return
    run.write("tell that it begins", _begin, run.part(Messenger), deployment)
    run.step("make green durable", _arm, run, deployment)
    run.step("sign clients in at green", _prepare, run, deployment)
    held = run.step("hold the clients", _hold, run, deployment, deadline)
    run.write("blue is to be read-only", _close_blue, deployment)
    run.step("blue is read-only", _set_read_only, run, deployment, "blue", True)
    run.step("green has caught up", _catch_up, run, deployment, deadline)
    run.step("bring over what replication does not carry", _finish, run, deployment)
    run.step("look at the time", _in_time, run, deadline)
    run.commit_point()
    run.write("green takes the name", _swap, deployment)
    run.step("blue stays read-only", _set_read_only, run, deployment, "blue", True)
    run.step("green stops following", _promote, run, deployment)
    run.step("green takes writes", _set_read_only, run, deployment, "green", False)
    paused = run.step("let the clients go on", _release, run, deployment, held)
    # Nobody follows blue any more: an engine that could only lock its users out lets them read from here on.
    run.step("blue can be read", _set_read_only, run, deployment, "blue", True)
    run.step("blue has green's endpoints", _redirect_blue, run, deployment)
    run.write("tell that it is done", _complete, run.part(Messenger), deployment, held, paused)


def _guarded(run: Run, deployment: str, deadline: float) -> str:
    """Return why the switchover may not begin; waits, half of the time at most, for green to be close behind."""
    if refusal := guardrails.refusal(run, deployment):
        return refusal
    clock = run.part(Databases).clock
    until = clock.seconds() + max((deadline - clock.seconds()) / 2, 0)
    while (lag := guardrails.behind(run, deployment)) is None or lag > guardrails.MOST_BEHIND:
        if clock.seconds() > until:
            return f"replication lag: the target is {'unknown' if lag is None else lag} transactions behind"
        run.pause(0.05)
    return ""


def _pairs(run: Run, deployment: str) -> list[members.Pair]:
    with run.read() as records:
        return members.pairs(records, deployment)


def _arm(run: Run, deployment: str) -> None:
    databases, primary = run.part(Databases), _pairs(run, deployment)[0]
    engine, green = databases.engine(primary.green.engine), databases.spec(primary.green)
    engine.set_read_only(green, on=True)
    engine.copies.arm(green)


def _prepare(run: Run, deployment: str) -> None:
    """Let the endpoints sign their clients in at green ahead of the pause."""
    databases = run.part(Databases)
    for pair in _pairs(run, deployment):
        endpoints = databases.endpoints(pair.blue.engine)
        door = databases.door(_endpoint(run, pair.blue))
        endpoints.start(door, databases.socket(pair.blue))
        endpoints.prepare(door, databases.socket(pair.green))


def _hold(run: Run, deployment: str, deadline: float) -> dict[str, Any]:
    """Hold the clients of every blue endpoint; returns how many, and when it began (seconds)."""
    databases = run.part(Databases)
    begun = databases.clock.seconds()
    held = cut = 0
    for pair in reversed(_pairs(run, deployment)):
        endpoints = databases.endpoints(pair.blue.engine)
        door = databases.door(_endpoint(run, pair.blue))
        endpoints.start(door, databases.socket(pair.blue))
        left = max(deadline - databases.clock.seconds(), 1.0)
        done = endpoints.hold(door, drain=_DRAIN, deadline=left)
        held, cut = held + done.held, cut + done.cut
    return {"held": held, "cut": cut, "begun": begun}


def _close_blue(records: Records, deployment: str) -> None:
    records.change(members.pairs(records, deployment)[0].blue, read_only=True)


def _set_read_only(run: Run, deployment: str, side: str, on: bool) -> None:
    databases, primary = run.part(Databases), _pairs(run, deployment)[0]
    instance = primary.blue if side == "blue" else primary.green
    databases.socket(instance)
    databases.engine(instance.engine).set_read_only(databases.spec(instance), on=on)


def _catch_up(run: Run, deployment: str, deadline: float) -> str:
    """Wait until green has everything that blue has committed; returns the position."""
    databases, primary = run.part(Databases), _pairs(run, deployment)[0]
    engine = databases.engine(primary.blue.engine)
    position = engine.copies.position(databases.spec(primary.blue))
    green = databases.spec(primary.green)
    while not engine.copies.reached(green, position):
        _in_time(run, deadline)
        run.pause(_POLL)
    return position


def _finish(run: Run, deployment: str) -> None:
    databases, primary = run.part(Databases), _pairs(run, deployment)[0]
    engine = databases.engine(primary.blue.engine)
    engine.copies.finish(databases.spec(primary.blue), databases.spec(primary.green))


def _in_time(run: Run, deadline: float) -> None:
    if run.part(Databases).clock.seconds() > deadline:
        raise JobError("the switchover took longer than its time limit")


def _swap(records: Records, deployment: str) -> None:
    """Give every green instance the name, the endpoint and the tags of its blue one, which becomes NAME-old1."""
    row = records.get(Deployment, deployment)
    found = []
    for number, member in enumerate(row.members):
        blue, green = lookup.expect(records, member.source), lookup.expect(records, member.target)
        name, old = blue.identifier, _old_name(records, blue.identifier)
        primary = number == 0
        modifying.renamed(records, replace(blue, endpoint=green.endpoint), old)
        taken = replace(
            green,
            endpoint=blue.endpoint,
            tags=blue.tags,
            source="" if primary else green.source,
            read_only=not primary,
            deployment="",
            protected=blue.protected,
        )
        modifying.renamed(records, taken, name)
        found.append(
            replace(
                member,
                source_arn=arns.made(records.account, records.region, "db", old),
                target_arn=arns.made(records.account, records.region, "db", name),
            )
        )
    records.change(row, members=found)


def _promote(run: Run, deployment: str) -> None:
    databases, primary = run.part(Databases), _pairs(run, deployment)[0]
    databases.socket(primary.green)
    databases.engine(primary.green.engine).copies.promote(databases.spec(primary.green))


def _release(run: Run, deployment: str, held: dict[str, Any]) -> float:
    """Send the clients to the green databases, which have blue's endpoints by now; returns the pause in seconds."""
    databases = run.part(Databases)
    for pair in _pairs(run, deployment):
        _send(run, databases, pair.green)
    return databases.clock.seconds() - float(held["begun"])


def _redirect_blue(run: Run, deployment: str) -> None:
    databases = run.part(Databases)
    for pair in _pairs(run, deployment):
        _send(run, databases, pair.blue)


def _send(run: Run, databases: Databases, instance: Instance) -> None:
    """Let the clients of an instance's endpoint go to it, whatever became of the endpoint's process."""
    endpoints, door = databases.endpoints(instance.engine), databases.door(_endpoint(run, instance))
    socket = databases.socket(instance)
    endpoints.start(door, socket)
    endpoints.release(door, socket)


def _roll_back(run: Run, deployment: str) -> None:
    """Let blue take writes again and its clients go on; green follows as before."""
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        row = records.find(Deployment, deployment)
        if row is None:
            return
        pairs = members.pairs(records, deployment)
        records.change(pairs[0].blue, read_only=False)
    blue = replace(pairs[0].blue, read_only=False)
    databases.socket(blue)
    databases.engine(blue.engine).set_read_only(databases.spec(blue), on=False)
    for pair in pairs:
        _send(run, databases, pair.blue)
    green = pairs[0].green
    databases.socket(green)
    databases.engine(green.engine).copies.follow(databases.spec(blue), databases.spec(green))
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        _stand_back(records, deployment)
        row = members.set_status(
            records,
            deployment,
            "SWITCHOVER_FAILED",
            details=f"The switchover was rolled back: {reason}",
            members="AVAILABLE",
        )
        words = {"source": blue.identifier, "target": green.identifier, "reason": reason}
        events.tell(records, run.part(Messenger), row, "switchover_rolled_back", **words)


def _begin(records: Records, messenger: Messenger, deployment: str) -> None:
    pairs = members.pairs(records, deployment)
    for pair in pairs:
        for instance in (pair.blue, pair.green):
            records.change(instance, status="modifying")
    row = members.set_status(records, deployment, "SWITCHOVER_IN_PROGRESS", members="SWITCHOVER_IN_PROGRESS")
    words = {"source": pairs[0].blue.identifier, "target": pairs[0].green.identifier}
    events.tell(records, messenger, row, "switchover_started", **words)


def _cancel(records: Records, messenger: Messenger, deployment: str, why: str) -> None:
    pairs = members.pairs(records, deployment)
    details = f"Switchover was canceled due to {why}"
    row = members.set_status(records, deployment, "AVAILABLE", details=details, members="AVAILABLE")
    words = {"source": pairs[0].blue.identifier, "target": pairs[0].green.identifier, "reason": why}
    events.tell(records, messenger, row, "switchover_canceled", **words)


def _stand_back(records: Records, deployment: str) -> None:
    for pair in members.pairs(records, deployment):
        for instance in (pair.blue, pair.green):
            if instance.status == "modifying":
                records.change(instance, status="available")


def _complete(
    records: Records, messenger: Messenger, deployment: str, held: dict[str, Any], paused: float
) -> None:
    _stand_back(records, deployment)
    row = members.set_status(records, deployment, "SWITCHOVER_COMPLETED", members="SWITCHOVER_COMPLETED")
    pairs = members.pairs(records, deployment)
    words = {"source": pairs[0].blue.identifier, "target": pairs[0].green.identifier}
    events.tell(records, messenger, row, "switchover_completed", **words)
    told = {"pause": paused * 1000, "held": held["held"], "cut": held["cut"]}
    events.tell(records, messenger, pairs[0].green, "cuts", **told)


def _endpoint(run: Run, instance: Instance) -> Endpoint:
    with run.part(Databases).store.read() as transaction:
        records = transaction.records(run.account, run.region)
        return lookup.endpoint_of(records, instance)


def _old_name(records: Records, identifier: str) -> str:
    """Return NAME-old1, or the first of its kind that is free, cut to what an identifier may have."""
    number = 1
    while (
        records.find(Instance, name := f"{identifier[: 63 - len(str(number)) - 4]}-old{number}") is not None
    ):
        number += 1
    return name

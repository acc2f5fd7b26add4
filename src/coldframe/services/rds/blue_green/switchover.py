"""The job that switches over: hold the clients, let green catch up, decide, let green take the name and the writes.

Blue is read-only before the decision is written and green takes writes only after it, so that there are never two
primaries that take writes. Before the decision everything is rolled back, after it everything is done until it is done.
"""

from typing import Any

from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError
from coldframe.jobs.job import JobError, job
from coldframe.jobs.run import Run
from coldframe.services.rds.blue_green import (
    doors,
    green_readers,
    guardrails,
    members,
    names,
    rollback,
    telling,
)
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment

_POLL = 0.002
_LOOK = 0.05


@job("rds.switch-over")
def switch_over(run: Run, deployment: str, timeout: int) -> None:
    """Switch a deployment over within `timeout` seconds, or leave everything as it was."""
    databases = run.part(Databases)
    deadline = run.step("begin", lambda: databases.clock.seconds() + timeout)
    # Registered first: whatever fails from here on, clients get their blue database back.
    run.undo("roll back", rollback.roll_back, run, deployment)
    refusal = run.step("look at the guardrails", _guarded, run, deployment, deadline)
    # Somebody may have taken an instance in hand meanwhile: it is looked at once more in the transaction that takes it.
    refusal = refusal or run.write("tell that it begins", telling.begin, run.part(Messenger), deployment)
    if refusal:
        run.write("cancel", telling.cancel, run.part(Messenger), deployment, refusal)
        return
    run.step("make green durable", _arm, run, deployment)
    run.step("hold the clients of green", _hold_green, run, deployment, deadline)
    run.step("sign clients in at green", _prepare, run, deployment)
    held = run.step("hold the clients", _hold, run, deployment, deadline)
    run.write("blue is to be read-only", _close_blue, deployment)
    run.step("blue is read-only", _set_read_only, run, deployment, "blue", True)
    run.step("green has caught up", _catch_up, run, deployment, deadline)
    run.step("bring over what replication does not carry", _finish, run, deployment)
    run.step("look at the time", _in_time, run, deadline)
    run.commit_point()
    former = run.write("green takes the name", names.swap, deployment)
    run.step("blue stays read-only", _set_read_only, run, deployment, "blue", True)
    coordinates = run.step("green stops following", _promote, run, deployment)
    run.step("green takes writes", _set_read_only, run, deployment, "green", False)
    if _of_cluster(run, deployment):
        run.step("its readers acknowledge", green_readers.synchronize, run, deployment)
    paused = run.step("let the clients go on", _release, run, deployment, held)
    # Nobody follows blue any more: an engine that could only lock its users out lets them read from here on.
    run.step("blue can be read", _set_read_only, run, deployment, "blue", True)
    run.step("blue has green's endpoints", _redirect_blue, run, deployment)
    told = {**held, "paused": paused, "coordinates": coordinates, "names": former}
    run.write("tell that it is done", telling.complete, run.part(Messenger), deployment, told)


def _guarded(run: Run, deployment: str, deadline: float) -> str:
    """Return why the switchover may not begin; waits, half of the time at most, for green to be close behind.

    Green has to reach where blue is now: a replication that fails, is begun again and fails again looks healthy and is
    never far behind where little is written.
    """
    if refusal := guardrails.refusal(run, deployment):
        return refusal
    try:
        return _followed(run, deployment, deadline)
    except DatabaseError as problem:
        return f"replication health: {problem}"


def _followed(run: Run, deployment: str, deadline: float) -> str:
    databases, primary = run.part(Databases), _primary(run, deployment)
    copies, green = databases.engine(primary.green.engine).copies, databases.spec(primary.green)
    clock = databases.clock
    until = clock.seconds() + max((deadline - clock.seconds()) / 2, 0)
    now = guardrails.following(run, deployment)
    before, there = now.failures, copies.position(databases.spec(primary.blue))
    while True:
        if now.failures > before:
            return guardrails.unhealthy(primary.green, now.error or "changes of the source can't be applied")
        close = now.running and now.behind is not None and now.behind <= guardrails.MOST_BEHIND
        if close and copies.reached(green, there):
            return ""
        if clock.seconds() > until:
            lag = "an unknown number of" if now.behind is None else now.behind
            return f"replication lag of {primary.green.identifier}: it is {lag} transactions behind {primary.blue.identifier}"
        run.pause(_LOOK)
        now = guardrails.following(run, deployment)


def _sides(run: Run, deployment: str) -> members.Sides:
    with run.read() as records:
        return members.sides(records, deployment)


def _of_cluster(run: Run, deployment: str) -> bool:
    with run.read() as records:
        return members.cluster_member(records.get(Deployment, deployment)) is not None


def _primary(run: Run, deployment: str) -> members.Pair:
    return _sides(run, deployment).primary


def _arm(run: Run, deployment: str) -> None:
    databases, primary = run.part(Databases), _primary(run, deployment)
    engine, green = databases.engine(primary.green.engine), databases.spec(primary.green)
    with databases.turn(deployment):
        # The watch may be about to let green follow again, or to open it for users who may write to it.
        engine.set_read_only(green, on=True)
    engine.copies.arm(green)
    green_readers.arm(run, deployment)


def _hold_green(run: Run, deployment: str, deadline: float) -> None:
    """Let clients of green wait, too: one that lifts read-only for itself would write what is not in blue."""
    doors.hold_all(run, _sides(run, deployment), "green", deadline)


def _prepare(run: Run, deployment: str) -> None:
    """Let the endpoints sign their clients in at green ahead of the pause."""
    doors.prepare_all(run, _sides(run, deployment))


def _hold(run: Run, deployment: str, deadline: float) -> dict[str, Any]:
    """Hold the clients of every blue endpoint; returns how many, and when it began (seconds)."""
    begun = run.part(Databases).clock.seconds()
    done = doors.hold_all(run, _sides(run, deployment), "blue", deadline)
    return {"held": done.held, "cut": done.cut, "begun": begun}


def _close_blue(records: Records, deployment: str) -> None:
    records.change(members.sides(records, deployment).primary.blue, read_only=True)


def _set_read_only(run: Run, deployment: str, side: str, on: bool) -> None:
    databases, primary = run.part(Databases), _primary(run, deployment)
    instance = primary.blue if side == "blue" else primary.green
    databases.socket(instance)
    databases.engine(instance.engine).set_read_only(databases.spec(instance), on=on)


def _catch_up(run: Run, deployment: str, deadline: float) -> str:
    """Wait until green has everything that blue has committed; returns the position."""
    databases, primary = run.part(Databases), _primary(run, deployment)
    engine = databases.engine(primary.blue.engine)
    blue, green = databases.spec(primary.blue), databases.spec(primary.green)
    position = engine.copies.position(blue)
    while not engine.copies.reached(green, position):
        _in_time(run, deadline)
        # Nobody starts it meanwhile, and clients should not wait for what cannot come.
        if engine.reattach(blue) is None:
            raise JobError(f"{primary.blue.identifier} ended before {primary.green.identifier} had all of it")
        run.pause(_POLL)
    return position


def _finish(run: Run, deployment: str) -> None:
    """Bring over sequences; what came to blue since the guardrails and is not in green ends the switchover."""
    databases, primary = run.part(Databases), _primary(run, deployment)
    if lost := guardrails.since_then(run, deployment):
        raise JobError(lost)
    engine = databases.engine(primary.blue.engine)
    engine.copies.finish(databases.spec(primary.blue), databases.spec(primary.green))


def _in_time(run: Run, deadline: float) -> None:
    if run.part(Databases).clock.seconds() > deadline:
        raise JobError("the switchover took longer than its time limit")


def _promote(run: Run, deployment: str) -> list[str]:
    """Let green follow nobody any more; returns where its binary log stands, if it has one."""
    databases, primary = run.part(Databases), _primary(run, deployment)
    databases.socket(primary.green)
    copies, green = databases.engine(primary.green.engine).copies, databases.spec(primary.green)
    copies.promote(green)
    return list(copies.coordinates(green))


def _release(run: Run, deployment: str, held: dict[str, Any]) -> float:
    """Send the clients to the green databases, which have blue's endpoints by now; returns the pause in seconds."""
    doors.send_all(run, _sides(run, deployment), "green")
    return run.part(Databases).clock.seconds() - float(held["begun"])


def _redirect_blue(run: Run, deployment: str) -> None:
    doors.send_all(run, _sides(run, deployment), "blue")

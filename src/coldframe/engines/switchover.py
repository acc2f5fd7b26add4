"""The steps that make a copy the primary while clients wait, of either engine, in the order in which they can be recovered.

    arm · hold · fence · catch_up · COMMIT · reassert · promote · writable · release

The caller writes COMMIT down durably, with the position that `fence` returned. Up to there `roll_back` undoes all of it;
from there on the steps after it are repeated until they are done. Every step may run twice. The source is read-only
before COMMIT and the copy writable only after it, so that never two can be written to, whichever process dies when.
"""

import threading
import time
from dataclasses import dataclass

from coldframe.engines.database import DatabaseEngine, DatabaseError, InstanceSpec
from coldframe.engines.endpoint import Endpoints, EndpointSpec, Held

# How often the copy is asked whether it has caught up, in seconds.
_LOOK = 0.001


class CatchUpLate(DatabaseError):
    """The copy did not apply everything in the time that it had; the switchover must be rolled back."""


class SourceMoved(DatabaseError):
    """The source has committed something after the switchover was: it must be looked at by a person."""


@dataclass(frozen=True)
class Switchover:
    """Who takes part: `blue` is the primary at the beginning, `green` the copy that follows it.

    `drain` is how long open transactions may take to end, `deadline` how long clients wait at most, in seconds.
    """

    engine: DatabaseEngine
    endpoints: Endpoints
    endpoint: EndpointSpec
    blue: InstanceSpec
    green: InstanceSpec
    drain: float = 1.0
    deadline: float = 300.0


def arm(change: Switchover) -> None:
    """Make the copy durable and sign in there while nobody waits yet, so that little is left to do later."""
    change.engine.copies.arm(change.green)
    running = change.engine.start(change.green)
    change.endpoints.start(change.endpoint, change.engine.start(change.blue).socket)
    change.endpoints.prepare(change.endpoint, running.socket)


def hold(change: Switchover) -> Held:
    """Let every client wait at the end of its transaction."""
    change.endpoints.start(change.endpoint, None)
    return change.endpoints.hold(change.endpoint, drain=change.drain, deadline=change.deadline)


def fence(change: Switchover) -> str:
    """Make the source read-only and return the position at which it stands still."""
    change.engine.set_read_only(change.blue, on=True)
    return change.engine.copies.position(change.blue)


def catch_up(change: Switchover, position: str, *, patience: float) -> None:
    """Wait until the copy has everything and bring over what replication does not carry; raises CatchUpLate."""
    began, pause = time.monotonic(), threading.Event()
    while not change.engine.copies.reached(change.green, position):
        if time.monotonic() - began > patience:
            raise CatchUpLate(
                f"{change.green.name} did not catch up within {patience:g} s",
                "wait until it follows closely, or give the switchover more time",
            )
        pause.wait(_LOOK)
    change.engine.copies.finish(change.blue, change.green)


def reassert(change: Switchover, position: str) -> None:
    """See to it that the source, if it runs, is read-only and stands where it stood; raises SourceMoved."""
    try:
        change.engine.set_read_only(change.blue, on=True)
        stands = change.engine.copies.position(change.blue)
    except DatabaseError:
        # It may be down, and will be read-only when it comes back. If it runs, it must do as it is told.
        if change.engine.reattach(change.blue) is not None:
            raise
        return
    if stands != position:
        raise SourceMoved(
            f"{change.blue.name} stands at {stands}, and stood at {position} when the switchover was committed",
            "compare both databases before anybody writes",
        )


def promote(change: Switchover) -> None:
    """Let the copy follow nobody any more; it is started if it died meanwhile."""
    change.engine.start(change.green)
    change.engine.copies.promote(change.green)


def writable(change: Switchover) -> None:
    """Let the copy be written to."""
    change.engine.set_read_only(change.green, on=False)


def release(change: Switchover) -> None:
    """Send everybody to the copy."""
    _send(change, change.green)


def roll_back(change: Switchover) -> None:
    """Undo all before COMMIT: the copy stays read-only, the source is written to again, everybody goes on there."""
    change.engine.set_read_only(change.blue, on=False)
    _send(change, change.blue)
    if change.engine.reattach(change.green) is not None:
        # It may be armed, and would fall behind.
        change.engine.copies.follow(change.blue, change.green)


def _send(change: Switchover, where: InstanceSpec) -> None:
    running = change.engine.start(where)
    # A process that died meanwhile is started anew without a database, so that clients wait for this one.
    change.endpoints.start(change.endpoint, None)
    change.endpoints.release(change.endpoint, running.socket)

"""`@ptr`: an opaque, signed name of one event, good in the account and region it was given in."""

from typing import NamedTuple

from coldframe.core.call import Call


class Pointer(NamedTuple):
    """Where an event is: the id of its group, its time in milliseconds, its sequence."""

    group: str
    time: int
    sequence: int


def written(call: Call, event: tuple[str, int, int]) -> str:
    """Return the pointer of an event."""
    return call.installation.pager.token(_place(call), list(event))


def read(call: Call, text: str) -> Pointer:
    """Return what a pointer stands for; raises InvalidParameterException for one that was not given here."""
    found = call.installation.pager.position(_place(call), text)
    return Pointer(*found)


def _place(call: Call) -> str:
    return f"logs.pointer.{call.account}.{call.region}"

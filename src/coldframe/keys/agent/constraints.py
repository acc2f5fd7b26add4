"""What ssh-add says about a key: for how long, whether each use is confirmed, and on the way to which hosts."""

from typing import NamedTuple

from coldframe.keys.agent.messages import Reader
from coldframe.keys.wire import WireError

_LIFETIME, _CONFIRM, _EXTENSION = 1, 2, 255
_DESTINATIONS = "restrict-destination-v00@openssh.com"
_MOST_DESTINATIONS = 1024


class HostKey(NamedTuple):
    """A host's public key, or that of an authority whose certificates hosts have."""

    blob: bytes
    is_authority: bool


class Hop(NamedTuple):
    """One end of a permitted way: a host by its keys, and the user there; both empty for where the agent runs."""

    user: str
    host: str
    keys: tuple[HostKey, ...]


class Destination(NamedTuple):
    """A permitted way from one host to the next."""

    origin: Hop
    target: Hop


class Constraints(NamedTuple):
    """The constraints of a key; `lifetime` is in seconds, 0 for none."""

    lifetime: int = 0
    confirm: bool = False
    destinations: tuple[Destination, ...] = ()


class ConstraintUnknown(WireError):
    """A constraint that this agent cannot keep: the key is refused, since it would be used where it should not."""


def read(content: bytes) -> Constraints:
    """Read the constraints at the end of an ADD_ID_CONSTRAINED; raises WireError and ConstraintUnknown."""
    found = Constraints()
    reader = Reader(content)
    while not reader.ended:
        kind = reader.byte()
        if kind == _LIFETIME:
            found = found._replace(lifetime=reader.number())
        elif kind == _CONFIRM:
            found = found._replace(confirm=True)
        elif kind == _EXTENSION:
            name = reader.text()
            if name != _DESTINATIONS:
                raise ConstraintUnknown(f"the constraint {name!r} is not known here")
            found = found._replace(destinations=_destinations(reader.string()))
        else:
            raise ConstraintUnknown(f"constraint {kind} is not known here")
    return found


def _destinations(content: bytes) -> tuple[Destination, ...]:
    found: list[Destination] = []
    outer = Reader(content)
    while not outer.ended:
        if len(found) == _MOST_DESTINATIONS:
            raise WireError("there are too many destinations")
        reader = Reader(outer.string())
        origin, target = _hop(reader.string()), _hop(reader.string())
        if reader.string():
            raise ConstraintUnknown("a destination has an extension that is not known here")
        reader.end()
        if origin.user or bool(origin.host) != bool(origin.keys) or not target.host or not target.keys:
            raise WireError("a destination names no host, no key, or a user where it begins")
        found.append(Destination(origin, target))
    return tuple(found)


def _hop(content: bytes) -> Hop:
    reader = Reader(content)
    user, host = reader.text(), reader.text()
    if reader.string():
        raise ConstraintUnknown("a hop has an extension that is not known here")
    keys = []
    while not reader.ended:
        blob = reader.string()
        keys.append(HostKey(blob, bool(reader.byte())))
    return Hop(user, host, tuple(keys))

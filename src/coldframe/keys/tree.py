"""The tree of a keyring: what it links, what those link, and how well each key is kept."""

from collections.abc import Iterator
from typing import NamedTuple

from coldframe.engines.keyring import KeyExpired, KeyRevoked, KeyringError, KeyService, shown
from coldframe.keys.protection import Protection, protection
from coldframe.keys.rings import Keyring

# As deep as the kernel lets keyrings nest, and one more.
_DEEPEST = 7


class Node(NamedTuple):
    """One key in the tree. `expires` is as /proc/keys says it (perm, 3d, expd); `problem` why there is no more to say."""

    serial: int
    depth: int
    kind: str
    description: str
    uid: int
    permissions: str
    protection: Protection
    bits: int
    expires: str
    problem: str


def walk(ring: Keyring) -> Iterator[Node]:
    """Give a keyring and all that lies below it, depth first, in the order in which the kernel lists it."""
    expiries = {entry.serial: entry.expires for entry in ring.service.entries()}
    yield from _below(ring.service, ring.serial, 0, expiries)


def _below(service: KeyService, serial: int, depth: int, expiries: dict[int, str]) -> Iterator[Node]:
    node = _node(service, serial, depth, expiries)
    yield node
    if node.protection is Protection.KEYRING and depth < _DEEPEST:
        try:
            serials = Keyring(serial, service).serials()
        except KeyringError:
            return  # a keyring that may be seen but not read has a node, and nothing below it
        for inner in serials:
            yield from _below(service, inner, depth + 1, expiries)


def _node(service: KeyService, serial: int, depth: int, expiries: dict[int, str]) -> Node:
    expires = expiries.get(serial, "")
    try:
        found = service.describe(serial)
        kept = protection(service, serial)
        bits = (
            service.pkey_query(serial).bits
            if found.type == "asymmetric" and kept is not Protection.UNKNOWN
            else 0
        )
    except KeyringError as error:
        problem = {KeyExpired: "expired", KeyRevoked: "revoked"}.get(type(error), "may not be looked at")
        return Node(serial, depth, "", "", -1, "", Protection.UNKNOWN, 0, expires, problem)
    return Node(
        serial,
        depth,
        found.type,
        found.description,
        found.uid,
        shown(found.permissions),
        kept,
        bits,
        expires,
        "",
    )

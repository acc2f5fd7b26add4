"""What the kernel says of keys: its names for keyrings, permissions, and descriptions."""

import enum
import re
from typing import NamedTuple

# The keyrings that the kernel makes by itself, by the names that keyctl(1) gives them.
SPECIAL = {"@t": -1, "@p": -2, "@s": -3, "@u": -4, "@us": -5, "@g": -6, "@a": -7}
THREAD, PROCESS, SESSION, USER, USER_SESSION = -1, -2, -3, -4, -5
# The most bytes that a key of type user takes.
LARGEST_PAYLOAD = 32767


class Permission(enum.IntFlag):
    """What may be done with a key; shifted by `WHO` for possessor, user, group and others."""

    VIEW = 0x01
    READ = 0x02
    WRITE = 0x04
    SEARCH = 0x08
    LINK = 0x10
    SETATTR = 0x20
    ALL = 0x3F


NOTHING = Permission(0)
WHO = {"possessor": 24, "user": 16, "group": 8, "other": 0}


def permissions(
    possessor: Permission = NOTHING,
    user: Permission = NOTHING,
    group: Permission = NOTHING,
    other: Permission = NOTHING,
) -> int:
    """Return the 32-bit mask of what each of the four may do."""
    return possessor << 24 | user << 16 | group << 8 | other


def shown(mask: int) -> str:
    """Return a mask as keyctl shows it, eight places each for possessor, user, group, other: `--alswrv`."""
    return "".join(
        "--"
        + "".join(
            letter if mask >> shift >> bit & 1 else "-"
            for bit, letter in zip(range(5, -1, -1), "alswrv", strict=True)
        )
        for shift in WHO.values()
    )


class Description(NamedTuple):
    """What KEYCTL_DESCRIBE says of a key."""

    type: str
    uid: int
    gid: int
    permissions: int
    description: str


class Entry(NamedTuple):
    """One line of /proc/keys: a key that this process may view; `expires` as the kernel shows it: perm, 3m, expd."""

    serial: int
    flags: str
    expires: str
    uid: int
    type: str


class Quota(NamedTuple):
    """How many keys and bytes a user has, and may have."""

    keys: int
    most_keys: int
    size: int
    most_bytes: int


class PublicKeyLimits(NamedTuple):
    """What KEYCTL_PKEY_QUERY says: which operations a key can do, its size in bits, and sizes in bytes."""

    operations: frozenset[str]
    bits: int
    largest_data: int
    largest_signature: int
    largest_cipher: int
    largest_plain: int


_ENTRY = re.compile(
    r"(?P<serial>[0-9a-f]+) (?P<flags>\S+)\s+\d+\s+(?P<expires>\S+)\s+[0-9a-f]+\s+(?P<uid>-?\d+)\s+-?\d+ (?P<type>\S+)"
)
_USER = re.compile(
    r"\s*(?P<uid>\d+):\s+\d+ \d+/\d+ (?P<keys>\d+)/(?P<mostkeys>\d+) (?P<bytes>\d+)/(?P<mostbytes>\d+)"
)
# The kernel prints nine letters of a type's name.
_WHOLE = {"asymmetri": "asymmetric"}


def entries(text: str) -> list[Entry]:
    """Read /proc/keys; lines that this does not understand are of a kernel that is to come, and left out."""
    found = (_ENTRY.match(line) for line in text.splitlines())
    return [
        Entry(int(m["serial"], 16), m["flags"], m["expires"], int(m["uid"]), _WHOLE.get(m["type"], m["type"]))
        for m in found
        if m
    ]


def quota(text: str, uid: int) -> Quota:
    """Read a user's line of /proc/key-users; a user without keys has no line and no limit that could be known."""
    for line in text.splitlines():
        found = _USER.match(line)
        if found and int(found["uid"]) == uid:
            return Quota(
                int(found["keys"]), int(found["mostkeys"]), int(found["bytes"]), int(found["mostbytes"])
            )
    return Quota(0, 0, 0, 0)


def described(text: str) -> Description:
    """Read KEYCTL_DESCRIBE's `type;uid;gid;perm;description`."""
    type_, uid, gid, mask, description = text.split(";", 4)
    return Description(type_, int(uid), int(gid), int(mask, 16), description)

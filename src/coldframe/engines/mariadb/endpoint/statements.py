"""What a statement's text says about the state that it leaves in its session, beyond what the server reports."""

import re
from typing import Final

# Statements that begin like this leave nothing behind, but for what `@` and a lock function in them may do.
_PLAIN = frozenset(
    (b"select", b"insert", b"update", b"delete", b"commit", b"rollba", b"replac", b"begin", b"start ")
)


class Leaves:
    """What has to be asked for, or cannot be moved: bits, since every statement is looked at and enum's are slow."""

    NOTHING: Final = 0
    VARIABLES: Final = 1
    ROLE: Final = 2
    OPAQUE: Final = 4
    ONE_SHOT: Final = 8
    TEMPORARY_TABLE: Final = 16
    TABLE_LOCKS: Final = 32
    NAMED_LOCK: Final = 64
    PREPARED_BY_NAME: Final = 128
    HANDLER: Final = 256
    GLOBAL_TRANSACTION: Final = 512
    BINARY_VARIABLE: Final = 1024


# Found anywhere in a statement that does not begin plainly: in a comment that is executed, after another statement.
_WORDS = (
    (re.compile(rb"\btemporary\b"), Leaves.TEMPORARY_TABLE),
    (
        re.compile(
            rb"\block\s+tables?\b|\bflush\s+tables?\b.*\b(?:lock|export)\b|\bbackup\s+(?:stage|lock)\b", re.S
        ),
        Leaves.TABLE_LOCKS,
    ),
    (re.compile(rb"\bprepare\s+(?!for\b)"), Leaves.PREPARED_BY_NAME),
    (re.compile(rb"\bhandler\b"), Leaves.HANDLER),
    (re.compile(rb"\bxa\s+(?:start|begin)\b"), Leaves.GLOBAL_TRANSACTION),
    (re.compile(rb"\bset\s+(?:default\s+)?role\b"), Leaves.ROLE),
    (re.compile(rb"\bset\s+transaction\b"), Leaves.ONE_SHOT),
    (re.compile(rb"\bcall\b|\bexecute\b|\bbegin\s+not\b"), Leaves.OPAQUE),
)
# What cannot be taken along: the session is cut when it would have to move.
PINNED = (
    Leaves.TEMPORARY_TABLE
    | Leaves.TABLE_LOCKS
    | Leaves.NAMED_LOCK
    | Leaves.PREPARED_BY_NAME
    | Leaves.HANDLER
    | Leaves.GLOBAL_TRANSACTION
    | Leaves.BINARY_VARIABLE
)
_KILL = re.compile(rb"\s*kill\s+(?:hard\s+|soft\s+)?(?:connection\s+|query\s+(?:id\s+)?)?(\d+)", re.I)


def leaves(text: bytes, *, several: bool) -> int:
    """Return what a statement leaves behind; `several` when one text may be many statements."""
    low = text.lower()
    found = Leaves.NOTHING
    if b"@" in low:
        found = Leaves.VARIABLES
    if b"_lock" in low and b"get_lock" in low:
        found |= Leaves.NAMED_LOCK
    if low[:6] in _PLAIN and not (several and b";" in low) and b"/*!" not in low and b"/*m!" not in low:
        return found
    for pattern, what in _WORDS:
        if pattern.search(low):
            found |= what
    return found


def killed(text: bytes) -> re.Match[bytes] | None:
    """Return where a KILL statement names its connection."""
    return _KILL.match(text)

"""What a session has set up that another server must be told before it can go on there."""

import re
from dataclasses import dataclass, field

from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint.statements import Leaves

_VARIABLES, _SCHEMA = 0, 1
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\Z")
# Values of one statement, and those that only the server sets.
_NOT_REPLAYED = frozenset(
    (
        b"insert_id",
        b"last_insert_id",
        b"identity",
        b"timestamp",
        b"rand_seed1",
        b"rand_seed2",
        b"gtid_seq_no",
        b"pseudo_thread_id",
        b"error_count",
        b"warning_count",
        b"in_transaction",
        b"last_gtid",
        b"session_track_system_variables",
    )
)


@dataclass(slots=True)
class Prepared:
    """A prepared statement: its text, its id at the server now, its parameters' number and last types."""

    text: bytes
    server_id: int
    parameters: int
    types: bytes = b""


@dataclass(slots=True)
class State:
    """What has been followed since a session signed in."""

    database: bytes = b""
    variables: dict[bytes, bytes] = field(default_factory=dict)
    leaves: int = Leaves.NOTHING
    inserted: bool = False
    statements: dict[int, Prepared] = field(default_factory=dict)
    # Statements whose rows are fetched by commands of their own and are not at their end.
    cursors: set[int] = field(default_factory=set)
    # Whether ids of prepared statements differ from those that the client knows.
    mapped: bool = False
    # What was asked of the old server when the session was held, as a statement for the new one.
    carried: list[bytes] = field(default_factory=list)

    def track(self, changes: list[tuple[int, bytes]]) -> None:
        """Take in what the server reports to have changed."""
        for kind, data in changes:
            if kind == _SCHEMA:
                self.database = wire.text(data, 0)[0]
            elif kind == _VARIABLES:
                at = 0
                while at < len(data):
                    name, at = wire.text(data, at)
                    value, at = wire.text(data, at)
                    self.variables[name] = value

    def restoring(self) -> list[bytes]:
        """Return the statements that bring another server's session to this state."""
        settings = [
            b"@@session." + name + b"=" + literal(value)
            for name, value in self.variables.items()
            if name not in _NOT_REPLAYED
        ]
        # The mode may change how the values after it are read, and comes last.
        settings.sort(key=lambda setting: setting.startswith(b"@@session.sql_mode"))
        return [b"SET " + b",".join(settings)] * bool(settings) + self.carried


def literal(value: bytes, *, text: bool = False) -> bytes:
    """Write a variable's reported value as SQL: numbers as they are unless it is a text, all else as a string."""
    if not text and _NUMBER.match(value):
        return value
    return b"'" + value.replace(b"\\", b"\\\\").replace(b"'", b"''") + b"'"

"""What a session has set up that another server must be told before it can go on there: asked of the old one, not guessed."""

import asyncio
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint.side import Refused, Side, rows, rows_aside, until_ready

# Settings whose names have a dot are listed nowhere: their names are taken from the statements that set them.
_CUSTOM = re.compile(
    rb"""\bset\s+(?:session\s+)?"?([a-z_][\w$]*)"?\s*\.\s*"?([a-z_][\w$]*)"?|\bset_config\s*\(\s*'([\w$]+)\.([\w$]+)'""",
    re.I,
)
_AFTER_SET = frozenset((b" ", b"_", b"\t", b"\n", b"\r", b"\f", b"\v"))
# A session answers within this time at a boundary, or something is wrong with it.
_SECONDS = 5.0
# So many prepared statements of a session are remembered.
_STATEMENTS = 1000

_ASKED = """
    SELECT 'setting', name, setting FROM pg_catalog.pg_settings WHERE source = 'session'
    UNION ALL SELECT 'setting', name, pg_catalog.current_setting(name, true) FROM pg_catalog.unnest({custom}::text[]) AS c(name)
        WHERE pg_catalog.current_setting(name, true) IS NOT NULL
    UNION ALL SELECT 'role', '', pg_catalog.current_setting('role') WHERE pg_catalog.current_setting('role') <> 'none'
    UNION ALL SELECT CASE WHEN from_sql THEN 'prepare' ELSE 'parsed' END, name, statement FROM pg_catalog.pg_prepared_statements
        WHERE name <> 'coldframe endpoint'
    UNION ALL SELECT 'pinned', 'temporary table', '' WHERE EXISTS (SELECT FROM pg_catalog.pg_class
        WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind IN ('r', 'S', 'v', 'p'))
    UNION ALL SELECT 'pinned', 'advisory lock', '' WHERE EXISTS (SELECT FROM pg_catalog.pg_locks
        WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid())
    UNION ALL SELECT 'pinned', 'listen', '' WHERE EXISTS (SELECT FROM pg_catalog.pg_listening_channels())
    UNION ALL SELECT 'pinned', 'cursor', '' WHERE EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE name <> '')"""


class Pinned(Exception):
    """A session has what no other server can be given; the text says what."""


@dataclass(slots=True)
class State:
    """What was seen of a session, and, once it was asked, how another server's is brought to the same."""

    parsed: dict[bytes, bytes] = field(default_factory=dict)
    custom: set[str] = field(default_factory=set)
    asked: bool = False
    settings: list[tuple[str, str]] = field(default_factory=list)
    role: str = ""
    prepared: list[str] = field(default_factory=list)
    named: list[bytes] = field(default_factory=list)

    def see(self, data: bytes, begin: int, end: int) -> None:
        """Note which settings of its own a statement names, whose text is a part of `data`."""
        if data.find(b".", begin, end) < 0:
            return
        # Found by a search for three letters, since to try the expression at every place takes thirty times as long.
        low, at = data[begin:end].lower(), -1
        while (at := low.find(b"set", at + 1)) >= 0:
            if low[at + 3 : at + 4] in _AFTER_SET and (match := _CUSTOM.match(data, begin + at, end)):
                first, second = (match[1], match[2]) if match[1] else (match[3], match[4])
                self.custom.add(f"{first.decode()}.{second.decode()}")

    def see_parse(self, body: bytes, *, whole: bool) -> None:
        """Keep a Parse message: the statement of a name, which may be needed again; of a long one only a part is here."""
        name, _, rest = body.partition(b"\0")
        if not whole:
            self.parsed.pop(name, None)
            self.see(rest, 0, len(rest))
            return
        if name:
            self.parsed[name] = body
            if len(self.parsed) > _STATEMENTS:
                # Clients that deallocate by SQL never say so here; one that still needs it cannot be moved.
                del self.parsed[next(iter(self.parsed))]
        self.see(rest, 0, rest.find(b"\0"))

    def see_close(self, body: bytes) -> None:
        """Forget a statement that the client closed."""
        if body[:1] == b"S":
            self.parsed.pop(body[1:].rstrip(b"\0"), None)

    async def ask(
        self, server: Side, tell: Callable[[bytes, bytes], None], patience: float | None = _SECONDS
    ) -> None:
        """Learn from the server that still has the session what it has set up; raises Pinned, Refused, Closed, TimeoutError."""
        names = wire.literal("{" + ",".join(sorted(self.custom)) + "}")
        found = await asyncio.wait_for(rows_aside(server, _ASKED.format(custom=names), tell), patience)
        self.settings, self.prepared, self.named, self.role = [], [], [], ""
        for kind, name, value in found:
            if kind == "pinned":
                raise Pinned(str(name))
            if kind == "setting":
                self.settings.append((str(name), str(value or "")))
            elif kind == "role":
                self.role = str(value)
            elif kind == "prepare":
                self.prepared.append(str(value))
            elif self._is_parsed(str(name).encode(), str(value)):
                self.named.append(str(name).encode())
            else:
                raise Pinned(f"statement {name}")
        self.asked = True

    def _is_parsed(self, name: bytes, statement: str) -> bool:
        """Tell whether what was kept under a name is what the server has: a second Parse of a name in use fails there."""
        text = self.parsed.get(name, b"").partition(b"\0")[2].partition(b"\0")[0]
        return bool(text) and text.decode(errors="replace") == statement

    async def restore(self, server: Side) -> None:
        """Bring a fresh session to the state that was learned; raises Refused, Closed."""
        statements = []
        if self.settings:
            calls = (
                f"pg_catalog.set_config({wire.literal(name)}, {wire.literal(value)}, false)"
                for name, value in self.settings
            )
            statements.append("SELECT " + ", ".join(calls))
        statements += self.prepared
        if self.role:
            # Last, for what a role may not set was set before it was taken.
            statements.append(f"SET ROLE {wire.identifier(self.role)}")
        for statement in statements:
            await asyncio.wait_for(rows(server, statement), _SECONDS)
        if self.named:
            parses = b"".join(wire.message(b"P", self.parsed[name]) for name in self.named)
            server.send(parses + wire.message(b"S"))
            for kind, body in await asyncio.wait_for(until_ready(server), _SECONDS):
                if kind == b"E":
                    raise Refused(body)
        self.asked = False


def status_changed(before: dict[bytes, bytes], said: bytes) -> bytes:
    """Return the ParameterStatus messages among what a new server said that tell the client something new."""
    changed = b""
    for kind, body in wire.Reader().feed(said):
        if kind == b"S":
            name, _, value = body.rstrip(b"\0").partition(b"\0")
            if before.get(name) != value:
                before[name] = value
                changed += kind + struct.pack("!I", len(body) + 4) + body
    return changed

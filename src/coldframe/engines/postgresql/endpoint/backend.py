"""The database behind an endpoint: signing in as a client whose key is known, and asking who a client has to be."""

import asyncio
import struct
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.postgresql import scram, wire
from coldframe.engines.postgresql.endpoint.side import Closed, Refused, Side, connect, rows

# What it may write (who may replicate) waits for no follower.
_LOOKUP = {
    "user": "rdsendpoint",
    "database": "rdsadmin",
    "application_name": "endpoint",
    "synchronous_commit": "local",
}
# How long a database may take to let somebody in.
SECONDS = 30.0


class Known(NamedTuple):
    """What a database knows of a user: the verifier of the password, and whether it comes with a token instead."""

    verifier: scram.Verifier | None
    token: bool


class Opened(NamedTuple):
    """A session that was opened: its connection, its cancel key, and what the database said (ParameterStatus, notices)."""

    side: Side
    key: bytes
    said: bytes


class Lookups:
    """Asks a database for verifiers, over one connection to each that is kept as long as it is good."""

    def __init__(self) -> None:
        self._sides: dict[Path, Side] = {}
        self._turns: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ask(self, target: Path, user: str) -> Known:
        """Return what a database knows of a user; raises OSError, Closed, Refused."""
        async with self._turns[target]:
            for attempt in (1, 2):
                try:
                    side = await self._connected(target)
                    found = await asyncio.wait_for(
                        rows(
                            side,
                            f"SELECT verifier, token FROM public.coldframe_verifier({wire.literal(user)})",
                        ),
                        SECONDS,
                    )
                    break
                except (Closed, Refused, OSError):
                    # The database may have been started again since the last question.
                    self._close(target)
                    if attempt == 2:
                        raise
                except BaseException:
                    # An answer that nobody waited for must not be the next one's.
                    self._close(target)
                    raise
        if not found:
            return Known(None, token=False)
        return Known(scram.parse(found[0][0] or ""), token=found[0][1] == "t")

    def keep(self, targets: Collection[Path]) -> None:
        """Let the connections to all others go."""
        for target in set(self._sides) - set(targets):
            self._close(target)

    def _close(self, target: Path) -> None:
        side = self._sides.pop(target, None)
        if side is not None:
            side.close()

    async def _connected(self, target: Path) -> Side:
        if target not in self._sides or self._sides[target].closed:
            self._sides[target] = (await enter(target, _LOOKUP, None)).side
        return self._sides[target]


async def answers(target: Path) -> bool:
    """Tell whether a database lets sessions in; raises OSError, TimeoutError."""
    try:
        (await enter(target, _LOOKUP, None)).side.close()
    except (Refused, Closed):
        return False
    return True


async def enter(target: Path, parameters: Mapping[str, str], key: bytes | None) -> Opened:
    """Open a session with a client's parameters and key; raises Refused, Closed, OSError."""
    side = await connect(target)
    try:
        side.send(wire.startup(parameters))
        return await asyncio.wait_for(_admitted(side, key), SECONDS)
    except BaseException:
        side.close()
        raise


async def _admitted(side: Side, key: bytes | None) -> Opened:
    said, cancel = bytearray(), b""
    proof: scram.Client | None = None
    while True:
        kind, body = await side.message()
        if kind == b"E":
            raise Refused(body)
        if kind == b"R":
            (method,) = struct.unpack_from("!I", body)
            if method == wire.AUTH_SASL and key is not None:
                proof = scram.Client(key)
                first = proof.first()
                side.send(wire.message(b"p", scram.MECHANISM + b"\0" + struct.pack("!I", len(first)) + first))
            elif method == wire.AUTH_SASL_CONTINUE and proof is not None:
                side.send(wire.message(b"p", proof.final(body[4:])))
            elif method not in {wire.AUTH_OK, wire.AUTH_SASL_FINAL}:
                raise Closed("the database wants another proof than a password's")
        elif kind == b"K":
            cancel = body
        elif kind == b"Z":
            return Opened(side, cancel, bytes(said))
        else:
            said += wire.message(kind, body)

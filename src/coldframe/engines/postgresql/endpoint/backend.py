"""The database behind an endpoint: signing in as a client whose key is known, and asking who a client has to be."""

import asyncio
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.postgresql import scram, wire
from coldframe.engines.postgresql.endpoint.side import Closed, Refused, Side, connect, rows

_LOOKUP = {"user": "rdsendpoint", "database": "rdsadmin", "application_name": "endpoint"}
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
    """Asks a database for verifiers, over one connection that is kept as long as it is good."""

    def __init__(self) -> None:
        self._side: Side | None = None
        self._target: Path | None = None
        self._turn = asyncio.Lock()

    async def ask(self, target: Path, user: str) -> Known:
        """Return what a database knows of a user; raises OSError, Closed, Refused."""
        async with self._turn:
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
                    self.close()
                    if attempt == 2:
                        raise
        if not found:
            return Known(None, token=False)
        return Known(scram.parse(found[0][0] or ""), token=found[0][1] == "t")

    def close(self) -> None:
        """Let the connection go."""
        if self._side is not None:
            self._side.close()
            self._side = None

    async def _connected(self, target: Path) -> Side:
        if self._side is None or self._side.closed or self._target != target:
            self.close()
            self._side, self._target = (await enter(target, _LOOKUP, None)).side, target
        return self._side


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

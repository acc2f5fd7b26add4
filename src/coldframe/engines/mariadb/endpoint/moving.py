"""Moves a session that is at rest to another server: signs in as the same user there and restores what was followed."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint import server
from coldframe.engines.mariadb.endpoint.channel import Channel

if TYPE_CHECKING:
    from coldframe.engines.mariadb.endpoint.session import Session

_PATIENCE = 20.0


async def move(session: "Session", target: Path) -> None:
    """Give the session a server there; raises Closed, Refused, TimeoutError, OSError when it cannot be."""
    session.server.read_with(None)
    session.server.close()
    channel, greeting = await asyncio.wait_for(server.connect(target), _PATIENCE)
    try:
        await asyncio.wait_for(_restore(session, channel, greeting), _PATIENCE)
    except BaseException:
        channel.close()
        raise
    session.server = channel
    session.server_salt, session.thread = greeting.salt, greeting.thread


async def _restore(session: "Session", channel: Channel, greeting: wire.Greeting) -> None:
    state, capabilities = session.state, session.reply.capabilities
    wanted = capabilities & ~wire.TLS
    wanted = wanted | wire.CONNECT_WITH_DB if state.database else wanted & ~wire.CONNECT_WITH_DB
    answer = session.answer._replace(capabilities=wanted, database=state.database)
    half = session.half or b""
    ok = await server.sign_in(channel, answer, half, greeting.salt, session.header)
    session.reply.status = wire.read_ok(ok, capabilities).status
    for statement in state.restoring():
        await server.rows(channel, statement, capabilities)
    for prepared in state.statements.values():
        prepared.server_id, _ = await server.prepare(channel, prepared.text, capabilities)
        state.mapped = True

"""Moves a session that is at rest to another server: signs in as the same user there and restores what was followed."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint import server
from coldframe.engines.mariadb.endpoint.channel import Channel
from coldframe.engines.mariadb.endpoint.session import Spare

if TYPE_CHECKING:
    from coldframe.engines.mariadb.endpoint.session import Session

_PATIENCE = 20.0


async def prepare(session: "Session", target: Path) -> None:
    """Sign in there ahead; raises Closed, Refused, TimeoutError, OSError when that cannot be."""
    session.drop_spare()
    session.spare = await asyncio.wait_for(_signed_in(session, target), _PATIENCE)


async def move(session: "Session", target: Path) -> None:
    """Give the session a server there; raises Closed, Refused, TimeoutError, OSError when it cannot be."""
    session.server.read_with(None)
    session.server.close()
    spare, session.spare = session.spare, None
    if spare is not None and not _fits(spare, session, target):
        spare.channel.close()
        spare = None
    try:
        if spare is None:
            spare = await asyncio.wait_for(_signed_in(session, target), _PATIENCE)
        await asyncio.wait_for(_restore(session, spare.channel), _PATIENCE)
    except BaseException:
        if spare is not None:
            spare.channel.close()
        raise
    session.server, session.reply.status = spare.channel, spare.status
    session.server_salt, session.thread = spare.greeting.salt, spare.greeting.thread


def _fits(spare: Spare, session: "Session", target: Path) -> bool:
    """Tell whether a connection made ahead is still of use: nothing has come on it since, not even its end."""
    same = (spare.target, spare.user, spare.database) == (target, session.answer.user, session.state.database)
    return same and spare.channel.receive() is None


async def _signed_in(session: "Session", target: Path) -> Spare:
    state, capabilities = session.state, session.reply.capabilities
    user, database = session.answer.user, state.database
    channel, greeting = await server.connect(target)
    try:
        wanted = capabilities & ~wire.TLS
        wanted = wanted | wire.CONNECT_WITH_DB if database else wanted & ~wire.CONNECT_WITH_DB
        answer = session.answer._replace(capabilities=wanted, database=database)
        half = session.half or b""
        ok = await server.sign_in(
            channel, answer, half, greeting.salt, session.header, encrypted=session.encrypted
        )
    except BaseException:
        channel.close()
        raise
    return Spare(target, channel, greeting, user, database, wire.read_ok(ok, capabilities).status)


async def _restore(session: "Session", channel: Channel) -> None:
    state, capabilities = session.state, session.reply.capabilities
    for statement in state.restoring():
        await server.rows(channel, statement, capabilities)
    for prepared in state.statements.values():
        prepared.server_id, _ = await server.prepare(channel, prepared.text, capabilities)
        state.mapped = True

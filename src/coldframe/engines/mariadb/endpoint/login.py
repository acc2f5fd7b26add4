"""Signing in: the database's own handshake passes through, so that it alone decides who may come in."""

import asyncio
import ssl
import struct
from pathlib import Path

from coldframe.engines.endpoint_descriptors import most_clients
from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint import server
from coldframe.engines.mariadb.endpoint.channel import Channel, Closed
from coldframe.engines.mariadb.endpoint.compressed import Compressed
from coldframe.engines.mariadb.endpoint.entrance import Unavailable
from coldframe.engines.mariadb.endpoint.gate import Gate
from coldframe.engines.mariadb.endpoint.session import Session
from coldframe.engines.mariadb.endpoint.token_accounts import TokenAccounts

# Compression and what it would hide from us; a single reply to many commands.
_NOT_OFFERED = wire.COMPRESS | wire.ZSTD | wire.TLS
# Bulk execution and extended types; not progress reports in the midst of a reply, nor replies without columns.
_EXTENDED = 0b1100
_PATIENCE = 30.0
# As the database says it.
_TOO_MANY = wire.error(1040, "08004", "Too many connections")
_UNCOMPRESSED = "Bad handshake: compression is not offered here, connect without it"


class Login:
    """Lets clients of one endpoint in."""

    def __init__(
        self, gate: Gate, context: ssl.SSLContext | None, sign_in: Path | None, *, require_tls: bool
    ) -> None:
        self._gate, self._context, self._require_tls = gate, context, require_tls
        # Clients that are not let in yet.
        self._coming = 0
        self._tokens = gate.accounts.tokens = TokenAccounts(sign_in) if sign_in is not None else None

    async def welcome(self, client: Channel) -> None:
        """Take a new connection through the handshake to a session, or end it."""
        if self._coming + len(self._gate.sessions) >= most_clients():
            self._gate.refused += 1
            client.send_packet(_TOO_MANY, 0)
            client.close()
            return
        self._coming += 1
        try:
            session = await asyncio.wait_for(self._sign_client_in(client), 2 * _PATIENCE)
        except server.Refused as refused:
            self._gate.refused += 1
            client.send_packet(refused.packet, 0)
            session = None
        except Unavailable:
            self._gate.refused += 1
            client.send_packet(wire.error(1040, "08004", "The database is not available"), 0)
            session = None
        except (Closed, OSError, TimeoutError, IndexError, ValueError, struct.error):
            session = None
        finally:
            self._coming -= 1
        if session is None:
            client.close()
        else:
            self._gate.entered(session)

    async def _sign_client_in(self, client: Channel) -> Session | None:
        peer, here = client.sock.getpeername(), client.sock.getsockname()
        target, behind, greeting = await self._gate.reach(_PATIENCE)
        session = None
        try:
            session = await self._at(client, behind, target, greeting, (peer, here))
        finally:
            if session is None:
                self._gate.databases.leave(target)
        return session

    async def _at(
        self,
        client: Channel,
        behind: Channel,
        target: Path,
        greeting: wire.Greeting,
        ends: tuple[tuple[str, int], tuple[str, int]],
    ) -> Session | None:
        """Sign a client in at a database that has greeted; `ends` are the client's address and the one it came to."""
        try:
            offered = greeting.capabilities & ~_NOT_OFFERED | (wire.TLS if self._context else 0)
            shown = greeting._replace(capabilities=offered, extended=greeting.extended & _EXTENDED)
            client.send_packet(wire.write_greeting(shown), 0)
            payload, sequence = await client.packet(alone=True)
            if len(payload) == 32 and self._context is not None:
                await client.start_tls(self._context)
                payload, sequence = await client.packet()
            answer = wire.read_answer(payload)
            compresses = answer.capabilities & wire.COMPRESS
            if answer.capabilities & wire.ZSTD and not compresses:
                # It did not look at what is offered, and would wait for ever for an answer that it can read.
                client.send_packet(wire.error(1043, "08S01", _UNCOMPRESSED), sequence + 1)
                behind.close()
                return None
            if self._require_tls and not client.tls:
                text = (
                    "Connections using insecure transport are prohibited while --require_secure_transport=ON."
                )
                client.send_packet(wire.error(3159, "08004", text), sequence + 1)
                behind.close()
                return None
            capabilities = (
                answer.capabilities & (greeting.capabilities | wire.CONNECT_WITH_DB) & ~_NOT_OFFERED
            )
            answer = answer._replace(capabilities=capabilities, extended=answer.extended & _EXTENDED)
            session = Session(self._gate, client, target, behind, answer, greeting)
            session.header = server.came_from(*ends)
            if self._gate.accounts.is_ours(answer.user):
                self._deny(session, sequence + 1, used=bool(answer.proof))
                behind.close()
                return None
            entered = (
                await self._with_token(self._tokens, session, sequence)
                if self._tokens is not None and await self._is_for_tokens(self._tokens, answer.user, target)
                else await self._pass_through(session, sequence)
            )
        except BaseException:
            behind.close()
            raise
        if not entered:
            behind.close()
            return None
        # What came with the last packet is the first command already.
        if compresses:
            # It did not look at what is offered, either, and there are too many such clients to send them away.
            session.client = Compressed(client)
        else:
            session.inbox = client.rest()
        if session.half is None:
            self._gate.signed_in(session)
            if session.half is None:
                await self._gate.accounts.refresh(target)
        return session

    async def _pass_through(self, session: Session, sequence: int) -> bool:
        """Carry packets between the client and the database until it says yes or no."""
        client, behind = session.client, session.server
        forward = session.answer._replace(capabilities=session.answer.capabilities | wire.SESSION_TRACK)
        header = session.header
        session.encrypted = await self._wants_tls(session)
        if session.encrypted:
            forward, header = await server.encrypt(behind, forward, header), b""
        number = 1 + session.encrypted
        behind.send(header + wire.framed(wire.write_answer(forward), number))
        # With TLS on one side alone the client counts another packet than the database.
        shift = sequence - number
        while True:
            payload, number = await behind.packet()
            if payload[0] == 0:
                ok = wire.read_ok(payload, forward.capabilities)
                session.reply.status = ok.status
                client.send_packet(wire.write_ok(ok), number + shift)
                return True
            client.send_packet(payload, number + shift)
            if payload[0] == 0xFF:
                self._gate.refused += 1
                return False
            if payload[0] == 0xFE and len(payload) > 1:
                plugin, _, salt = payload[1:].partition(b"\0")
                session.answer = session.answer._replace(plugin=plugin)
                session.server_salt = session.client_salt = salt[:20]
            proof, number = await client.packet()
            session.proof = proof
            if session.answer.plugin == wire.CLEAR:
                session.half = wire.half(proof.rstrip(b"\0").decode("utf-8", "surrogateescape"))
            behind.send_packet(proof, number - shift)

    async def _wants_tls(self, session: Session) -> bool:
        """Tell whether the database has to see TLS: the account requires it, and the client has it."""
        accounts = self._gate.accounts
        return session.client.tls and await accounts.require_tls(session.answer.user, session.target)

    async def _is_for_tokens(self, tokens: TokenAccounts, user: bytes, target: Path) -> bool:
        """Tell whether a user's account in the database is one for tokens (engines/sign_in.py)."""
        digest = await tokens.digest(user)
        if digest not in self._gate.accounts.known(user):
            await self._gate.accounts.refresh(target)
        return digest in self._gate.accounts.known(user)

    async def _with_token(self, tokens: TokenAccounts, session: Session, sequence: int) -> bool:
        client = session.client
        if not client.tls:
            # A token in clear would be anybody's.
            return self._deny(session, sequence + 1, used=False)
        client.send_packet(b"\xfe" + wire.CLEAR + b"\0", sequence + 1)
        token, sequence = await client.packet()
        name = session.answer.user.decode("utf-8", "surrogateescape")
        said = await tokens.ask({"user": name, "token": token.rstrip(b"\0").decode("utf-8", "replace")})
        if said.get("allowed") is not True:
            return self._deny(session, sequence + 1, used=True)
        session.half = wire.half(str(said["password"]))
        forward = session.answer._replace(capabilities=session.answer.capabilities | wire.SESSION_TRACK)
        try:
            payload = await server.sign_in(
                session.server, forward, session.half, session.server_salt, session.header
            )
        except server.Refused as refused:
            client.send_packet(refused.packet, sequence + 1)
            return False
        ok = wire.read_ok(payload, forward.capabilities)
        session.reply.status = ok.status
        client.send_packet(wire.write_ok(ok), sequence + 1)
        return True

    def _deny(self, session: Session, sequence: int, *, used: bool) -> bool:
        self._gate.refused += 1
        who = session.answer.user.decode("utf-8", "replace")
        where = session.client.sock.getpeername()[0]
        text = f"Access denied for user '{who}'@'{where}' (using password: {'YES' if used else 'NO'})"
        session.client.send_packet(wire.error(1045, "28000", text), sequence)
        return False

"""How a client comes in: encryption, who it is, the proof of its password (or a token), its session at the database."""

import asyncio
import json
import secrets
import ssl
import struct
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.postgresql import scram, wire
from coldframe.engines.postgresql.endpoint.backend import Known, Opened
from coldframe.engines.postgresql.endpoint.side import Closed, Side

_SASL = wire.authentication(wire.AUTH_SASL, scram.MECHANISM + b"\0\0")
_SASL_BOUND = wire.authentication(wire.AUTH_SASL, scram.BOUND + b"\0" + scram.MECHANISM + b"\0\0")
_MAJOR = 3
# The protocol's name in TLS, and what a TLS connection begins with.
ALPN = "postgresql"
_HANDSHAKE = b"\x16"


class Turned(Exception):
    """A client was not let in; `word` is the ErrorResponse for it."""

    def __init__(self, word: bytes) -> None:
        super().__init__(wire.fields(word[5:]).get("M", ""))
        self.word = word


class Doors(NamedTuple):
    """What clients may or must use to come in."""

    context: ssl.SSLContext | None
    require_tls: bool
    sign_in: Path | None
    # Makes up, always in the same way, what a client is told about a user that there is not.
    secret: bytes
    # What binds a proof to the TLS connection: the certificate's digest.
    end_point: bytes | None = None


class Cancel(NamedTuple):
    """A request to end what another session does, by its key."""

    key: bytes


class Asked(NamedTuple):
    """What a client asked for with its first packet."""

    parameters: dict[str, str]


def doors(
    context: ssl.SSLContext | None, *, require_tls: bool, sign_in: Path | None, end_point: bytes | None = None
) -> Doors:
    """Return the doors of an endpoint."""
    return Doors(context, require_tls, sign_in, secrets.token_bytes(32), end_point)


async def ask(client: Side, through: Doors) -> Cancel | Asked:
    """Read a client's first packets and encrypt the connection if it wants; raises Turned, Closed."""
    if await client.first() == _HANDSHAKE and through.context is not None:
        await client.start_tls(through.context)
        if client.alpn != ALPN:
            raise Closed("TLS from the first byte is for who names the protocol in it")
    while True:
        code, body = await client.startup()
        if code == wire.CANCEL_REQUEST:
            return Cancel(body)
        if code == wire.SSL_REQUEST and not client.tls:
            client.send(b"S" if through.context else b"N")
            if through.context:
                await client.start_tls(through.context)
        elif code == wire.GSS_REQUEST:
            client.send(b"N")
        elif code >> 16 != _MAJOR:
            raise Turned(
                wire.error(
                    "FATAL",
                    "0A000",
                    f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}: server supports 3.0 to 3.0",
                )
            )
        else:
            return _asked(client, code & 0xFFFF, body, through)


def _asked(client: Side, minor: int, body: bytes, through: Doors) -> Asked:
    parameters = wire.parameters(body)
    options = [name for name in parameters if name.startswith("_pq_.")]
    if minor or options:
        # The newest that is spoken, with its major number, as PostgreSQL says it.
        listed = struct.pack("!II", wire.PROTOCOL, len(options)) + b"".join(
            wire.text(name) for name in options
        )
        client.send(wire.message(b"v", listed))
        parameters = {name: value for name, value in parameters.items() if name not in options}
    user = parameters.get("user", "")
    if not user:
        raise Turned(wire.error("FATAL", "28000", "no PostgreSQL user name specified in startup packet"))
    parameters.setdefault("database", user)
    host, encryption = (
        client.sock.getpeername()[0],
        "SSL encryption" if client.tls else "no encryption",
    )
    replication = parameters.pop("replication", "false")
    if replication == "database":
        parameters["replication"] = replication
    elif replication.lower() not in {"false", "off", "no", "0"}:
        raise Turned(
            wire.error(
                "FATAL",
                "28000",
                f'no pg_hba.conf entry for replication connection from host "{host}", user "{user}", {encryption}',
            )
        )
    if through.require_tls and not client.tls:
        raise Turned(
            wire.error(
                "FATAL", "28000",
                f'no pg_hba.conf entry for host "{host}", user "{user}", database "{parameters["database"]}", {encryption}',
            )
        )  # fmt: skip
    return Asked(parameters)


async def prove(client: Side, user: str, known: Known, through: Doors) -> bytes | None:
    """Have a client prove who it is; returns the key of its password, None after a token. Raises Turned, Closed, OSError."""
    if known.token and through.sign_in is not None:
        await _by_token(client, user, through.sign_in)
        return None
    return await _by_password(client, user, known, through)


def admit(client: Side, opened: Opened) -> None:
    """Tell a client that has proved who it is about its session."""
    client.send(
        wire.authentication(wire.AUTH_OK)
        + opened.said
        + wire.message(b"K", opened.key)
        + wire.message(b"Z", b"I")
    )


async def _by_password(client: Side, user: str, known: Known, through: Doors) -> bytes:
    failed = wire.error("FATAL", "28P01", f'password authentication failed for user "{user}"')
    end_point = through.end_point if client.tls else None
    exchange = scram.Server(known.verifier or scram.nobody(user, through.secret), end_point)
    client.send(_SASL if end_point is None else _SASL_BOUND)
    try:
        name, _, rest = (await _answer(client)).partition(b"\0")
        offered = name == scram.MECHANISM or (name == scram.BOUND and end_point is not None)
        if not offered or len(rest) < 4:
            raise Turned(
                wire.error("FATAL", "08P01", "client selected an invalid SASL authentication mechanism")
            )
        client.send(wire.authentication(wire.AUTH_SASL_CONTINUE, exchange.first(rest[4:], name)))
        final, key = exchange.final(await _answer(client))
    except scram.SignInFailed as problem:
        raise Turned(failed) from problem
    client.send(wire.authentication(wire.AUTH_SASL_FINAL, final))
    return key


async def _by_token(client: Side, user: str, judge: Path) -> None:
    refused = Turned(wire.error("FATAL", "28000", f'PAM authentication failed for user "{user}"'))
    if not client.tls:
        # In clear anybody on the way could use it.
        raise refused
    client.send(wire.authentication(wire.AUTH_CLEARTEXT))
    token = (await _answer(client)).rstrip(b"\0").decode(errors="replace")
    reader, writer = await asyncio.open_unix_connection(str(judge), limit=1 << 20)
    try:
        writer.write(json.dumps({"user": user, "token": token}).encode() + b"\n")
        line = await reader.readline()
    finally:
        writer.close()
    if not line or json.loads(line).get("allowed") is not True:
        raise refused


async def _answer(client: Side) -> bytes:
    kind, body = await client.message()
    if kind != b"p":
        raise Turned(
            wire.error("FATAL", "08P01", f"expected password response, got message type {ord(kind)}")
        )
    return body

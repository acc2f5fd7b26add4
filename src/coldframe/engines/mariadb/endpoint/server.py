"""A connection to the database behind: signing in as the client, and asking it something in between."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from coldframe.engines.endpoint_channel import at_socket
from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint.channel import Channel, Closed

# What a client says before TLS begins: the first fields of its answer.
_HEAD = 32


class Refused(Exception):
    """The database answered with an error; `packet` is its payload."""

    def __init__(self, packet: bytes) -> None:
        super().__init__(wire.read_error(packet)[1])
        self.packet = packet


async def connect(target: Path) -> tuple[Channel, wire.Greeting]:
    """Connect to a database's socket and return what it greets with; raises OSError, Closed, Refused."""
    channel = Channel(await at_socket(target))
    try:
        payload, _ = await channel.packet()
    except BaseException:
        channel.close()
        raise
    if payload[:1] == b"\xff":
        channel.close()
        raise Refused(payload)
    return channel, wire.read_greeting(payload)


async def answers(target: Path) -> bool:
    """Tell whether a database greets, be it to say that it has no room; raises OSError."""
    try:
        channel, _ = await connect(target)
    except Refused:
        return True
    except Closed:
        return False
    channel.close()
    return True


def came_from(peer: tuple[str, int], here: tuple[str, int]) -> bytes:
    """Return the line that tells the database where the client really is (PROXY protocol, version 1)."""
    return f"PROXY TCP4 {peer[0]} {here[0]} {peer[1]} {here[1]}\r\n".encode()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # At the other end of a unix socket is the database, whatever certificate it has made itself.
    context.verify_mode = ssl.CERT_NONE
    return context


_CONTEXT = _unverified()


async def encrypt(channel: Channel, answer: wire.Answer, header: bytes) -> wire.Answer:
    """Begin TLS, after the line that tells where the client is; returns the answer as it goes on, as packet 2. Raises Closed."""
    answer = answer._replace(capabilities=answer.capabilities | wire.TLS)
    channel.send(header + wire.framed(wire.write_answer(answer)[:_HEAD], 1))
    await channel.start_tls(_CONTEXT, as_client=True)
    return answer


async def sign_in(
    channel: Channel, answer: wire.Answer, half: bytes, salt: bytes, header: bytes, *, encrypted: bool = False
) -> bytes:
    """Sign in with the first digest of the password; returns the OK packet. Raises Refused, Closed."""
    answer = answer._replace(proof=wire.prove(half, salt), plugin=wire.NATIVE)
    if encrypted:
        answer, header = await encrypt(channel, answer, header), b""
    channel.send(header + wire.framed(wire.write_answer(answer), 1 + encrypted))
    while True:
        payload, sequence = await channel.packet()
        if payload[0] == 0:
            return payload
        if payload[0] == 0xFF:
            raise Refused(payload)
        if payload[0] != 0xFE or not payload[1:].startswith(wire.NATIVE + b"\0"):
            raise Closed("the database wants another proof than a password's")
        salt = payload[len(wire.NATIVE) + 2 :][:20]
        channel.send_packet(wire.prove(half, salt), sequence + 1)


async def rows(channel: Channel, statement: bytes, capabilities: int) -> list[list[bytes | None]]:
    """Run a statement and return its rows; raises Refused, Closed."""
    channel.send_packet(b"\x03" + statement, 0)
    first = await _checked(channel)
    if first[0] == 0:
        return []
    for _ in range(wire.number(first, 0)[0]):
        await _checked(channel)
    if not capabilities & wire.DEPRECATE_EOF:
        await _checked(channel)
    found: list[list[bytes | None]] = []
    while True:
        packet = await _checked(channel)
        if packet[0] == 0xFE:
            return found
        found.append(_values(packet))


async def prepare(channel: Channel, text: bytes, capabilities: int) -> tuple[int, int]:
    """Prepare a statement; returns its id and how many parameters it has. Raises Refused, Closed."""
    channel.send_packet(b"\x16" + text, 0)
    first = await _checked(channel)
    number = int.from_bytes(first[1:5], "little")
    columns, parameters = int.from_bytes(first[5:7], "little"), int.from_bytes(first[7:9], "little")
    async for _ in _definitions(channel, parameters, capabilities):
        pass
    async for _ in _definitions(channel, columns, capabilities):
        pass
    return number, parameters


async def _definitions(channel: Channel, count: int, capabilities: int) -> AsyncIterator[bytes]:
    ends = bool(count) and not capabilities & wire.DEPRECATE_EOF
    for _ in range(count + ends):
        yield await _checked(channel)


async def _checked(channel: Channel) -> bytes:
    payload, _ = await asyncio.wait_for(channel.packet(), 10)
    if payload[:1] == b"\xff":
        raise Refused(payload)
    return payload


def _values(packet: bytes) -> list[bytes | None]:
    values: list[bytes | None] = []
    at = 0
    while at < len(packet):
        if packet[at] == 0xFB:
            values.append(None)
            at += 1
        else:
            value, at = wire.text(packet, at)
            values.append(value)
    return values

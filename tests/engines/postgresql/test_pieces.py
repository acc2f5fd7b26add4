"""What a database answers is followed in whatever pieces it arrives."""

import asyncio
import socket
from pathlib import Path

import pytest

from coldframe.engines import endpoint_loop
from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint import entrance
from coldframe.engines.postgresql.endpoint.backend import Opened
from coldframe.engines.postgresql.endpoint.gate import Gate
from coldframe.engines.postgresql.endpoint.login import doors
from coldframe.engines.postgresql.endpoint.session import Session
from coldframe.engines.postgresql.endpoint.side import Side

_ROWS = wire.message(b"D", b"x" * 60) * 40
# Rows that have in them what looks like the end of an answer, settings, and a transaction that is open.
_ANSWER = b"".join(
    (
        wire.message(b"T", b"columns"),
        _ROWS,
        wire.message(b"D", wire.message(b"Z", b"I") * 3),
        wire.message(b"S", wire.text("TimeZone") + wire.text("UTC")),
        wire.message(b"C", wire.text("SELECT 41")),
        wire.message(b"Z", b"T"),
    )
)


class Wire:
    """One side of a session that remembers what it was sent."""

    def __init__(self) -> None:
        self.sent, self.taker, self.ended, self.peer = bytearray(), None, None, None
        self.transport = self

    def hand_to(self, taker):
        self.taker = taker

    def send(self, data):
        self.sent += data

    def close(self):
        pass

    end = close
    pass_on = send

    def hold(self, **_):
        pass


class Keeper:
    """A gate that holds nobody."""

    holding = False

    def counted(self, **_):
        pass

    def waits(self, _):
        pass

    gone = waits


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 64, 65, 66, 67, 1000, len(_ANSWER)])
def test_the_end_of_an_answer_is_seen_whole_and_nowhere_else(size):
    async def follow():
        client, server = Wire(), Wire()
        session = Session(Keeper(), client, {}, None, Path("db"), Opened(server, b"12345678", b""))
        session.begin()
        client.taker(wire.message(b"Q", wire.text("BEGIN; SELECT 1")))
        for at in range(0, len(_ANSWER), size):
            assert session.busy
            server.taker(_ANSWER[at : at + size])
        assert client.sent == _ANSWER
        assert not session.busy
        assert not session.at_boundary
        client.taker(wire.message(b"Q", wire.text("COMMIT")))
        for at in range(0, 6, size):
            server.taker(wire.message(b"Z", b"I")[at : at + size])
        assert session.at_boundary

    asyncio.run(follow())


@pytest.mark.parametrize("size", [0, 1, 7, 40])
def test_who_does_not_say_who_it_is_in_time_is_sent_away(monkeypatch, size):
    """Slowly, byte after byte, or not at all."""
    monkeypatch.setattr(entrance, "_SIGN_IN_SECONDS", 0.1)
    said = wire.startup({"user": "somebody", "database": "somewhere"})

    async def come() -> None:
        gate = Gate(doors(None, require_tls=False, sign_in=None), [Path("nowhere")])
        client, theirs = socket.socketpair()
        with client:
            client.setblocking(False)
            gate.accept(Side(theirs))
            client.send(said[:size])
            assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 30) == b""
        assert gate.status()["sessions"] == 0

    endpoint_loop.run(come())

"""Endpoints to which very many come at once, or who send more than they are asked for."""

import asyncio
import json
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from coldframe.engines import endpoint_channel, endpoint_loop
from coldframe.engines.endpoint_channel import at_socket
from coldframe.engines.endpoint_control import SOCKET
from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint.gate import Gate
from coldframe.engines.postgresql.endpoint.login import doors
from coldframe.engines.postgresql.endpoint.side import Side
from tests.engines.databases.kits import loopback, until

_FILES = 200
_STARTUP = struct.pack("!II", 8 + len(b"user\0me\0\0"), wire.PROTOCOL) + b"user\0me\0\0"
# Nobody may have more than so many, not even root.
_FEW = """
import resource, runpy
from coldframe.engines import endpoint_descriptors
endpoint_descriptors._WANTED = {files}
resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))
runpy.run_module("{module}", run_name="__main__")
"""
# By engine: what a client has to say until it is told, and how the answer begins and ends.
_ENGINES = {
    "mariadb": (b"", b"\xff\x10\x04#08004Too many connections"),
    "postgresql": (_STARTUP, b"sorry, too many clients already\0\0"),
}


@pytest.fixture
def short_folder():
    """A folder whose sockets have names of less than 108 characters."""
    with tempfile.TemporaryDirectory(prefix="cf-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("engine", _ENGINES)
def test_who_finds_no_room_is_told_as_by_the_database_and_orders_are_still_taken(engine, short_folder):
    """The process has few descriptors: it keeps some for moves and orders, and lets nobody wait for one."""
    says, expected = _ENGINES[engine]
    address, port = loopback()
    database = socket.socket(socket.AF_UNIX)
    database.bind(str(short_folder / "db.sock"))
    database.listen(_FILES)
    user = {"user": 0, "group": 0}
    boot = {
        "address": address,
        "port": port,
        "folder": str(short_folder),
        **user,
        "targets": [str(short_folder / "db.sock")],
    }
    program = _FEW.format(files=_FILES, module=f"coldframe.engines.{engine}.endpoint")
    endpoint = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    clients = []
    try:
        endpoint.stdin.write(json.dumps(boot).encode())
        endpoint.stdin.close()
        until(lambda: (short_folder / SOCKET).exists())
        until(lambda: _answers(short_folder))
        for _ in range(_FILES):
            clients.append(socket.create_connection((address, port)))
            clients[-1].sendall(says)
        waiting = set(clients)
        while refused := select.select(waiting, [], [], 1.0)[0]:
            for client in refused:
                assert client.recv(1000).endswith(expected)
            waiting.difference_update(refused)
        # Two for each, and those that are kept.
        assert len(waiting) == (_FILES - 128) // 2
        assert _answers(short_folder)
    finally:
        for client in clients:
            client.close()
        endpoint.kill()
        endpoint.wait()
        database.close()


def _answers(folder):
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(5)
        try:
            control.connect(str(folder / SOCKET))
        except OSError:
            return False
        control.sendall(b'{"do": "status"}\n')
        return "ok" in json.loads(control.makefile().readline())


def test_of_those_who_wait_for_a_database_one_asks_at_a_time(short_folder, monkeypatch):
    """Its queue is full: two hundred who all ask again and again would leave the process no time for anybody else."""
    asked, sleep = [], asyncio.sleep

    async def counted(seconds):
        asked.append(seconds)
        await sleep(seconds)

    database = socket.socket(socket.AF_UNIX)
    database.bind(str(short_folder / "db.sock"))
    database.listen(0)

    async def storm():
        monkeypatch.setattr(endpoint_channel.asyncio, "sleep", counted)
        waiting = [asyncio.create_task(at_socket(short_folder / "db.sock")) for _ in range(200)]
        await sleep(0.3)
        before = len(asked)
        taken = []
        thread = threading.Thread(target=lambda: taken.extend(database.accept() for _ in range(200)))
        thread.start()
        for sock in await asyncio.gather(*waiting):
            sock.close()
        thread.join()
        for sock, _ in taken:
            sock.close()
        return before

    try:
        assert asyncio.run(storm()) < 400
    finally:
        database.close()


def test_who_sends_more_than_it_was_asked_for_before_it_is_let_in_fills_no_memory():
    there, here = socket.socketpair()
    there.setblocking(False)

    async def flood():
        side, sent = Side(here), 0
        ended = asyncio.get_running_loop().time() + 0.5
        while asyncio.get_running_loop().time() < ended and sent < 16 << 20:
            try:
                sent += there.send(b"x" * 65536)
            except BlockingIOError:
                await asyncio.sleep(0.01)
        side.close()
        return sent

    with there:
        assert _run(flood()) < 2 << 20


def test_a_message_that_is_longer_than_what_is_kept_unasked_is_read_whole():
    there, here = socket.socketpair()
    long = wire.message(b"d", bytes(3 << 20))

    async def read():
        side = Side(here)
        thread = threading.Thread(target=lambda: there.sendall(long + wire.message(b"Z", b"I")))
        thread.start()
        kind, body = await asyncio.wait_for(side.message(), 10)
        following = await asyncio.wait_for(side.message(), 10)
        thread.join()
        side.close()
        return kind, len(body), following

    with there:
        assert _run(read()) == (b"d", 3 << 20, (b"Z", b"I"))


class _Asked:
    """A session at rest that counts how many are asked at the same time for what they have set up."""

    at_once = most = 0
    over = busy = False

    async def parked(self):
        pass

    async def learn(self):
        _Asked.at_once += 1
        _Asked.most = max(_Asked.most, _Asked.at_once)
        await asyncio.sleep(0.001)
        _Asked.at_once -= 1


def test_not_all_sessions_are_asked_at_once_when_everybody_is_held():
    """Each has five seconds to answer, which a thousand that are asked at the same time do not keep."""

    async def hold():
        gate = Gate(doors(None, require_tls=False, sign_in=None), [Path("/nowhere")])
        gate._sessions = {number: _Asked() for number in range(300)}
        return await gate.hold(drain=1, deadline=60)

    assert _run(hold()) == (300, 0)
    assert 1 < _Asked.most <= 64


def _run(what):
    with asyncio.Runner(loop_factory=endpoint_loop.Loop) as runner:
        return runner.run(what)

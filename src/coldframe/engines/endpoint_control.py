"""The control socket inside of an endpoint's process: one JSON line a command, one a reply, for the server alone."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

SOCKET = "control.sock"
_LONGEST = 65536


class Controlled(Protocol):
    """What an endpoint does when it is told to; commands come one at a time."""

    def status(self) -> dict[str, Any]:
        """Return the fields of EndpointStatus but for the process id."""

    async def hold(self, drain: float, deadline: float) -> tuple[int, int]:
        """Hold every client; returns how many are held and how many were cut."""

    async def release(self, target: Path) -> None:
        """Send everybody to a database."""

    async def spread(self, targets: Sequence[Path], end_within: float | None) -> None:
        """Send new connections to these databases, in turn."""

    async def fail_over(self, deadline: float) -> int:
        """End every session and let new clients wait for a release; returns how many there were."""

    async def cut(self) -> int:
        """End every session; returns how many there were."""


def bind(folder: Path) -> socket.socket:
    """Return the bound control socket of a folder, which its owner alone may use."""
    path = folder / SOCKET
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    before = os.umask(0o177)
    try:
        bound.bind(f"/proc/self/fd/{directory}/{SOCKET}")
    finally:
        os.umask(before)
        os.close(directory)
    bound.listen(16)
    bound.setblocking(False)
    return bound


async def serve(bound: socket.socket, controlled: Controlled, stop: Callable[[], None]) -> asyncio.Server:
    """Answer commands until the loop ends; `stop` ends it."""
    turn = asyncio.Lock()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            while line := await reader.readline():
                writer.write(
                    json.dumps(await _answer(json.loads(line), controlled, turn, stop)).encode() + b"\n"
                )
                await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(converse, sock=bound, limit=_LONGEST)


async def _answer(
    command: dict[str, Any], controlled: Controlled, turn: asyncio.Lock, stop: Callable[[], None]
) -> dict[str, Any]:
    """Carry out one command; only asking for the status does not wait for its turn."""
    if command["do"] == "status":
        return {"ok": controlled.status()}
    commands: dict[str, Callable[[], Awaitable[Any]]] = {
        "hold": lambda: controlled.hold(command["drain"], command["deadline"]),
        "release": lambda: controlled.release(Path(command["target"])),
        "spread": lambda: controlled.spread(
            [Path(target) for target in command["targets"]], command["end_within"]
        ),
        "fail_over": lambda: controlled.fail_over(command["deadline"]),
        "cut": controlled.cut,
    }
    if command["do"] == "stop":
        asyncio.get_running_loop().call_soon(stop)
        return {"ok": None}
    if command["do"] == "prepare":
        # Not every endpoint can make use of it.
        prepare = getattr(controlled, "prepare", None)
        return {"ok": await prepare(Path(command["target"])) if prepare else None}
    if command["do"] not in commands:
        return {"error": f"there is no command {command['do']!r}"}
    async with turn:
        try:
            return {"ok": await commands[command["do"]]()}
        except OSError as problem:
            return {"error": f"{command['do']}: {problem}"}

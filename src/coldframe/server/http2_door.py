"""HTTP/2 without TLS on the plain port: such clients are led to a granian that listens on the loopback address."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Final

_PIECE: Final = 64 * 1024
_LOOPBACK: Final = "127.0.0.1"


class Http2Door:
    """Joins sockets of clients that speak HTTP/2 with a server that understands them; started by the first of them.

    The server sees connections of ours, so `behind` tells it who is at the other end of each.
    """

    def __init__(self, open_server: Callable[[], Awaitable[int]], behind: dict[tuple[str, int], str]) -> None:
        """`open_server` starts the server and gives its port on the loopback address; belongs to the running loop."""
        self._open_server = open_server
        self._behind = behind
        self._loop = asyncio.get_running_loop()
        self._opening = asyncio.Lock()
        self._port: int | None = None
        self._tunnels: set[asyncio.Task[None]] = set()

    def take(self, client: socket.socket, sent: bytes, peer: str, closed: Callable[[], None]) -> None:
        """Serve a client that has sent these bytes; any thread. Calls `closed` when its connection has ended."""

        def begin() -> None:
            tunnel = asyncio.ensure_future(self._serve(client, sent, peer, closed))
            self._tunnels.add(tunnel)
            tunnel.add_done_callback(self._tunnels.discard)

        try:
            self._loop.call_soon_threadsafe(begin)
        except RuntimeError:  # the loop has been closed: the server is ending
            client.close()

    async def close(self) -> None:
        """End every tunnel."""
        for tunnel in list(self._tunnels):
            tunnel.cancel()
        if self._tunnels:
            await asyncio.wait(self._tunnels)

    async def _serve(self, client: socket.socket, sent: bytes, peer: str, closed: Callable[[], None]) -> None:
        try:
            async with self._opening:
                if self._port is None:
                    self._port = await self._open_server()
            outer = await asyncio.open_connection(sock=client, limit=_PIECE)
            try:
                inner = await asyncio.open_connection(_LOOPBACK, self._port, limit=_PIECE)
            except OSError:
                outer[1].close()
                raise
            address = inner[1].get_extra_info("sockname")[:2]
            self._behind[address] = peer
            inner[1].write(sent)
            ways = [
                asyncio.ensure_future(_carry(outer[0], inner[1])),
                asyncio.ensure_future(_carry(inner[0], outer[1])),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                for writer in (outer[1], inner[1]):
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
                self._behind.pop(address, None)
        finally:
            client.close()
            closed()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what arrives, at the pace of who takes it; ends when either side closes."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()

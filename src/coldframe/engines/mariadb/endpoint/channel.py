"""A non-blocking socket with an outgoing buffer, plain or with TLS, and the packets of a conversation on it."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from coldframe.engines.mariadb import wire

SIZE = 262144
_AGAIN = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Closed(Exception):
    """The other side ended the connection."""


class Channel:
    """One side of a session."""

    __slots__ = ("_drained", "_loop", "_packets", "_writing", "fd", "reading", "sock", "tls")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.fd = sock.fileno()
        self.tls = False
        self.reading = False
        self._loop = asyncio.get_running_loop()
        self._packets = b""
        self._writing = bytearray()
        self._drained: Callable[[], None] | None = None

    def receive(self, most: int = SIZE) -> bytes | None:
        """Return what there is; None when there is nothing yet, no bytes at the end."""
        try:
            data = self.sock.recv(most)
        except _AGAIN:
            return None
        except OSError:
            return b""
        if self.tls and data:
            # What TLS has decrypted already does not make the socket readable again.
            while self.sock.pending():  # type: ignore[attr-defined]
                data += self.sock.recv(SIZE)
        return data

    def send(self, data: bytes) -> bool:
        """Send, or keep what does not fit; returns whether nothing is left. A broken connection is seen by reading."""
        if self._writing:
            self._writing += data
            return False
        try:
            sent = self.sock.send(data)
        except _AGAIN:
            sent = 0
        except OSError:
            return True
        if sent == len(data):
            return True
        self._writing += data[sent:]
        self._loop.add_writer(self.fd, self._flush)
        return False

    def when_drained(self, act: Callable[[], None]) -> None:
        """Call once everything that was kept is sent."""
        self._drained = act

    def read_with(self, act: Callable[[], None] | None) -> None:
        """Call when there is something to read; None stops it."""
        if act is None:
            if self.reading:
                self._loop.remove_reader(self.fd)
                self.reading = False
        elif self.fd >= 0:
            self._loop.add_reader(self.fd, act)
            self.reading = True

    def close(self) -> None:
        """End the connection at once."""
        if self.fd < 0:
            return
        self.read_with(None)
        self._loop.remove_writer(self.fd)
        self.fd = -1
        self.sock.close()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Become a TLS server on this connection; raises Closed."""
        self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        self.tls = True
        while True:
            try:
                self.sock.do_handshake()
            except ssl.SSLWantReadError:
                await self._ready()
            except ssl.SSLWantWriteError:
                await self._ready(writing=True)
            except (OSError, ValueError) as problem:
                raise Closed("the TLS handshake failed") from problem
            else:
                return

    async def packet(self, *, alone: bool = False) -> tuple[bytes, int]:
        """Return the next packet's payload and sequence number; only while nobody else reads. Raises Closed.

        `alone` reads nothing beyond it, since TLS may begin right after it.
        """
        while True:
            missing = 4 - len(self._packets)
            if missing <= 0:
                end = 4 + int.from_bytes(self._packets[:3], "little")
                if len(self._packets) >= end:
                    payload, sequence = self._packets[4:end], self._packets[3]
                    self._packets = self._packets[end:]
                    return payload, sequence
                if end > 1 << 20:
                    raise Closed("a packet of this phase is never so long")
                missing = end - len(self._packets)
            data = self.receive(missing if alone else SIZE)
            if data is None:
                await self._ready()
            elif not data:
                raise Closed("the connection ended")
            else:
                self._packets += data

    async def line(self) -> bytes:
        """Return what comes up to the end of a line; only while nobody else reads. Raises Closed."""
        while b"\n" not in self._packets:
            data = self.receive()
            if data is None:
                await self._ready()
            elif not data or len(self._packets) > 1 << 16:
                raise Closed("no line came")
            else:
                self._packets += data
        line, _, self._packets = self._packets.partition(b"\n")
        return line

    def rest(self) -> bytes:
        """Return what came after the last packet that was read."""
        found, self._packets = self._packets, b""
        return found

    def send_packet(self, payload: bytes, sequence: int) -> None:
        """Send one short packet."""
        self.send(wire.framed(payload, sequence))

    async def _ready(self, *, writing: bool = False) -> None:
        future: asyncio.Future[None] = self._loop.create_future()
        add, remove = (
            (self._loop.add_writer, self._loop.remove_writer)
            if writing
            else (self._loop.add_reader, self._loop.remove_reader)
        )
        fd = self.fd
        add(fd, lambda: None if future.done() else future.set_result(None))
        try:
            await future
        finally:
            if self.fd >= 0:
                remove(fd)

    def _flush(self) -> None:
        try:
            sent = self.sock.send(self._writing[:SIZE])
        except _AGAIN:
            return
        except OSError:
            self._writing.clear()
        else:
            del self._writing[:sent]
        if not self._writing:
            self._loop.remove_writer(self.fd)
            act, self._drained = self._drained, None
            if act is not None:
                act()

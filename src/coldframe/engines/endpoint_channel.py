"""A non-blocking socket with an outgoing buffer, plain or with TLS: one side of an endpoint's session, of any engine."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from coldframe.engines import endpoint_loop
from coldframe.engines.endpoint_descriptors import used_up

# Clients that may wait to be taken while many come at once; the kernel has its own limit.
BACKLOG = 4096
SIZE = 262144
# Most messages are short; room for a long one is made when one comes.
SHORT = 16384
# As Amazon RDS sets them up: a client that has gone without a word is noticed after five minutes of silence and two questions.
_OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 300),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2),
)
# A process that has no descriptor left for a client tries again after so many seconds.
_NONE_LEFT = 0.1
# How often a database whose queue is full is asked again, in seconds, and whose turn it is to ask.
_FULL = 0.002
_TURNS: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()
AGAIN = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Closed(Exception):
    """The other side ended the connection, or said what no side says."""


class Channel:
    """One side of a session."""

    __slots__ = ("_drained", "_loop", "_most", "_reader", "_writing", "broken", "fd", "sock", "tls")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.fd = sock.fileno()
        self.tls = False
        # Whether the other side takes nothing any more; one that only says nothing any more may still read.
        self.broken = False
        self._most = SHORT
        self._loop = endpoint_loop.running()
        self._reader: Callable[[], None] | None = None
        self._writing = bytearray()
        self._drained: Callable[[], None] | None = None

    @property
    def reading(self) -> bool:
        """Whether somebody reads."""
        return self._reader is not None

    @property
    def kept(self) -> int:
        """How many bytes could not be sent yet."""
        return len(self._writing)

    def receive(self) -> bytes | None:
        """Return what there is; None when there is nothing yet, no bytes at the end."""
        most = self._most
        try:
            data = self.sock.recv(most)
            if self.tls and data:
                # What TLS has decrypted already does not make the socket readable again.
                while self.sock.pending():  # type: ignore[attr-defined]
                    data += self.sock.recv(SIZE)
        except AGAIN:
            return None
        except OSError:
            self.broken = True
            return b""
        if len(data) == most:
            self._most = SIZE
        elif len(data) < SHORT:
            self._most = SHORT
        return data

    def exactly(self, most: int) -> bytes | None:
        """Receive no more than so much."""
        try:
            return self.sock.recv(most)
        except AGAIN:
            return None
        except OSError:
            return b""

    def send(self, data: bytes) -> bool:
        """Send, or keep what does not fit; returns whether nothing is left. A broken connection is seen by reading."""
        if not self._writing:
            try:
                sent = self.sock.send(data)
            except AGAIN:
                sent = 0
            except OSError:
                self.broken = True
                return True
            if sent == len(data):
                return True
            data = data[sent:]
        self._keep(data)
        return False

    def _keep(self, data: bytes) -> None:
        """Send it once there is room."""
        if not self._writing and self.fd >= 0:
            self._loop.watch(self.fd, read=self._reader, write=self._flush)
        self._writing += data

    def when_drained(self, act: Callable[[], None]) -> None:
        """Call once everything that was kept is sent."""
        self._drained = act

    def read_with(self, act: Callable[[], None] | None) -> None:
        """Call when there is something to read; None stops it."""
        if self.fd >= 0 and act is not self._reader:
            self._reader = act
            self._loop.watch(self.fd, read=act, write=self._flush if self._writing else None)

    def close(self) -> None:
        """End the connection at once."""
        if self.fd < 0:
            return
        self._loop.watch(self.fd)
        self._reader = self._drained = None
        self.fd = -1
        if self.tls and not self._writing:
            # Without this farewell a client takes the end for an attack. Its own is not waited for.
            with suppress(OSError, ValueError):
                self.sock.unwrap()  # type: ignore[attr-defined]
        self.sock.close()

    async def start_tls(self, context: ssl.SSLContext, *, as_client: bool = False) -> None:
        """Become a TLS server, or a client, on this connection; raises Closed."""
        self.sock = context.wrap_socket(self.sock, server_side=not as_client, do_handshake_on_connect=False)
        self.tls = True
        while True:
            try:
                self.sock.do_handshake()
            except ssl.SSLWantReadError:
                await self.ready()
            except ssl.SSLWantWriteError:
                await self.ready(writing=True)
            except (OSError, ValueError) as problem:
                raise Closed("the TLS handshake failed") from problem
            else:
                return

    async def ready(self, *, writing: bool = False) -> None:
        """Return when there is something to read, or room to write; only while nobody else reads."""
        future: asyncio.Future[None] = self._loop.create_future()

        def act() -> None:
            if not future.done():
                future.set_result(None)

        fd = self.fd
        self._loop.watch(
            fd,
            read=None if writing else act,
            write=act if writing else self._flush if self._writing else None,
        )
        try:
            await future
        finally:
            if self.fd >= 0:
                self._loop.watch(fd, read=self._reader, write=self._flush if self._writing else None)

    def _flush(self) -> None:
        try:
            # All of it: TLS wants to be offered again at least what it could not send before.
            sent = self.sock.send(self._writing)
        except AGAIN:
            return
        except OSError:
            self.broken = True
            self._writing.clear()
        else:
            del self._writing[:sent]
        if not self._writing:
            if self.fd >= 0:
                self._loop.watch(self.fd, read=self._reader)
            act, self._drained = self._drained, None
            if act is not None:
                act()


def accept(listener: socket.socket, take: Callable[[socket.socket], None]) -> None:
    """Take clients from a listening socket from now on."""
    loop = endpoint_loop.running()

    def some() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            except OSError as problem:
                if problem.errno not in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                    raise
                _pause()
                return
            for level, option, value in _OPTIONS:
                sock.setsockopt(level, option, value)
            taken = sock.fileno()
            take(sock)
            if used_up(taken):
                _pause()
                return

    def _pause() -> None:
        loop.remove_reader(listener.fileno())
        loop.call_later(_NONE_LEFT, _again)

    def _again() -> None:
        if listener.fileno() >= 0:
            loop.add_reader(listener.fileno(), some)

    loop.add_reader(listener.fileno(), some)


async def at_socket(path: Path) -> socket.socket:
    """Connect to a unix socket, however long its path is, without waiting for it in the loop; raises OSError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    folder = -1
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        name = f"/proc/self/fd/{folder}/{path.name}"
        with suppress(BlockingIOError):
            sock.connect(name)
            return sock
        # Its queue is full: it is busy with others, or hangs. Of those who wait one asks again at a time.
        turn = _TURNS.setdefault(path, asyncio.Lock())
        async with turn:
            while True:
                try:
                    sock.connect(name)
                except BlockingIOError:
                    await asyncio.sleep(_FULL)
                else:
                    return sock
    except BaseException:
        sock.close()
        raise
    finally:
        if folder >= 0:
            os.close(folder)

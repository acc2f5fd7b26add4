"""A client's socket: what arrives on it, and what is left to send, without ever waiting but where that is asked for."""

import fcntl
import select
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any, Final

# How much is read at once: little of a head, because most connections are idle or send little; of a body much.
SMALL_PIECE: Final = 64 * 1024
LARGE_PIECE: Final = 256 * 1024
# SO_LINGER: on, for no second.
_AT_ONCE: Final = struct.pack("ii", 1, 0)
# The client sends no more, or the connection is broken.
LEFT: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class ClientSocket:
    """A socket that does not block; errors of it close it, and are told by `closed`."""

    __slots__ = ("_forget", "_left", "_queued", "_socket", "closed", "fd", "out", "readable")

    def __init__(self, client: socket.socket, forget: Callable[[Any], None]) -> None:
        """Take over a socket; `forget` is called just before it is closed, while its descriptor is still its own."""
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = client
        self._forget = forget
        self._left = False
        self._queued = b""
        self.fd = client.fileno()
        self.closed = False
        # Whether something may have arrived that was not read yet.
        self.readable = False
        self.out: memoryview | None = None

    def hear(self, event: int) -> None:
        """Take note of what epoll tells."""
        if event & (select.EPOLLIN | LEFT):
            self.readable = True
            # That the client sends no more is told once, perhaps together with its last bytes.
            self._left = self._left or event & LEFT != 0

    def receive(self, size: int) -> bytes | None:
        """Return what has arrived; None: nothing has; empty: the client sends no more."""
        try:
            data = self._socket.recv(size)
        except BlockingIOError:
            self.readable = False
            return None
        except OSError:
            return b""
        if len(data) < size and not self._left:
            self.readable = False
        return data

    def receive_into(self, buffer: memoryview) -> int | None:
        """Put what has arrived into the buffer and return how many bytes; else as `receive`."""
        try:
            size = self._socket.recv_into(buffer)
        except BlockingIOError:
            self.readable = False
            return None
        except OSError:
            return 0
        if size < len(buffer) and not self._left:
            self.readable = False
        return size

    def send(self, first: bytes | memoryview, second: bytes = b"") -> bool:
        """Send what the socket takes of both; return whether that was all. What is left goes by `flush`."""
        try:
            sent = self._socket.sendmsg((first, second)) if second else self._socket.send(first)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return True
        over = sent - len(first)
        if over == len(second):
            return True
        rest = first if not second else b"".join((first, second))
        self.out = memoryview(second)[over:] if over >= 0 else memoryview(rest)[sent:]
        return False

    def flush(self) -> bool:
        """Send more of what is left; return whether that was all."""
        while self.out is not None:
            try:
                sent = self._socket.send(self.out)
            except BlockingIOError:
                return False
            except OSError:
                self.close()
                return True
            self.out = self.out[sent:] if sent < len(self.out) else None
        return True

    def has_drained(self) -> bool:
        """Tell whether the client has taken any of what was sent since this was last asked."""
        before, self._queued = self._queued, fcntl.ioctl(self.fd, termios.TIOCOUTQ, bytes(4))
        return before != self._queued

    def wait(self, events: int, seconds: float) -> int:
        """Wait for events (select.poll) or for the client to leave; return what came. For a thread that may wait."""
        waiting = select.poll()
        waiting.register(self.fd, events | select.POLLRDHUP)
        found = waiting.poll(max(0.0, seconds) * 1000)
        return found[0][1] if found else 0

    def send_no_more(self) -> None:
        """Tell the client that nothing more comes."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()

    def give_away(self) -> socket.socket:
        """Return the socket to whoever serves it from now on; this object is closed."""
        self.closed = True
        self._forget(self)
        return self._socket

    def abort(self) -> None:
        """End the connection although a thread may be using it, which learns of that by itself."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def reset(self) -> None:
        """Close the socket and drop what the client has not taken, which the system would go on offering it."""
        if not self.closed:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.close()

    def close(self) -> None:
        """Close the socket."""
        if not self.closed:
            self.closed = True
            self.out = None
            self._forget(self)
            self._socket.close()

"""A side of a session as MariaDB's protocol sees it: packets, while nobody passes bytes on."""

import socket

from coldframe.engines import endpoint_channel
from coldframe.engines.endpoint_channel import Closed
from coldframe.engines.mariadb import wire

__all__ = ["Channel", "Closed"]


class Channel(endpoint_channel.Channel):
    """One side of a session."""

    __slots__ = ("_packets",)

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._packets = b""

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
            data = self.exactly(missing) if alone else self.receive()
            if data is None:
                await self.ready()
            elif not data:
                raise Closed("the connection ended")
            else:
                self._packets += data

    async def line(self) -> bytes:
        """Return what comes up to the end of a line; only while nobody else reads. Raises Closed."""
        while b"\n" not in self._packets:
            data = self.receive()
            if data is None:
                await self.ready()
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

"""A client that compresses though nobody offered it: what it sends is taken, and it is answered in frames that hold bytes as they are.

After signing in each direction is a row of frames: three bytes of length, a number, three bytes of the length before
compression, which is 0 where nothing was compressed. What is in them, one after the other, is the protocol as ever.
"""

import zlib

from coldframe.engines.mariadb.endpoint.channel import Channel

_HEAD = 7
_LONGEST = 0xFFFFFF
# Few bytes may become very many: no more of them are taken at once.
_AT_ONCE = 16384


class Compressed(Channel):
    """The rest of a channel on which somebody signed in."""

    __slots__ = ("_came", "_number")

    def __init__(self, begun: Channel) -> None:
        super().__init__(begun.sock)
        self.tls = begun.tls
        self._came = bytearray(begun.rest())
        # A number goes on from the other side's last, which begins anew with each command.
        self._number = 0

    def receive(self) -> bytes | None:
        """Return what there is in frames that are whole; None when there is none yet, no bytes at the end, or if it is no frame."""
        while True:
            try:
                found = b"".join(self._frames())
            except zlib.error:
                self.broken = True
                return b""
            if found:
                return found
            data = self.exactly(_AT_ONCE)
            if not data:
                return data
            self._came += data

    def send(self, data: bytes) -> bool:
        """Send as the base does, in frames."""
        framed = bytearray()
        for at in range(0, len(data), _LONGEST):
            part = data[at : at + _LONGEST]
            framed += len(part).to_bytes(3, "little") + bytes((self._number, 0, 0, 0)) + part
            self._number = (self._number + 1) % 256
        return super().send(bytes(framed))

    def _frames(self) -> list[bytes]:
        """Take the whole frames out of what came; raises zlib.error."""
        found, at, came = [], 0, self._came
        while at + _HEAD <= len(came):
            end = at + _HEAD + int.from_bytes(came[at : at + 3], "little")
            if end > len(came):
                break
            part, size = bytes(came[at + _HEAD : end]), int.from_bytes(came[at + 4 : at + _HEAD], "little")
            if size:
                opened = zlib.decompressobj()
                part = opened.decompress(part, size)
                if len(part) != size or opened.unconsumed_tail:
                    raise zlib.error("a frame is longer or shorter than it says")
            found.append(part)
            self._number = (came[at + 3] + 1) % 256
            at = end
        del came[:at]
        return found

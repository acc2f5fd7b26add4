"""A client of the agent that says exactly what a test wants it to say."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from coldframe.keys.agent.messages import Ask, Reader, Tell
from coldframe.keys.wire import string


class Client:
    """One connection to an agent."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def say(self, number: int, content: bytes = b"") -> bytes:
        """Send a message and return the answer."""
        self.send((len(content) + 1).to_bytes(4, "big") + bytes([number]) + content)
        return self.hear()

    def hear(self) -> bytes:
        """Return the next answer; empty when the agent has closed the connection."""
        length = int.from_bytes(self._read(4), "big")
        return self._read(length)

    def blobs(self) -> list[bytes]:
        """The public keys that are offered."""
        answer = self.say(Ask.IDENTITIES)
        assert answer[0] == Tell.IDENTITIES
        reader = Reader(answer[1:])
        found = []
        for _ in range(reader.number()):
            found.append(reader.string())
            reader.string()
        reader.end()
        return found

    def sign(self, blob: bytes, data: bytes, flags: int = 2) -> bytes | None:
        """A signature, or None when it is refused."""
        answer = self.say(Ask.SIGN, string(blob) + string(data) + flags.to_bytes(4, "big"))
        if answer[0] == Tell.FAILURE:
            return None
        assert answer[0] == Tell.SIGNATURE
        reader = Reader(answer[1:])
        signature = reader.string()
        reader.end()
        return signature

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            if not part:
                return b""
            data += part
        return data


@contextlib.contextmanager
def speaking(path: Path) -> Iterator[Client]:
    """A connection for as long as a block lasts."""
    client = Client(path)
    with client.socket:
        yield client

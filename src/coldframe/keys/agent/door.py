"""The agent's socket: who may come in, and how a message is read without reading the private key that is in it."""

import logging
import os
import socket
import struct
import threading
from pathlib import Path
from typing import Final

from coldframe.keys.agent.agent import Agent
from coldframe.keys.agent.bindings import Bindings
from coldframe.keys.agent.messages import FAILURE, LONGEST, Ask
from coldframe.keys.errors import LoadingFailed
from coldframe.keys.loading import OpenFile

LOG: Final = logging.getLogger("coldframe.keys.agent")
_MOST: Final = 128
# A message that has begun is there in full within so many seconds; between messages a client may take its time.
_PATIENCE: Final = 20.0
_CREDENTIALS: Final = struct.Struct("3i")


class SocketTaken(Exception):
    """Another agent answers on this path, or something else lies there."""


class Door:
    """Listens on a path that only its owner can reach; each client has a thread."""

    def __init__(self, agent: Agent, path: Path) -> None:
        """Make the socket (mode 0600, in a folder that is made 0700 where it is missing); raises SocketTaken."""
        self._agent = agent
        self.path = path
        self._clients = threading.Semaphore(_MOST)
        self._listening = _listen(path)

    def serve(self) -> None:
        """Serve until `close`."""
        while True:
            # A client beyond the limit waits in the socket's queue.
            self._clients.acquire()
            try:
                client, _ = self._listening.accept()
            except OSError:
                self._clients.release()
                return
            threading.Thread(target=self._attend, args=(client,), name="agent-client", daemon=True).start()

    def close(self) -> None:
        """Stop listening and take the socket away."""
        self.path.unlink(missing_ok=True)
        # Closing alone would not wake a thread that waits in accept.
        try:
            self._listening.shutdown(socket.SHUT_RDWR)
        except OSError:
            LOG.debug("the socket was closed already")
        self._listening.close()

    def _attend(self, client: socket.socket) -> None:
        try:
            with client:
                if _uid(client) not in {os.geteuid(), 0}:
                    LOG.warning("a process of another user was turned away")
                    return
                self._converse(client)
        except (OSError, LoadingFailed) as problem:
            LOG.debug("a connection ended: %s", problem)
        finally:
            self._clients.release()

    def _converse(self, client: socket.socket) -> None:
        bindings = Bindings()
        while True:
            client.settimeout(None)
            first = client.recv(1)
            if not first:
                return
            client.settimeout(_PATIENCE)
            length = int.from_bytes(first + _read(client, 3), "big")
            if not 0 < length <= LONGEST:
                return
            number = _read(client, 1)
            if number[0] in {Ask.ADD, Ask.ADD_CONSTRAINED}:
                answer = self._add(client, length - 1, constrained=number[0] == Ask.ADD_CONSTRAINED)
            else:
                answer = self._agent.answer(number + _read(client, length - 1), bindings)
            client.sendall(len(answer).to_bytes(4, "big") + answer)

    def _add(self, client: socket.socket, length: int, *, constrained: bool) -> bytes:
        """Let the loading process read the rest of the message from the socket itself."""
        client.setblocking(True)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(_PATIENCE), 0))
        try:
            return self._agent.add(OpenFile(client.fileno(), length, message=True), constrained=constrained)
        except LoadingFailed as problem:
            LOG.warning("a key was not added: %s", problem)
            client.sendall(len(FAILURE).to_bytes(4, "big") + FAILURE)
            # What is left of the message, if anything, must not be taken for the next one.
            raise


def _read(client: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = client.recv(length - len(data))
        if not part:
            raise ConnectionError("the client went away in the middle of a message")
        data += part
    return bytes(data)


def _uid(client: socket.socket) -> int:
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(credentials)[1])


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_socket() and not _answers(path):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise SocketTaken(f"{path}: {error.strerror}") from error
    finally:
        os.umask(before)
    listening.listen(_MOST)
    return listening


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True

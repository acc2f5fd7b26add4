"""Closed-loop clients that send signed requests made beforehand, over connections kept open where the server does."""

import re
import selectors
import socket
import time
from typing import NamedTuple

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.servers import REGION, Server

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE).search
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE).search
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE).search


class Measured(NamedTuple):
    """Requests answered, seconds it took, the server's processor time in seconds, and each latency in ms."""

    requests: int
    seconds: float
    cpu: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_each(self) -> float:
        """Microseconds of the server's processor time a request."""
        return self.cpu / self.requests * 1e6


class Refused(RuntimeError):
    """The server answered something else than 200: the benchmark would measure errors."""


def signed(server: Server, service: str, headers: dict[str, str], body: bytes) -> bytes:
    """The bytes of a signed POST request; the signature holds for some minutes."""
    request = AWSRequest("POST", server.endpoint + "/", headers=headers, data=body)
    SigV4Auth(Credentials(server.access_key, server.secret_key), service, REGION).add_auth(request)
    lines = [
        f"{name}: {value}" for name, value in request.headers.items() if name.lower() != "content-length"
    ]
    lines += [f"Host: 127.0.0.1:{server.port}", f"Content-Length: {len(body)}"]
    return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + body


def run(server: Server, requests: list[bytes], seconds: float, most: int) -> Measured:
    """Have one connection for each of `requests` send it again and again, for so long or so many answers."""
    clients = [_Client(server.port, request) for request in requests]
    waiting = selectors.DefaultSelector()
    latencies: list[float] = []
    try:
        for client in clients:
            waiting.register(client.socket, selectors.EVENT_READ, client)
        used, begun = server.cpu_seconds(), time.perf_counter()
        for client in clients:
            client.sent_at = time.perf_counter()
            client.send()
        end, now, open_clients = begun + seconds, begun, len(clients)
        while open_clients:
            ready = waiting.select(30)
            if not ready:
                raise Refused(f"{server.name} did not answer for 30 s")
            for key, _ in ready:
                client = key.data
                complete = client.received()
                if client.closed:
                    waiting.unregister(key.fileobj)
                if complete:
                    now = time.perf_counter()
                    latencies.append((now - client.sent_at) * 1000)
                    if now >= end or len(latencies) >= most:
                        open_clients -= 1
                        continue
                    client.sent_at = time.perf_counter()
                if client.closed:
                    client.connect()
                    waiting.register(client.socket, selectors.EVENT_READ, client)
                if complete or client.unsent:
                    client.send()
        return Measured(len(latencies), now - begun, server.cpu_seconds() - used, latencies)
    finally:
        waiting.close()
        for client in clients:
            client.socket.close()


class _Client:
    """One connection; opened again when the server closes it (moto after every answer, ministack after 1,000)."""

    socket: socket.socket

    def __init__(self, port: int, request: bytes) -> None:
        self.sent_at = 0.0
        self.closed = False
        self.unsent = True
        self._port = port
        self._request = request
        self._answer = b""
        self.connect()

    def connect(self) -> None:
        if self.closed:
            self.socket.close()
        self.closed = False
        self.socket = socket.create_connection(("127.0.0.1", self._port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        self._answer = b""
        self.unsent = False
        self.socket.sendall(self._request)

    def received(self) -> bool:
        """Take what has come; True when the answer is whole."""
        try:
            part = self.socket.recv(262_144)
        except ConnectionResetError:
            part = b""
        if not part:
            if self._answer:
                raise Refused(f"the connection was closed after {self._answer[:300]!r}")
            self.closed = self.unsent = True
            return False
        self._answer += part
        head = self._answer.find(b"\r\n\r\n")
        if head < 0:
            return False
        if self._answer[9:12] != b"200":
            raise Refused(self._answer[:1000].decode(errors="replace"))
        length = _LENGTH(self._answer, 0, head)
        if length is not None:
            complete = len(self._answer) >= head + 4 + int(length[1])
        else:
            complete = _CHUNKED(self._answer, 0, head) is None or self._answer.endswith(b"0\r\n\r\n")
        self.closed = complete and _CLOSE(self._answer, 0, head) is not None
        return complete

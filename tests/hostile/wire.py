"""Bytes on the wire: signed requests of any body and header, and raw ones; answers as they came."""

import socket
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.journeys.process import ServerProcess

PATIENCE = 15.0


class Wire:
    """Sends what it is told to a server; a connection of its own for each request."""

    def __init__(self, server: ServerProcess) -> None:
        parts = urlsplit(server.address.endpoint)
        self.host, self.port = str(parts.hostname), int(parts.port or 0)
        self.key = Credentials(server.root.access_key_id, server.root.secret_access_key)

    def signed(
        self, service: str, body: bytes, headers: dict[str, str], *, at: datetime | None = None, path: str = "/",
        key: Credentials | None = None, region: str = "us-east-1", presign: int = 0, method: str = "POST",
    ) -> tuple[str, dict[str, str]]:  # fmt: skip
        """The path and headers of a signed request, as botocore signs; `at` is the signer's clock."""
        url = f"http://{self.host}:{self.port}{path}"
        request = AWSRequest(method, url, headers=headers, data=body)
        moment = (at or datetime.now(UTC)).replace(tzinfo=None)
        original = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: moment
        try:
            if presign:
                SigV4QueryAuth(key or self.key, service, region, expires=presign).add_auth(request)
            else:
                SigV4Auth(key or self.key, service, region).add_auth(request)
        finally:
            botocore.auth.get_current_datetime = original
        prepared = request.prepare()
        parts = urlsplit(prepared.url)
        sent = {name: _text(value) for name, value in prepared.headers.items()}
        sent.setdefault("Host", f"{self.host}:{self.port}")
        return parts.path + ("?" + parts.query if parts.query else ""), sent

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> "Answer":
        """Send a request whose Content-Length is right unless it is given."""
        lines = [f"{method} {path} HTTP/1.1"]
        lower = {name.lower() for name in headers}
        if "host" not in lower:
            lines.append(f"Host: {self.host}:{self.port}")
        if "content-length" not in lower and "transfer-encoding" not in lower:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "Connection: close"]).encode("utf-8", "surrogateescape") + b"\r\n\r\n"
        return self.raw(head + body)

    def call(self, service: str, body: bytes, headers: dict[str, str], **how: Any) -> "Answer":
        """Sign and send."""
        path, sent = self.signed(service, body, headers, **how)
        return self.send(how.get("method", "POST"), path, sent, body)

    def raw(self, sent: bytes, *, half_close: bool = False) -> "Answer":
        """Send bytes and read until the server closes."""
        with socket.create_connection((self.host, self.port), PATIENCE) as connection:
            try:
                connection.sendall(sent)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it answered before it had read all
            got = b""
            try:
                while chunk := connection.recv(65536):
                    got += chunk
            except ConnectionResetError:
                pass
        return Answer(got)


class Answer:
    """An HTTP answer; status 0 when the server closed without one."""

    def __init__(self, got: bytes) -> None:
        head, _, self.body = got.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if got else 0
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
        }

    @property
    def code(self) -> str:
        """The error code of either shape."""
        text = self.body.decode("utf-8", "replace")
        if "<Code>" in text:
            return text.partition("<Code>")[2].partition("</Code>")[0]
        return text.partition('"__type":"')[2].partition('"')[0].rpartition("#")[2]

    def __repr__(self) -> str:
        return f"{self.status} {self.headers} {self.body[:300]!r}"


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)

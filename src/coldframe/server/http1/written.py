"""The head of an answer as bytes."""

import time
from http import HTTPStatus
from typing import Final

from coldframe.core.wire import WireResponse

_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_BODILESS: Final = frozenset({204, 304})
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
END_OF_CHUNKS: Final = b"0\r\n\r\n"


class Dates:
    """The Date header of now; written once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        """Return the header line."""
        second = int(time.time())
        if second != self._second:
            text = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))
            # The line first: a thread that sees the new second has the new line.
            self._line = f"date: {text}\r\n".encode()
            self._second = second
        return self._line


def head(response: WireResponse, dates: Dates, *, method: str, keeps: bool, old: bool) -> bytes:
    """Return status line and headers of an answer, with the framing of its body.

    `keeps`: the connection stays open; `old`: the client speaks HTTP/1.0.
    """
    headers = response.headers
    status = response.status
    written = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if isinstance(response.body, bytes):
        if status not in _BODILESS and (method != "HEAD" or "content-length" not in headers):
            if "content-length" in headers:
                written = "".join(
                    [f"{name}: {value}\r\n" for name, value in headers.items() if name != "content-length"]
                )
            written += f"content-length: {len(response.body)}\r\n"
    elif "content-length" not in headers and not old:
        written += "transfer-encoding: chunked\r\n"
    if not keeps:
        if "connection" not in headers:
            written += "connection: close\r\n"
    elif old:
        written += "connection: keep-alive\r\n"
    line = _LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()
    return b"".join((line, written.encode(), dates.line(), b"\r\n"))


def body_of(response: WireResponse, method: str) -> bytes:
    """Return the bytes of body that are sent after the head."""
    body = response.body
    assert isinstance(body, bytes)
    return b"" if method == "HEAD" or response.status in _BODILESS else body

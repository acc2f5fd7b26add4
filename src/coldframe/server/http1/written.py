"""The head of an answer as bytes."""

import time
from http import HTTPStatus
from typing import Final

from coldframe.core.wire import WireResponse

_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
# As AWS spells them: some clients do not know that it says nothing. Names that are not here go out as they are.
_SPELLED: Final = {
    "accept-ranges": "Accept-Ranges",
    "allow": "Allow",
    "cache-control": "Cache-Control",
    "connection": "Connection",
    "content-disposition": "Content-Disposition",
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "content-length": "Content-Length",
    "content-range": "Content-Range",
    "content-type": "Content-Type",
    "etag": "ETag",
    "expires": "Expires",
    "last-modified": "Last-Modified",
    "location": "Location",
    "server": "Server",
    "transfer-encoding": "Transfer-Encoding",
    "vary": "Vary",
    "access-control-allow-credentials": "Access-Control-Allow-Credentials",
    "access-control-allow-headers": "Access-Control-Allow-Headers",
    "access-control-allow-methods": "Access-Control-Allow-Methods",
    "access-control-allow-origin": "Access-Control-Allow-Origin",
    "access-control-expose-headers": "Access-Control-Expose-Headers",
    "access-control-max-age": "Access-Control-Max-Age",
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
            self._line = f"Date: {text}\r\n".encode()
            self._second = second
        return self._line


def head(response: WireResponse, dates: Dates, *, method: str, keeps: bool, old: bool) -> bytes:
    """Return status line and headers of an answer, with the framing of its body.

    `keeps`: the connection stays open; `old`: the client speaks HTTP/1.0.
    """
    headers = response.headers
    status = response.status
    spelled = _SPELLED.get
    written = "".join([f"{spelled(name, name)}: {value}\r\n" for name, value in headers.items()])
    if isinstance(response.body, bytes):
        if status not in _BODILESS and (method != "HEAD" or "content-length" not in headers):
            if "content-length" in headers:
                written = "".join(
                    [
                        f"{spelled(name, name)}: {value}\r\n"
                        for name, value in headers.items()
                        if name != "content-length"
                    ]
                )
            written += f"Content-Length: {len(response.body)}\r\n"
    elif "content-length" not in headers and not old:
        written += "Transfer-Encoding: chunked\r\n"
    if not keeps:
        if "connection" not in headers:
            written += "Connection: close\r\n"
    elif old:
        written += "Connection: keep-alive\r\n"
    line = _LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()
    return b"".join((line, written.encode(errors="surrogateescape"), dates.line(), b"\r\n"))


def body_of(response: WireResponse, method: str) -> bytes:
    """Return the bytes of body that are sent after the head."""
    body = response.body
    assert isinstance(body, bytes)
    return b"" if method == "HEAD" or response.status in _BODILESS else body

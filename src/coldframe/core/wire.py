"""An HTTP request and answer as the gateway's steps hand them on, whichever server brought them."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class WireRequest:
    """A request: `path` and `query` are raw (still percent-encoded), header names are lower case.

    A header that came more than once is joined with commas, as RFC 9110 allows.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    secure: bool = False
    peer: str = "127.0.0.1"


@dataclass(slots=True)
class WireResponse:
    """An answer: `body` is all bytes at once, or an iterator of chunks for a stream."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterator[bytes] = b""

"""An HTTP request and answer as the gateway's steps hand them on, whichever server brought them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from coldframe.core.filling import Fill


@dataclass(slots=True)
class BodyStream:
    """A body that is read as it arrives, once; reading it raises ServiceFault where it breaks off or does not verify.

    `announced` names the trailing headers to come, in lower case; `trailers` holds them once the chunks have ended.
    With `fill` it can be read into the reader's memory instead of by `chunks`, never by both. `size` is how many bytes
    it has, where that was said.
    """

    chunks: Iterator[bytes]
    announced: tuple[str, ...] = ()
    trailers: dict[str, str] = field(default_factory=dict)
    fill: Fill | None = None
    size: int | None = None


@dataclass(slots=True)
class WireRequest:
    """A request: `path` and `query` are raw (still percent-encoded), header names are lower case.

    A header that came more than once is joined with commas, as RFC 9110 allows. A large body of an operation that
    streams is in `stream`, and `body` is empty then. `found` is for whoever serves it: what one look has found out,
    the next need not.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    secure: bool = False
    peer: str = "127.0.0.1"
    stream: BodyStream | None = None
    found: Any = None


@dataclass(slots=True)
class WireResponse:
    """An answer: `body` is all bytes at once, or an iterator of chunks for a stream."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterator[bytes] = b""


def latin(text: str) -> str:
    """Return the value of a header that goes out as ISO-8859-1, and not as UTF-8: each of its bytes as an escape."""
    return text if text.isascii() else text.encode("latin-1").decode("ascii", "surrogateescape")


def from_latin(text: str) -> str:
    """Return the text of a value that `latin` made."""
    return text if text.isascii() else text.encode("ascii", "surrogateescape").decode("latin-1")


def is_latin(text: str) -> bool:
    """Tell whether `latin` made a value."""
    return any("\udc80" <= one <= "\udcff" for one in text)

"""What is served, whichever listener brings the requests, and the answers that every listener gives by itself."""

import logging
import re
from typing import Final, Protocol

from coldframe.core.wire import WireRequest, WireResponse

# The memory that the bodies of all requests under way may take.
BODIES_BYTES: Final = 256 * 1024 * 1024
# How long the rest of a refused body is taken in, so that a client that sends before it reads learns why.
DROP_SECONDS: Final = 5.0
STOPPING: Final = "The server is stopping."
BROKEN_BODY: Final = "The body of the request ended early or its framing is broken."
STALLED_BODY: Final = "The body of the request stopped arriving."
NO_ROOM: Final = "The server holds as many large requests as it can; try again."
_LOG: Final = logging.getLogger(__name__)
# What RFC 9110 bars from a header's value: control characters but the tab.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search


class Application(Protocol):
    """What is served. `handle` may wait, everything else must not: it runs where sockets are read."""

    def streams(self, request: WireRequest) -> bool:
        """Whether `handle` takes the body of this request as a stream, told from its line and headers alone."""

    def body_limit(self, request: WireRequest) -> int:
        """The bytes of body this request may have, from its line and headers alone (its body is empty yet)."""

    def too_large(self, request: WireRequest) -> WireResponse:
        """The answer to a request whose body is larger than its limit (413 or the service's own); no body is read."""

    def inline(self, request: WireRequest) -> WireResponse | None:
        """The answer, if the call neither waits nor writes; None has `handle` called in a thread."""

    def handle(self, request: WireRequest) -> WireResponse:
        """The answer; may block. A body that is an iterator is streamed, and is closed when the client goes away.

        Such an iterator yields at least once a second, `b""` when there is nothing to send: between two chunks is
        where a client that has gone is noticed.
        """


def plain(status: int, text: str) -> WireResponse:
    """Answer with one sentence."""
    return WireResponse(status, {"content-type": "text/plain"}, text.encode() + b"\n")


def broken(method: str, path: str) -> WireResponse:
    """Answer a request whose handling raised: the caller learns nothing of the inside, and the log does."""
    _LOG.exception("A request failed: %s %s", method, path)
    return plain(500, "Internal server error.")


def check_headers(response: WireResponse) -> None:
    """Raise ValueError for a value with a line break: it would be headers, or an answer, of somebody else's making."""
    if _CONTROL("".join(response.headers.values())):
        name = next(name for name, value in response.headers.items() if _CONTROL(value))
        raise ValueError(f"The answer's header {name} holds a control character.")

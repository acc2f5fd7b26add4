"""Server-sent events: what a page hears while it is open."""

import json
from collections.abc import Iterator
from typing import Any

from coldframe.core.wire import WireResponse


def events(source: Iterator[tuple[str, Any]]) -> WireResponse:
    """Send (name, value) pairs as server-sent events; a pair with an empty name only shows that the line is open."""
    return WireResponse(
        200, {"content-type": "text/event-stream", "cache-control": "no-store"}, _lines(source)
    )


def _lines(source: Iterator[tuple[str, Any]]) -> Iterator[bytes]:
    yield b"retry: 2000\n\n"
    for name, value in source:
        if not name:
            yield b": \n\n"
        else:
            yield f"event: {name}\ndata: {json.dumps(value, default=str)}\n\n".encode()

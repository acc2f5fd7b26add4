"""The endpoints that are coldframe's own: health for monitors, reset for test suites in dev mode."""

from collections.abc import Callable
from typing import Any

import msgspec

from coldframe import __version__
from coldframe.core.wire import WireRequest, WireResponse

PREFIX = "/_coldframe/"


class Control:
    """Answers /_coldframe/health and, in dev mode alone, /_coldframe/reset."""

    def __init__(self, health: Callable[[], dict[str, Any]], reset: Callable[[], None] | None) -> None:
        self._health = health
        self._reset = reset

    def answer(self, request: WireRequest) -> WireResponse:
        """Answer a request whose path begins with PREFIX."""
        name = request.path.removeprefix(PREFIX)
        if name == "health":
            return _json(200, {"version": __version__, **self._health()})
        if name == "reset" and self._reset is not None:
            if request.method != "POST":
                return _json(405, {"message": "reset takes POST"})
            self._reset()
            return _json(200, {"status": "empty"})
        if name == "reset":
            return _json(403, {"message": "reset is there in dev mode only: coldframe up --dev"})
        return _json(404, {"message": f"there is no {request.path}; try {PREFIX}health"})


def _json(status: int, body: dict[str, Any]) -> WireResponse:
    return WireResponse(status, {"content-type": "application/json"}, msgspec.json.encode(body))

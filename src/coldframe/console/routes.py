"""From a path to the function that answers it: `/console/logs/{group}` and the like."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import unquote

from coldframe.console.visit import Visit
from coldframe.core.wire import WireResponse

Page = Callable[[Visit], WireResponse]
_PART = re.compile(r"\{(\w+)\}")


class Route(NamedTuple):
    """A method and a path with named parts (a part matches up to the next slash), and the page behind them."""

    method: str
    path: str
    page: Page


class Found(NamedTuple):
    """The page of a path and its parts, decoded; `page` is None when the path is there with another method."""

    page: Page | None
    parts: dict[str, str]


class Routes:
    """All pages; the first route that fits is taken."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [
            (route, re.compile(_PART.sub(r"(?P<\1>[^/]+)", route.path) + r"\Z")) for route in routes
        ]

    def find(self, method: str, path: str) -> Found | None:
        """Return what answers a path that is still percent-encoded; None when there is no such page."""
        other = None
        for route, pattern in self._routes:
            match = pattern.match(path)
            if match is None:
                continue
            parts = {name: unquote(value) for name, value in match.groupdict().items()}
            if route.method == method or (method == "HEAD" and route.method == "GET"):
                return Found(route.page, parts)
            other = Found(None, parts)
        return other

"""The files that pages load: style, scripts and the chart library, under addresses that change with their content."""

import hashlib
from functools import cache
from importlib import resources
from typing import Final

from coldframe.core.wire import WireResponse

PREFIX: Final = "/console/static/"
_KINDS: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}


@cache
def address(name: str) -> str:
    """Return the address of a file; a changed file has another one, so that browsers may keep it for ever."""
    return f"{PREFIX}{hashlib.sha256(_files()[name]).hexdigest()[:12]}/{name}"


def find(path: str) -> WireResponse | None:
    """Answer a request for a static file; None when the path is none."""
    if not path.startswith(PREFIX):
        return None
    name = path.removeprefix(PREFIX).partition("/")[2]
    if name not in _files():
        return WireResponse(404, {"content-type": "text/plain; charset=utf-8"}, b"There is no such file.\n")
    kind = _KINDS[name.rpartition(".")[2]]
    keep = "public, max-age=31536000, immutable" if path == address(name) else "no-cache"
    return WireResponse(200, {"content-type": kind, "cache-control": keep}, _files()[name])


@cache
def _files() -> dict[str, bytes]:
    folder = resources.files("coldframe.console").joinpath("static")
    return {
        file.name: file.read_bytes()
        for file in folder.iterdir()
        if file.name.rpartition(".")[2] in _KINDS and file.is_file()
    }

"""Tells requests for the console from others, and loads the console when the first of them comes."""

from typing import TYPE_CHECKING, Final

from coldframe.core.wire import WireRequest, WireResponse
from coldframe.server.assembly import Assembly

if TYPE_CHECKING:
    from coldframe.console.visiting import Visiting

PREFIX: Final = "/console"


class Console:
    """Answers every request whose path is /console or begins with /console/ (a server.application.Pages)."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._loaded: Visiting | None = None

    def handles(self, request: WireRequest) -> bool:
        """Tell whether a request is for the console: a bucket of that name is asked for with a signature."""
        path, headers = request.path, request.headers
        if path != PREFIX and not path.startswith(PREFIX + "/"):
            return False
        return not ("authorization" in headers or "x-amz-target" in headers or "Signature=" in request.query)

    def answer(self, request: WireRequest) -> WireResponse:
        """Answer a request; may block."""
        return (self._loaded or self._load()).answer(request)

    def _load(self) -> "Visiting":
        """Load pages and templates, which a server that nobody looks at does not need."""
        with self._assembly.installation.parts.loading:
            from coldframe.console.visiting import Visiting

            if self._loaded is None:
                self._loaded = Visiting(self._assembly)
            return self._loaded

"""What the listener serves: the gateway, and coldframe's own endpoints beside it."""

from typing import Protocol

from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.app import Gateway
from coldframe.server.control import PREFIX, Control
from coldframe.services.sns.signing import CERTIFICATES, Signer


class Pages(Protocol):
    """Web pages that are served beside the API."""

    def handles(self, request: WireRequest) -> bool:
        """Tell from its line and headers whether a request is for a page; must not wait."""

    def answer(self, request: WireRequest) -> WireResponse:
        """Answer a request for a page; called in a thread."""


class Application:
    """Tells coldframe's own paths from AWS requests; the rest is the gateway's."""

    def __init__(self, gateway: Gateway, control: Control, pages: Pages | None = None) -> None:
        self._gateway = gateway
        self._control = control
        self._pages = pages
        self.body_limit = gateway.body_limit
        self.too_large = gateway.too_large
        self.streams = gateway.streams

    def inline(self, request: WireRequest) -> WireResponse | None:
        """Answer at once what neither waits nor writes."""
        if request.path.startswith(PREFIX) or self._gateway.is_for_site(request) or self._is_page(request):
            return None
        return self._gateway.inline(request)

    def handle(self, request: WireRequest) -> WireResponse:
        """Answer any request; called in a thread."""
        # A site has its host to itself: no path of it is the server's own.
        if self._gateway.is_for_site(request):
            return self._gateway.handle(request)
        if request.path.startswith(PREFIX):
            return self._control.answer(request)
        if request.path.startswith(CERTIFICATES) and request.method == "GET":
            return self._certificate(request.path)
        if self._pages is not None and self._pages.handles(request):
            return self._pages.answer(request)
        return self._gateway.handle(request)

    def _is_page(self, request: WireRequest) -> bool:
        return self._pages is not None and self._pages.handles(request)

    def _certificate(self, path: str) -> WireResponse:
        """Answer with the certificate that verifies what SNS signs, as AWS does without a signature."""
        signer = self._gateway.installation.parts.get(Signer)
        if path != signer.path:
            return WireResponse(404, {"content-type": "text/plain"}, b"There is no such certificate.\n")
        return WireResponse(200, {"content-type": "application/x-pem-file"}, signer.certificate)

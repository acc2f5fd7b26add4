"""What the listener serves: the gateway, and coldframe's own endpoints beside it."""

from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.app import Gateway
from coldframe.server.control import PREFIX, Control


class Application:
    """Tells coldframe's own paths from AWS requests; the rest is the gateway's."""

    def __init__(self, gateway: Gateway, control: Control) -> None:
        self._gateway = gateway
        self._control = control
        self.body_limit = gateway.body_limit
        self.too_large = gateway.too_large
        self.streams = gateway.streams

    def inline(self, request: WireRequest) -> WireResponse | None:
        """Answer at once what neither waits nor writes."""
        if request.path.startswith(PREFIX):
            return None
        return self._gateway.inline(request)

    def handle(self, request: WireRequest) -> WireResponse:
        """Answer any request; called in a thread."""
        if request.path.startswith(PREFIX):
            return self._control.answer(request)
        return self._gateway.handle(request)

"""One request on its way through the steps: what is known of it so far."""

from typing import Any

from botocore.model import OperationModel

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.installation import Installation
from coldframe.core.service import Service
from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols.protocol import Protocol
from coldframe.gateway.route import Route
from coldframe.identity.caller import Caller


class Exchange:
    """A request, the service and operation it means, and what each step adds.

    `request` is as it was sent, which is what its signature covers; `routed` is the one to parse.
    """

    __slots__ = (
        "call",
        "inside",
        "installation",
        "operation",
        "parameters",
        "principal",
        "protocol",
        "region",
        "request",
        "request_id",
        "result",
        "routed",
        "service",
        "via",
    )

    def __init__(
        self,
        installation: Installation,
        service: Service,
        route: Route,
        request: WireRequest,
    ) -> None:
        self.installation = installation
        self.service = service
        self.operation: OperationModel = route.operation
        self.protocol: Protocol = route.protocol
        self.request = request
        self.routed = route.request
        self.request_id = ids.uuid()
        self.region = installation.settings.region
        self.principal: Caller | None = None
        self.inside = False
        self.via = ""
        self.parameters: dict[str, Any] = {}
        self.call: Call | None = None
        self.result: Any = None

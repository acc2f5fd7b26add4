"""REST-JSON: an HTTP method and path per operation, JSON documents as bodies."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.protocols import fault_shapes
from coldframe.gateway.protocols.http_binding import ResponseHead
from coldframe.gateway.protocols.json_body import JsonBodies
from coldframe.gateway.protocols.protocol import Params
from coldframe.gateway.protocols.rest import Plans
from coldframe.gateway.protocols.shapes import Shape


class RestJsonBodies(JsonBodies):
    """JSON documents that are a whole structure or one payload member of it."""

    bad_value = "SerializationException"

    def input_reader(self, shape: Shape, payload: str | None) -> Callable[[bytes], Mapping[str, Any]]:
        """Make the reader of a body."""
        return self.reader(shape.members[payload] if payload else shape)

    def output_writer(self, shape: Shape, payload: str | None) -> Callable[[Any], bytes]:
        """Make the writer of a body."""
        return self.writer(shape.members[payload] if payload else shape)


class RestJson:
    """Protocol `rest-json`."""

    name = "rest-json"

    def __init__(self, service: ServiceModel) -> None:
        self._bodies = RestJsonBodies(service)
        self._plans = Plans(self._bodies)

    def parse(self, operation: OperationModel, request: WireRequest) -> Params:
        """Read path, query string, headers and body; SerializationException for what does not fit."""
        return self._plans.parse(operation, request)

    def answer(self, operation: OperationModel, result: Mapping[str, Any], request_id: str) -> WireResponse:
        """Write status, headers and body of a result."""
        response = self._plans.answer(operation, result)
        response.headers["x-amzn-requestid"] = request_id
        return response

    def fault(
        self, service: ServiceModel, operation: OperationModel | None, fault: ServiceFault, request_id: str
    ) -> WireResponse:
        """Write `x-amzn-errortype` and the members of the fault's shape."""
        wire = fault_shapes.resolve(service, operation, fault, "json")
        _, bound = ResponseHead(wire.shape).write(wire.members, wire.status)
        headers = {
            "content-type": "application/json",
            "x-amzn-requestid": request_id,
            "x-amzn-errortype": wire.code,
        }
        headers |= {key.lower(): value for key, value in bound.items()}
        return WireResponse(wire.status, headers, self._bodies.fault(wire, {}))

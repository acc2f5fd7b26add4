"""What the RPC protocols share: one document each way, whose format is all that tells JSON from CBOR."""

from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any

from botocore.model import OperationModel, ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.protocols import event_stream, fault_shapes
from coldframe.gateway.protocols.protocol import Params
from coldframe.gateway.protocols.shapes import PerOperation

# Faults of the former query services that no model has: their names beside the code in the header.
_FORMER = {
    "InvalidParameterValue": "InvalidParameterValueException",
    "MissingParameter": "MissingRequiredParameterException",
}


def query_error(service: ServiceModel, fault: fault_shapes.WireFault) -> dict[str, str]:
    """Make the header that carries the code which clients of the former query protocol know."""
    if not service.is_query_compatible:
        return {}
    code = "AccessDenied" if fault.name == "AccessDeniedException" else fault.code
    return {"x-amzn-query-error": f"{code};{'Sender' if fault.sender else 'Receiver'}"}


def rpc_status(service: ServiceModel, wire: fault_shapes.WireFault) -> int:
    """Choose the HTTP status: RPC services deny with 400; those that were query services keep each fault's own.

    SQS and CloudWatch were seen to answer so, although the cases of the protocol have 400 for every sender's fault.
    """
    if service.is_query_compatible and wire.shape is not None:
        return wire.status
    return 400 if wire.status == 403 else wire.status


class RpcProtocol:
    """A request is one document; so is the answer, unless a member of it is an event stream.

    `bodies` reads and writes documents; `headers` stand on every answer beside its request id.
    """

    def __init__(self, bodies: Any, headers: Mapping[str, str]) -> None:
        self._bodies = bodies
        self._headers = dict(headers)
        lock = RLock()
        self._readers = PerOperation(self._reader, lock)
        self._writers = PerOperation(self._writer, lock)
        self._streams = PerOperation(lambda operation: event_stream.Writer(operation, self._bodies), lock)

    def _reader(self, operation: OperationModel) -> Callable[[bytes], Params]:
        shape = operation.input_shape
        return self._bodies.reader(shape) if shape else lambda _: Params({})

    def _writer(self, operation: OperationModel) -> Callable[[Any], bytes]:
        shape = operation.output_shape
        return self._bodies.writer(shape) if shape else lambda _: b""

    def parse(self, operation: OperationModel, request: WireRequest) -> Params:
        """Decode the body; SerializationException when it is no document of the input's shape."""
        return self._readers[operation](request.body)

    def answer(self, operation: OperationModel, result: Mapping[str, Any], request_id: str) -> WireResponse:
        """Encode the result, or start its event stream with the other members as initial-response."""
        headers = self._named(request_id)
        if not operation.has_event_stream_output:
            return WireResponse(200, headers, self._writers[operation](result))
        headers["content-type"] = event_stream.CONTENT_TYPE
        initial = self._writers[operation](result)
        return WireResponse(200, headers, self._streams[operation].frames(result, initial=initial))

    def fault(
        self, service: ServiceModel, operation: OperationModel | None, fault: ServiceFault, request_id: str
    ) -> WireResponse:
        """Write `__type` and the members of the fault's shape."""
        wire = fault_shapes.resolve(service, operation, fault, "json")
        status = rpc_status(service, wire)
        name = _FORMER.get(wire.name, wire.name) if service.is_query_compatible else wire.code
        body = self._bodies.fault(wire, {"__type": name})
        return WireResponse(status, self._named(request_id) | query_error(service, wire), body)

    def _named(self, request_id: str) -> dict[str, str]:
        return {**self._headers, "x-amzn-requestid": request_id}

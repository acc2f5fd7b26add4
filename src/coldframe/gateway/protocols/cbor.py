"""Smithy RPC v2 CBOR: the operation in the path, one CBOR map each way."""

from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any

import cbor2
import msgspec
from botocore.model import OperationModel, ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.protocols import event_stream, fault_shapes, timestamps
from coldframe.gateway.protocols.aws_json import query_error, rpc_status
from coldframe.gateway.protocols.json_body import Members, Walks, body_members, malformed
from coldframe.gateway.protocols.protocol import MAX_DEPTH, Params
from coldframe.gateway.protocols.shapes import PerOperation, Shape
from coldframe.gateway.protocols.typed import Types, decode_hook


class CborWalks(Walks):
    """CBOR has timestamps (tag 1), bytes and every float of its own, so little is left to convert."""

    def of(self, shape: Shape) -> Callable[[Any], Any] | None:
        """Make the conversion of a shape; None where the value is already what it has to be."""
        if shape.type_name in {"float", "double"} and not shape.metadata.get("document"):
            return None if self._reading else float
        if shape.type_name == "timestamp" and not self._reading:
            return _write_timestamp
        return super().of(shape)


def _write_timestamp(value: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(1, timestamps.to_epoch(value))


class CborBodies:
    """The CBOR documents of one service; encoders and decoders are made once per shape."""

    content_type = "application/cbor"

    def __init__(self, service: ServiceModel) -> None:
        self._types = Types(service, strict=False, text_floats=False)
        self._readers = CborWalks(reading=True)
        self._writers = CborWalks(reading=False)

    def reader(self, shape: Shape) -> Callable[[bytes], Params]:
        """Make the function that decodes a document of this shape."""
        members = body_members(shape)
        kind = self._types.body(shape.name, members, [])
        walk = self._readers.structure(members)

        def read(body: bytes) -> Params:
            if not body:
                return Params({})
            try:
                raw = cbor2.loads(body, max_depth=MAX_DEPTH, allow_duplicate_keys=False)
                if raw is None:
                    return Params({})
                return Params(walk(msgspec.convert(raw, kind, builtin_types=(bytes,), dec_hook=decode_hook)))
            except (
                cbor2.CBORError,
                ValueError,
                TypeError,
                RecursionError,
                OverflowError,
                MemoryError,
            ) as error:
                raise malformed(error) from error

        return read

    def writer(self, shape: Shape, members: Members | None = None) -> Callable[[Any], bytes]:
        """Make the function that encodes a value of this shape (of these members of it)."""
        if shape.type_name != "structure":
            walk = self._writers.of(shape) or (lambda value: value)
        else:
            walk = self._writers.structure(body_members(shape) if members is None else members)
        return lambda value: cbor2.dumps(walk(value))

    def fault(self, wire: fault_shapes.WireFault, head: Mapping[str, Any]) -> bytes:
        """Encode a fault's members after those of the head."""
        members = fault_shapes.values(wire)
        if wire.shape is not None:
            members = self._writers.structure(body_members(wire.shape))(members)
        return cbor2.dumps({**head, **fault_shapes.with_message(members, wire)})


class RpcV2Cbor:
    """Protocol `smithy-rpc-v2-cbor`."""

    name = "smithy-rpc-v2-cbor"

    def __init__(self, service: ServiceModel) -> None:
        self._bodies = CborBodies(service)
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
        headers = self._headers(request_id)
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
        name = wire.name if service.is_query_compatible else wire.code
        body = self._bodies.fault(wire, {"__type": name})
        return WireResponse(status, self._headers(request_id) | query_error(service, wire), body)

    def _headers(self, request_id: str) -> dict[str, str]:
        return {
            "content-type": "application/cbor",
            "smithy-protocol": "rpc-v2-cbor",
            "x-amzn-requestid": request_id,
        }

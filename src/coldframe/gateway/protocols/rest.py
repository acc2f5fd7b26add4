"""What the two REST protocols share: the plan of an operation's request and answer, payload members, streams."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any
from typing import Protocol as TypingProtocol

from botocore.model import OperationModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.protocols import event_stream
from coldframe.gateway.protocols.http_binding import RequestHead, ResponseHead
from coldframe.gateway.protocols.json_body import body_members
from coldframe.gateway.protocols.protocol import Params
from coldframe.gateway.protocols.shapes import PerOperation, Shape

Body = bytes | Iterator[bytes]


class RestBodies(event_stream.Bodies, TypingProtocol):
    """What a REST protocol says of its documents."""

    bad_value: str

    def input_reader(self, shape: Shape, payload: str | None) -> Callable[[bytes], Mapping[str, Any]]:
        """Make the reader of a body: the whole structure, or the one payload member of it."""
        ...

    def output_writer(self, shape: Shape, payload: str | None) -> Callable[[Any], bytes]:
        """Make the writer of a body: the whole structure, or the one payload member of it."""
        ...


@dataclass(slots=True)
class Reading:
    """How one operation's request is read: the bound members, then the body under `payload` or merged in."""

    head: RequestHead
    payload: str | None
    body: Callable[[bytes], Any] | None
    bare: bool


@dataclass(slots=True)
class Writing:
    """How one operation's result is written."""

    head: ResponseHead
    status: int
    content_type: str
    body: Callable[[Mapping[str, Any]], Body]


class Plans:
    """The plans of one service's operations, made when an operation is first used."""

    def __init__(self, bodies: RestBodies) -> None:
        self._bodies = bodies
        lock = RLock()
        self._readings = PerOperation(self._reading, lock)
        self._writings = PerOperation(self._writing, lock)

    def parse(self, operation: OperationModel, request: WireRequest) -> Params:
        """Read the bound members and the body."""
        plan = self._readings[operation]
        values = plan.head.read(request)
        if plan.body is None:
            return Params(values)
        if request.stream is not None and plan.payload is not None:
            values[plan.payload] = request.stream
            return Params(values)
        body = plan.body(request.body)
        if plan.payload is None:
            return Params({**values, **body}, checked=plan.bare and getattr(body, "checked", False))
        if body is not None:
            values[plan.payload] = body
        return Params(values)

    def _reading(self, operation: OperationModel) -> Reading:
        head, shape = RequestHead(operation, self._bodies.bad_value), operation.input_shape
        if shape is None:
            return Reading(head, None, None, bare=True)
        payload = shape.serialization.get("payload")
        if payload is None:
            members = body_members(shape)
            read = self._bodies.input_reader(shape, None) if members else None
            return Reading(head, None, read, bare=len(members) == len(shape.members))
        return Reading(head, payload, self._payload_reader(shape, payload), bare=False)

    def _payload_reader(self, shape: Shape, payload: str) -> Callable[[bytes], Any]:
        member = shape.members[payload]
        required = payload in shape.required_members
        if member.type_name == "blob":
            return lambda body: body if body or required or member.serialization.get("streaming") else None
        if member.type_name == "string":
            return lambda body: _text(body, self._bodies.bad_value) if body else None
        read = self._bodies.input_reader(shape, payload)
        return lambda body: read(body) if body else None

    def answer(self, operation: OperationModel, result: Mapping[str, Any]) -> WireResponse:
        """Write head and body of a result."""
        plan = self._writings[operation]
        # Where boto3 tells the status of an answer a handler may say it, if it is not always the same, and headers
        # that the model has no member for.
        told: Mapping[str, Any] = result.get("ResponseMetadata", {})
        status, bound = plan.head.write(result, told.get("HTTPStatusCode", plan.status))
        bound |= told.get("HTTPHeaders", {})
        body = plan.body(result)
        headers = {"content-type": plan.content_type} if body else {}
        return WireResponse(status, headers | {key.lower(): value for key, value in bound.items()}, body)

    def _writing(self, operation: OperationModel) -> Writing:
        shape = operation.output_shape
        head, status = ResponseHead(shape), int(operation.http.get("responseCode", 200))
        kind = self._bodies.content_type
        if shape is None:
            return Writing(head, status, kind, lambda _: b"")
        if shape.event_stream_name:
            stream = event_stream.Writer(operation, self._bodies)
            return Writing(head, status, event_stream.CONTENT_TYPE, stream.frames)
        payload = shape.serialization.get("payload")
        if payload is None:
            write = self._bodies.output_writer(shape, None)
            return Writing(head, status, kind, write)
        member = shape.members[payload]
        if member.type_name in {"blob", "string"}:
            kind = "application/octet-stream" if member.type_name == "blob" else "text/plain"
            return Writing(head, status, kind, lambda result: _raw(result.get(payload)))
        write = self._bodies.output_writer(shape, payload)
        return Writing(
            head, status, kind, lambda result: b"" if result.get(payload) is None else write(result[payload])
        )


def _text(body: bytes, code: str) -> str:
    try:
        return body.decode()
    except UnicodeError as error:
        raise ServiceFault(code, "The body is not UTF-8 text", status=400) from error


def _raw(value: Any) -> Body:
    """Pass on a payload: bytes, text, a readable stream (in chunks) or an iterator of bytes."""
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if hasattr(value, "read"):
        chunks: Iterator[bytes] = iter(lambda: value.read(65_536), b"")
        return chunks
    rest: Iterator[bytes] = iter(value)
    return rest

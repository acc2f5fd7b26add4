"""Event streams: AWS's framing (prelude, headers, payload, two CRCs) both ways, and a result's events as frames."""

import binascii
import struct
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any
from typing import Protocol as TypingProtocol

from botocore.model import OperationModel

from coldframe.core.faults import InternalFailure, ServiceFault
from coldframe.gateway.protocols import timestamps
from coldframe.gateway.protocols.shapes import Shape

CONTENT_TYPE = "application/vnd.amazon.eventstream"
MAX_FRAME = 24 * 1024 * 1024
MAX_HEADERS = 128 * 1024
Headers = dict[str, Any]
_NUMBERS = {2: (">b", 1), 3: (">h", 2), 4: (">i", 4), 5: (">q", 8)}


class Bodies(TypingProtocol):
    """What an event stream needs of its protocol: how payloads are written and what they are called."""

    content_type: str

    def writer(self, shape: Shape, members: dict[str, Shape] | None = None) -> Callable[[Any], bytes]:
        """Make the encoder of a payload."""
        ...


def encode_frame(headers: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """Write one frame; header values are bool, int, bytes, str or datetime."""
    head = b"".join(_encode_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    frame = prelude + struct.pack(">I", binascii.crc32(prelude)) + head + payload
    return frame + struct.pack(">I", binascii.crc32(frame))


def _encode_header(name: str, value: Any) -> bytes:
    raw = name.encode()
    start = struct.pack(">B", len(raw)) + raw
    if isinstance(value, bool):
        return start + (b"\x00" if value else b"\x01")
    if isinstance(value, int):
        return start + (
            struct.pack(">Bi", 4, value) if -(2**31) <= value < 2**31 else struct.pack(">Bq", 5, value)
        )
    if isinstance(value, bytes):
        return start + struct.pack(">BH", 6, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return start + struct.pack(">BH", 7, len(text)) + text
    return start + struct.pack(">Bq", 8, round(timestamps.to_epoch(value) * 1000))


class FrameDecoder:
    """Cuts arriving bytes into frames, with bounds and both checksums checked before anything is used."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Headers, bytes]]:
        """Take bytes and give each frame that is whole; SerializationException for a broken one."""
        self._buffer += data
        while len(self._buffer) >= 12:
            total, head = self._prelude()
            if len(self._buffer) < total:
                return
            frame = bytes(self._buffer[:total])
            del self._buffer[:total]
            if binascii.crc32(frame[:-4]) != int.from_bytes(frame[-4:], "big"):
                raise _broken("the checksum of a frame is wrong")
            yield _decode_headers(frame[12 : 12 + head]), frame[12 + head : -4]

    def _prelude(self) -> tuple[int, int]:
        total, head, crc = struct.unpack_from(">III", self._buffer)
        if crc != binascii.crc32(bytes(self._buffer[:8])):
            raise _broken("the checksum of a prelude is wrong")
        if not 16 <= total <= MAX_FRAME or head > min(MAX_HEADERS, total - 16):
            raise _broken("a frame gives an impossible length")
        return total, head


def _broken(what: str) -> ServiceFault:
    return ServiceFault("SerializationException", f"The event stream is malformed: {what}", status=400)


def _decode_headers(data: bytes) -> Headers:
    headers: Headers = {}
    at = 0
    try:
        while at < len(data):
            length = data[at]
            name = data[at + 1 : at + 1 + length].decode()
            kind = data[at + 1 + length]
            headers[name], at = _decode_value(kind, data, at + 2 + length)
    except (IndexError, UnicodeError, struct.error, OverflowError, ValueError) as error:
        raise _broken("a header cannot be read") from error
    if at != len(data):
        raise _broken("a header is cut off")
    return headers


def _decode_value(kind: int, data: bytes, at: int) -> tuple[Any, int]:
    if kind in {0, 1}:
        return kind == 0, at
    if kind in _NUMBERS:
        layout, size = _NUMBERS[kind]
        return struct.unpack_from(layout, data, at)[0], at + size
    if kind == 8:
        return timestamps.parse(struct.unpack_from(">q", data, at)[0] / 1000), at + 8
    if kind == 9:
        return data[at : at + 16].hex(), at + 16
    if kind not in {6, 7}:
        raise ValueError("unknown type")
    end = at + 2 + struct.unpack_from(">H", data, at)[0]
    if end > len(data):
        raise ValueError("cut off")
    raw = data[at + 2 : end]
    return (raw if kind == 6 else raw.decode()), end


class Writer:
    """The event stream of one operation's result: each event of the iterator as one frame."""

    def __init__(self, operation: OperationModel, bodies: Bodies) -> None:
        self._bodies = bodies
        output: Shape = operation.output_shape
        self._member: str = output.event_stream_name
        stream: Shape = output.members[self._member]
        self._events = {name: self._event(name, shape) for name, shape in stream.members.items()}
        self._faults = {
            shape.name: name for name, shape in stream.members.items() if shape.metadata.get("exception")
        }

    def frames(self, result: Mapping[str, Any], initial: bytes | None = None) -> Iterator[bytes]:
        """Write the events as they come; a fault raised between them ends the stream as an exception frame."""
        if initial is not None:
            yield encode_frame(_event_headers("initial-response", self._bodies.content_type), initial)
        events: Iterable[Mapping[str, Any]] = result.get(self._member) or ()
        try:
            for event in events:
                for name, value in event.items():
                    yield self._events[name](value)
        except ServiceFault as fault:
            yield self._fault(fault)
        except Exception:
            yield self._fault(InternalFailure("The stream broke off."))
            raise
        finally:
            # Here and now, and not whenever garbage is collected: what a stream has opened ends with its reader.
            if isinstance(events, Generator):
                events.close()

    def _fault(self, fault: ServiceFault) -> bytes:
        name = self._faults.get(fault.code, fault.code)
        if name in self._events:
            return self._events[name]({"message": fault.message, "Message": fault.message, **fault.members})
        return encode_frame(
            {":message-type": "error", ":error-code": fault.code, ":error-message": fault.message}
        )

    def _event(self, name: str, shape: Shape) -> Callable[[Mapping[str, Any]], bytes]:
        members = shape.members
        heads = [key for key, member in members.items() if member.serialization.get("eventheader")]
        payload = next(
            (key for key, member in members.items() if member.serialization.get("eventpayload")), None
        )
        rest = {key: member for key, member in members.items() if key not in heads}
        kind = members[payload].type_name if payload else "structure"
        content_type = {"blob": "application/octet-stream", "string": "text/plain"}.get(
            kind, self._bodies.content_type
        )
        write: Callable[[Any], bytes] = bytes  # a blob or a string is its own payload
        if kind == "structure":
            write = self._bodies.writer(members[payload]) if payload else self._bodies.writer(shape, rest)
        start = _event_headers(name, content_type)
        if shape.metadata.get("exception"):
            start = {":message-type": "exception", ":exception-type": name, ":content-type": content_type}

        def frame(value: Mapping[str, Any]) -> bytes:
            headers = start | {key: value[key] for key in heads if value.get(key) is not None}
            if payload is None:
                return encode_frame(headers, write(value) if rest else b"")
            body = value.get(payload)
            if kind in {"blob", "string"}:
                return encode_frame(headers, body.encode() if isinstance(body, str) else body or b"")
            return encode_frame(headers, write(body or {}))

        return frame


def _event_headers(name: str, content_type: str) -> dict[str, Any]:
    return {":message-type": "event", ":event-type": name, ":content-type": content_type}

"""Smithy RPC v2 CBOR: the operation in the path, one CBOR map each way."""

from collections.abc import Callable, Mapping
from typing import Any

import cbor2
import msgspec
from botocore.model import ServiceModel

from coldframe.core.struct_types import whole
from coldframe.gateway.protocols import cbor_columns, fault_shapes, timestamps
from coldframe.gateway.protocols.json_body import Members, Walks, body_members, malformed
from coldframe.gateway.protocols.protocol import MAX_DEPTH, Params
from coldframe.gateway.protocols.rpc import RpcProtocol
from coldframe.gateway.protocols.shapes import Shape
from coldframe.gateway.protocols.typed import Types, decode_hook


class CborWalks(Walks):
    """CBOR has timestamps (tag 1), bytes and every float of its own, so little is left to convert."""

    def of(self, shape: Shape) -> Callable[[Any], Any] | None:
        """Make the conversion of a shape; None where the value is already what it has to be."""
        if shape.type_name in {"float", "double"} and not shape.metadata.get("document"):
            return None if self._reading else float
        if shape.type_name == "timestamp" and not self._reading:
            return _write_timestamp
        if shape.type_name == "list" and not self._reading:
            whole = cbor_columns.WRITERS.get(shape.member.type_name)
            if whole is not None:
                one = self._list(self.of(shape.member)) or list
                return lambda items: whole(items) or one(items)
        return super().of(shape)


def _write_timestamp(value: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(1, timestamps.to_epoch(value))


class CborBodies:
    """The CBOR documents of one service; encoders and decoders are made once per shape."""

    content_type = "application/cbor"

    def __init__(self, service: ServiceModel) -> None:
        self._strict = Types(service, strict=True, text_floats=False)
        self._lax = Types(service, strict=False, text_floats=False)
        self._readers = CborWalks(reading=True)
        self._writers = CborWalks(reading=False)

    def reader(self, shape: Shape) -> Callable[[bytes], Params]:
        """Make the function that decodes a document of this shape."""
        members = body_members(shape)
        strict = self._strict.body(shape.name, members, list(shape.required_members))
        lax = self._lax.body(shape.name, members, [])
        walk = self._readers.structure(members)
        renamed = self._readers.changes(shape)

        def read(body: bytes) -> Params:
            if not body:
                return Params({})
            checked = True
            try:
                raw = cbor2.loads(body, max_depth=MAX_DEPTH, allow_duplicate_keys=False)
                if raw is None:
                    return Params({})
                try:
                    values = msgspec.convert(raw, whole(strict), builtin_types=(bytes,), dec_hook=decode_hook)
                except msgspec.ValidationError:
                    # The strict type knows only that something is wrong: validation.py words it as AWS does.
                    checked = False
                    values = msgspec.convert(raw, whole(lax), builtin_types=(bytes,), dec_hook=decode_hook)
            except (
                cbor2.CBORError,
                ValueError,
                TypeError,
                RecursionError,
                OverflowError,
                MemoryError,
            ) as error:
                raise malformed(error) from error
            return Params(walk(values) if renamed or not checked else values, checked=checked)

        return read

    def writer(self, shape: Shape, members: Members | None = None) -> Callable[[Any], bytes]:
        """Make the function that encodes a value of this shape (of these members of it)."""
        if shape.type_name != "structure":
            walk = self._writers.of(shape) or (lambda value: value)
        else:
            walk = self._writers.structure(body_members(shape) if members is None else members)
        return lambda value: cbor2.dumps(walk(value), default=cbor_columns.write)

    def fault(self, wire: fault_shapes.WireFault, head: Mapping[str, Any]) -> bytes:
        """Encode a fault's members after those of the head."""
        members = fault_shapes.values(wire)
        if wire.shape is not None:
            members = self._writers.structure(body_members(wire.shape))(members)
        return cbor2.dumps({**head, **fault_shapes.with_message(members, wire)}, default=cbor_columns.write)


class RpcV2Cbor(RpcProtocol):
    """Protocol `smithy-rpc-v2-cbor`."""

    name = "smithy-rpc-v2-cbor"

    def __init__(self, service: ServiceModel) -> None:
        headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        super().__init__(CborBodies(service), headers)

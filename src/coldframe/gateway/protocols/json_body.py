"""JSON documents of a shape: bytes into Python values and back, decoded by msgspec types made from the model."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from botocore.model import ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.struct_types import whole
from coldframe.gateway.protocols import fault_shapes, timestamps
from coldframe.gateway.protocols.fault_shapes import WireFault
from coldframe.gateway.protocols.protocol import Params, limit_depth
from coldframe.gateway.protocols.shapes import Later, Shape
from coldframe.gateway.protocols.typed import SPECIAL_FLOATS, Types, decode_hook

Members = dict[str, Shape]
Convert = Callable[[Any], Any]
KINDS = {"int": "NUMBER_VALUE", "float": "DECIMAL_VALUE", "str": "STRING_VALUE", "array": "START_ARRAY"}
KINDS |= {"object": "START_OBJECT", "bool": "TRUE_VALUE", "null": "NULL_VALUE"}


def malformed(error: Exception) -> ServiceFault:
    """Say what is wrong with a document, without repeating any value of it."""
    text = str(error) if isinstance(error, msgspec.ValidationError) else "The document is malformed"
    for kind, token in KINDS.items():
        text = text.replace(f"got `{kind}`", f"got {token}")
    return ServiceFault("SerializationException", text.replace("`", ""), status=400)


def body_members(shape: Shape) -> Members:
    """List the members of a structure that travel in its body: neither bound to the HTTP head nor a stream."""
    return {
        name: member
        for name, member in shape.members.items()
        if not member.serialization.get("location") and not member.serialization.get("eventstream")
    }


class JsonBodies:
    """The JSON documents of one service; encoders and decoders are made once per shape."""

    content_type = "application/json"

    def __init__(self, service: ServiceModel) -> None:
        self._strict = Types(service, strict=True, text_floats=True)
        self._lax = Types(service, strict=False, text_floats=True)
        self._readers = Walks(reading=True)
        self._writers = Walks(reading=False)

    def reader(self, shape: Shape, members: Members | None = None) -> Callable[[bytes], Params]:
        """Make the function that decodes a document of this shape (of these members of it)."""
        chosen = body_members(shape) if members is None else members
        required = [name for name in shape.required_members if name in chosen]
        if shape.metadata.get("document"):
            return self._document
        strict_kind = self._strict.body(shape.name, chosen, required)
        strict = msgspec.json.Decoder(whole(strict_kind), dec_hook=decode_hook).decode
        lax = msgspec.json.Decoder(whole(self._lax.body(shape.name, chosen, [])), dec_hook=decode_hook).decode
        walk = self._readers.structure(chosen)
        deep = self._readers.recursive(shape)
        renamed = self._readers.changes(shape)

        def read(body: bytes) -> Params:
            if not body:
                return Params({})
            checked = True
            try:
                try:
                    values: Any = strict(body)
                except (msgspec.ValidationError, RecursionError):
                    # The strict type knows only that something is wrong: validation.py words it as AWS does.
                    checked = False
                    values = lax(body)
            except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
                raise malformed(error) from error
            if deep:
                limit_depth(values)
            if renamed or not checked:
                values = walk(values)
            return Params(values, checked=checked)

        return read

    @staticmethod
    def _document(body: bytes) -> Params:
        try:
            value = msgspec.json.decode(body)
            limit_depth([value])
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
            raise malformed(error) from error
        return value  # type: ignore[no-any-return]

    def writer(self, shape: Shape, members: Members | None = None) -> Callable[[Any], bytes]:
        """Make the function that encodes a value of this shape (of these members of it)."""
        if shape.metadata.get("document") or shape.type_name != "structure":
            walk = self._writers.of(shape) or (lambda value: value)
        else:
            walk = self._writers.structure(body_members(shape) if members is None else members)
        encode = msgspec.json.encode
        return lambda value: encode(walk(value))

    def fault(self, wire: WireFault, head: Mapping[str, Any]) -> bytes:
        """Encode a fault's members after those of the head."""
        members = fault_shapes.values(wire)
        if wire.shape is not None:
            members = self._writers.structure(body_members(wire.shape))(members)
        return msgspec.json.encode({**head, **fault_shapes.with_message(members, wire)})


class Walks:
    """Functions that carry a value between the shape's Python form and its JSON form, made once per shape.

    A shape that needs nothing done has no function (None), so that large plain lists are not walked.
    """

    def __init__(self, *, reading: bool) -> None:
        self._reading = reading
        self._structures: dict[str, Convert] = {}

    def of(self, shape: Shape) -> Convert | None:
        """Make the conversion of a shape; None where the value is already what it has to be."""
        kind = shape.type_name
        if shape.metadata.get("document"):
            return None
        if kind == "structure":
            return self._named(shape)
        if kind == "list":
            walk = self.of(shape.member)
            return _numbers(walk) if walk in {_write_float, timestamps.to_epoch} else self._list(walk)
        if kind == "map":
            return self._map(self.of(shape.value))
        if kind in {"float", "double"}:
            return _read_float if self._reading else _write_float
        if kind == "timestamp" and not self._reading:
            return timestamps.writer(shape, "unixtimestamp")
        return _write_text if kind == "blob" and not self._reading else None

    def _named(self, shape: Shape) -> Convert:
        if shape.name in self._structures:
            return self._structures[shape.name]
        later = self._structures[shape.name] = Later()
        later.function = self._structures[shape.name] = self.structure(shape.members)
        return self._structures[shape.name]

    def structure(self, members: Mapping[str, Shape]) -> Convert:
        """Make the conversion of a structure: rename its members, drop None and what is not modelled."""
        plan: dict[str, tuple[str, Convert | None]] = {}
        for name, member in members.items():
            wire = member.serialization.get("name", name)
            plan[wire if self._reading else name] = (name if self._reading else wire, self.of(member))
        plain = plan.keys() if all(key == to and not walk for key, (to, walk) in plan.items()) else None
        find = plan.get

        def convert(value: Mapping[str, Any]) -> dict[str, Any]:
            if (
                plain is not None
                and type(value) is dict
                and value.keys() <= plain
                and None not in value.values()
            ):
                return value
            out = {}
            for key, item in value.items():
                step = find(key)
                if step is not None and item is not None:
                    out[step[0]] = item if step[1] is None else step[1](item)
            return out

        return convert

    @staticmethod
    def _list(walk: Convert | None) -> Convert | None:
        if walk is None:
            return None
        return lambda items: [None if item is None else walk(item) for item in items]

    @staticmethod
    def _map(walk: Convert | None) -> Convert | None:
        if walk is None:
            return None
        return lambda items: {key: None if item is None else walk(item) for key, item in items.items()}

    def changes(self, shape: Shape) -> bool:
        """Say whether any structure under the shape has a wire name that differs from the member's."""
        return any(
            member.serialization.get("name", name) != name
            for structure in _structures(shape)
            for name, member in structure.members.items()
            if not member.serialization.get("location")
        )

    def recursive(self, shape: Shape) -> bool:
        """Say whether a value of the shape may be nested without end."""
        return any(
            structure.metadata.get("document") or _contains_itself(structure)
            for structure in _structures(shape)
        )


def _inner(shape: Shape) -> list[Shape]:
    if shape.type_name == "structure":
        return list(shape.members.values())
    if shape.type_name == "list":
        return [shape.member]
    return [shape.value] if shape.type_name == "map" else []


def _structures(shape: Shape) -> list[Shape]:
    """Collect the structures that a shape is made of, each once."""
    seen: dict[str, Shape] = {}
    todo = [shape]
    visited = set()
    while todo:
        one = todo.pop()
        if one.name in visited:
            continue
        visited.add(one.name)
        if one.type_name == "structure":
            seen[one.name] = one
        todo.extend(_inner(one))
    return list(seen.values())


def _contains_itself(shape: Shape) -> bool:
    return any(inner.name == shape.name for start in _inner(shape) for inner in _structures(start))


def _read_float(value: Any) -> Any:
    return SPECIAL_FLOATS[value] if type(value) is str else value


def _write_float(value: Any) -> Any:
    if type(value) is float and math.isfinite(value):
        return value
    number = value if isinstance(value, int | float) else float(value)
    if isinstance(number, float) and not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    return number


def _numbers(walk: Convert) -> Convert:
    """Make the conversion of a list of numbers or times: one that holds plain numbers already stays as it is."""

    def convert(items: list[Any]) -> list[Any]:
        if {float, int}.issuperset(map(type, items)) and all(map(math.isfinite, items)):
            return items
        return [None if item is None else walk(item) for item in items]

    return convert


def _write_text(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value

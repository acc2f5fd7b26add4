"""msgspec types made from a service's shapes, so that decoding, type checks and constraints run outside Python."""

from typing import Annotated, Any, Literal, TypedDict

import msgspec
from botocore.model import ServiceModel

from coldframe.gateway.protocols import timestamps
from coldframe.gateway.protocols.shapes import Shape

SPECIAL_FLOATS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
BOUNDS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}


class _AnyInstance(type):
    """msgspec asks whether the hook's result is an instance of the type; what the hook returns is one."""

    def __instancecheck__(cls, instance: object) -> bool:
        return True


class Timestamp(metaclass=_AnyInstance):
    """Stands in a type for a timestamp of any format; the hook makes it a datetime."""


def decode_hook(kind: type, value: Any) -> Any:
    """Turn what the wire has for a timestamp into a datetime; ValueError becomes msgspec's ValidationError."""
    if kind is not Timestamp:
        raise NotImplementedError(kind)
    return timestamps.parse(value)


def _typed_dict(name: str) -> Any:
    make: Any = TypedDict  # not written as a class: its members are filled in afterwards
    return make(name, {}, total=False)


class Types:
    """The msgspec types of one service; a strict set also carries every constraint of the model but patterns.

    Structures become TypedDicts keyed by their wire names, so that a decoded value is made of plain dicts.
    """

    def __init__(self, service: ServiceModel, *, strict: bool, text_floats: bool) -> None:
        self._service = service
        self._strict = strict
        self._text_floats = text_floats
        self._structures: dict[str, Any] = {}

    def of(self, shape: Shape) -> Any:
        """Make the type of a shape, not null."""
        kind = shape.type_name
        if shape.metadata.get("document"):
            return Any
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self._limited(list[self._item(shape.member)], shape)  # type: ignore[misc]
        if kind == "map":
            return self._limited(dict[self.of(shape.key), self._item(shape.value)], shape)  # type: ignore[misc]
        return self._scalar(shape, kind)

    def body(self, name: str, members: dict[str, Shape], required: list[str]) -> Any:
        """Make the type of a body that carries only some members of a structure."""
        kind = _typed_dict(name)
        self._fill(kind, members, required)
        return kind

    def _item(self, shape: Shape) -> Any:
        """Make the type of a member or an element: only a lax set lets it be null."""
        kind = self.of(shape)
        return kind if self._strict else kind | None

    def _structure(self, shape: Shape) -> Any:
        kind = self._structures.get(shape.name)
        if kind is None:
            kind = _typed_dict(shape.name)
            self._structures[shape.name] = kind  # kept before it is filled: shapes may contain themselves
            self._fill(kind, shape.members, shape.required_members)
        return kind

    def _fill(self, kind: Any, members: dict[str, Shape], required: list[str]) -> None:
        needed = set()
        for name, member in members.items():
            wire = member.serialization.get("name", name)
            if self._strict and name in required:
                needed.add(wire)
            kind.__annotations__[wire] = self._item(member)
        kind.__required_keys__ = frozenset(needed)
        kind.__optional_keys__ = frozenset(kind.__annotations__) - needed

    def _scalar(self, shape: Shape, kind: str) -> Any:
        if kind == "timestamp":
            return Timestamp
        if kind == "boolean":
            return bool
        if kind in {"float", "double"}:
            number: Any = self._limited(float, shape)
            return (
                number if self._strict or not self._text_floats else number | Literal[tuple(SPECIAL_FLOATS)]
            )
        if kind in BOUNDS:
            low, high = BOUNDS[kind]
            if self._strict:
                low = max(low, int(shape.metadata.get("min", low)))
                high = min(high, int(shape.metadata.get("max", high)))
            return Annotated[int, msgspec.Meta(ge=low, le=high)]
        if kind == "blob":
            return self._limited(bytes, shape)
        if self._strict and shape.metadata.get("enum"):
            return Literal[tuple(shape.metadata["enum"])]
        return self._limited(str, shape)

    def _limited(self, kind: Any, shape: Shape) -> Any:
        traits = shape.metadata
        if not self._strict:
            return kind
        limits: dict[str, Any] = {}
        low, high = ("ge", "le") if kind is float else ("min_length", "max_length")
        for trait, limit in (("min", low), ("max", high)):
            if traits.get(trait) is not None and -(2**62) < traits[trait] < 2**62:
                limits[limit] = traits[trait] if kind is float else int(traits[trait])
        return Annotated[kind, msgspec.Meta(**limits)] if limits else kind

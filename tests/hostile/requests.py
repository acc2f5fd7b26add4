"""Random requests in a model's shape: values at and beyond every limit, strange text, and names that answers gave before."""

import copy
import random
import re
import time
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from tests.hostile.documents import ALIASES, ANY, BEYOND, DOCUMENTS, NUMBERS, PATTERNS, PROTECTIONS, STRANGE


class Requests:
    """Makes parameters for operations; what `learn` was told of answers comes back as names, ids and tokens."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._known: dict[str, list[str]] = {}
        self._good: dict[str, list[dict[str, Any]]] = {}

    def remember(self, operation: OperationModel, parameters: dict[str, Any]) -> None:
        """Keep parameters that mean something (members that the operation has not are left out) to change later."""
        kept = self._good.setdefault(_full_name(operation), [])
        members = operation.input_shape.members if operation.input_shape else {}
        kept.insert(0, copy.deepcopy({name: value for name, value in parameters.items() if name in members}))
        del kept[6:]

    def learn(self, value: Any, name: str = "") -> None:
        """Remember the texts of an answer by the names of their members."""
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in {"Arn", "arn", "Id", "id", "Name", "name"} and isinstance(inner, str):
                    # `Arn` of a `Role` is what others call `RoleArn`.
                    self.learn(inner, name.removesuffix("s") + key)
                if key != "ResponseMetadata":
                    self.learn(inner, key)
        elif isinstance(value, list):
            for inner in value[:5]:
                self.learn(inner, name)
        elif isinstance(value, str) and 0 < len(value) < 3000:
            texts = self._known.setdefault(_kind(name), [])
            if value not in texts:
                texts.insert(self.random.randrange(len(texts) + 1), value)
                del texts[12:]

    def parameters(self, operation: OperationModel) -> dict[str, Any]:
        """Random parameters in the shape of the operation's input; often right, never quite sensible."""
        if operation.input_shape is None:
            return {}
        # How careful a request is, as a whole: careful ones get deep into the handlers.
        self._careful = self.random.choice((0.5, 0.9, 0.98, 1.0))
        good = self._good.get(_full_name(operation))
        if good and self.random.random() < 0.5:
            return self._changed(operation.input_shape, self.random.choice(good))
        return self._structure(operation.input_shape, 0)

    def _changed(self, shape: StructureShape, good: dict[str, Any]) -> dict[str, Any]:
        """The parameters with one or two members, at any depth, made anew, added or left out."""
        made = copy.deepcopy(good)
        for _ in range(self.random.choice((0, 1, 1, 2))):
            within, value = shape, made
            name = self.random.choice(list(within.members) or [""])
            while name in value and self.random.random() < 0.7:
                inner, member = value[name], within.members[name]
                if isinstance(member, ListShape) and inner:
                    inner, member = self.random.choice(inner), member.member
                if not (isinstance(member, StructureShape) and isinstance(inner, dict) and member.members):
                    break
                within, value = member, inner
                name = self.random.choice(list(within.members))
            if name and self.random.random() < 0.8:
                value[name] = self._value(within.members[name], name, 2)
            else:
                value.pop(name, None)
        return made

    def _structure(self, shape: StructureShape, depth: int) -> dict[str, Any]:
        made = {}
        optional = self.random.choice((0.0, 0.2, 0.5, 1.0)) / (1 + depth)
        for name, member in shape.members.items():
            needed = name in shape.required_members
            if self.random.random() < (0.995 if needed else optional) and (needed or depth < 6):
                made[name] = self._value(member, name, depth + 1)
        if getattr(shape, "is_tagged_union", False) and len(made) != 1 and self._is_careful():
            name = self.random.choice(list(shape.members))
            made = {name: self._value(shape.members[name], name, depth + 1)}
        return made

    def _value(self, shape: Shape, name: str, depth: int) -> Any:
        if isinstance(shape, StructureShape):
            return self._structure(shape, depth)
        if isinstance(shape, ListShape):
            return [self._value(shape.member, name, depth + 1) for _ in range(self._size(shape, depth))]
        if isinstance(shape, MapShape):
            return {
                self._text(shape.key, name + "Key"): self._value(shape.value, name, depth + 1)
                for _ in range(self._size(shape, depth))
            }
        if shape.type_name in {"string", "character"}:
            return self._text(shape, name)
        if shape.type_name == "boolean":
            return self.random.random() < 0.5
        if shape.type_name == "blob":
            return self.random.randbytes(self.random.choice((0, 1, 10, 5000)))
        if shape.type_name in {"float", "double"}:
            return self.random.choice((0.0, -0.5, 1.5, 1e308, 1e-320, *map(float, NUMBERS)))
        if shape.type_name == "timestamp" or "time" in name.lower():
            return self._moment(shape)
        return self._number(shape)

    def _moment(self, shape: Shape) -> int:
        if self._is_careful():
            # Milliseconds where the model has a plain number, as CloudWatch Logs does.
            unit = 1 if shape.type_name == "timestamp" else 1000
            return (
                int(time.time() * unit)
                + self.random.choice((0, 1, -1, 60, -60, 7200, -86_400, 100_000)) * unit
            )
        return self.random.choice(
            (
                0,
                -1,
                1,
                2**31,
                2**40,
                253_402_300_799,
                253_402_300_800,
                *(NUMBERS if shape.type_name != "timestamp" else ()),
            )
        )

    def _is_careful(self) -> bool:
        return self.random.random() < self._careful

    def _size(self, shape: Shape, depth: int) -> int:
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10_000)
        if self._is_careful():
            return max(least, min(most, self.random.choice((1, 1, 1, 2, 3))))
        return self.random.choice((0, least - 1 if least else 0, min(most + 1, 30 if depth > 3 else 300), 7))

    def _number(self, shape: Shape) -> int:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        limits = [edge for edge in (low, high) if edge is not None]
        if self._is_careful():
            if limits and self.random.random() < 0.7:
                return int(self.random.choice(limits))
            inside = [
                number
                for number in NUMBERS
                if (low is None or number >= low) and (high is None or number <= high)
            ]
            return self.random.choice(inside or limits)
        return self.random.choice((*NUMBERS, *BEYOND, *(edge + step for edge in limits for step in (-1, 1))))

    def _text(self, shape: Shape, name: str) -> str:
        enum = getattr(shape, "enum", None)
        if enum and self._is_careful():
            return self.random.choice(enum)
        lower = name.lower()
        choice = self.random.random()
        if lower.endswith(("document", "policy", "content")) and choice < 0.95:
            return self._document(lower)
        if "pattern" in lower and choice < 0.9:
            return self.random.choice(PATTERNS)
        kind = _kind(name)
        known = (
            self._known.get(kind)
            or self._known.get(ALIASES.get(kind, ""))
            or self._known.get(_kind(shape.name))
        )
        if known and choice < 0.75 and self._is_careful():
            return self.random.choice(known)
        if self._is_careful() and choice < 0.95:
            return self._plain(shape, name)
        if choice < 0.2:
            every = [text for texts in self._known.values() for text in texts]
            return self.random.choice(every or ["x"])
        return self.random.choice(STRANGE)

    def _document(self, name: str) -> str:
        if self._is_careful() and self.random.random() < 0.4:
            return DOCUMENTS[1] if name.startswith("assume") else self.random.choice((ANY, *PROTECTIONS))
        if self.random.random() < 0.8:
            return self.random.choice(DOCUMENTS)
        # A document that is right but for one word.
        words = re.split(r"(\W+)", self.random.choice(DOCUMENTS[:8]))
        words[self.random.randrange(len(words))] = self.random.choice(
            ("", "x", "1", "[", "null", "Allow", "*")
        )
        return "".join(words)

    def _plain(self, shape: Shape, name: str) -> str:
        """A text within the shape's length, from a small supply, so that requests meet each other's resources."""
        least, most = shape.metadata.get("min", 1), shape.metadata.get("max", 64)
        if name.endswith("Path") or name in {"Path", "PathPrefix", "NewPath"}:
            return self.random.choice(("/", "/a/", "/a/b/"))
        text = self.random.choice(("a", "b", "c", "Example-1", "name@example.com", "112233445566"))
        if self.random.random() < 0.1:
            return "a" * self.random.choice((least, min(most, 2000)))
        return (text * (least // len(text) + 1) if len(text) < least else text)[: max(most, 1)]


def _kind(name: str) -> str:
    """One word for names that mean the same: `roleName`, `RoleName` and `RoleNames` are one supply."""
    lower = name.lower()
    return lower[:-1] if lower.endswith("s") and not lower.endswith("ss") else lower


def _full_name(operation: OperationModel) -> str:
    return f"{operation.service_model.service_name}.{operation.name}"

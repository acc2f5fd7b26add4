"""Holds parameters against the model's constraints and words what fails as AWS words it."""

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from botocore.model import OperationModel, ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.gateway.patterns import full_match
from coldframe.gateway.protocols.shapes import Shape

Report = Callable[[str, str], None]
Check = Callable[[Any, str, list[str]], None]
MAX_ERRORS = 100
MAX_ECHO = 2048
_ENUM = re.compile(
    r"Value(?: '(.*)')? at '([^']+)' failed to satisfy constraint: "
    r"(?:Member must satisfy constraint: \[)?Member must satisfy enum value set",
    re.DOTALL,
).match
_KIND = re.compile(
    r"Value(?: '.*')? at '([^']+)' failed to satisfy constraint: "
    r"(?:Member must satisfy constraint: \[)?Member must satisfy (?:enum value set|regular expression pattern)",
    re.DOTALL,
).match
_LONG = re.compile(
    r"Value(?: '.*')? at '([^']+)' failed to satisfy constraint: Member must have length less than", re.DOTALL
).match
_PATTERN = re.compile(
    r"Value(?: '.*')? at '([^']+)' failed to satisfy constraint: Member must satisfy regular expression pattern: (.+)",
    re.DOTALL,
).fullmatch
_QUOTED = re.compile(r"Value '.*' at '([^']+)' failed", re.DOTALL).match
_NUMBERED = re.compile(r"\.\d+\.member").sub
_NULL = re.compile(r"Value null at '([^']+)'").match
_TABLE = tomllib.loads(files("coldframe.gateway").joinpath("validation.toml").read_text("utf-8"))


def validate(operation: OperationModel, params: Mapping[str, Any], code: str | None = None) -> None:
    """Raise the service's validation fault when parameters break a constraint of the input's shape.

    Parameters whose decoder has already checked everything but patterns are only held against those.
    `code` overrides the fault's code, which validation.toml names by service and protocol. An operation that does not
    have that one among its errors, and has ValidationException, answers with this.
    """
    plan = _plan(operation, patterns_only=getattr(params, "checked", False))
    if plan is None:
        return
    errors: list[str] = []
    plan(params, "", errors)
    errors = [one for one in errors if not _borne(operation.service_model.service_name, one)]
    if errors:
        raise _fault(operation, errors[:MAX_ERRORS], code)


def code_of(service: ServiceModel) -> str:
    """Name the code with which a service answers a broken constraint."""
    by_service: dict[str, str] = _TABLE["code"]
    name = str(service.service_name)
    return by_service.get(name) or str(
        _TABLE["protocol"].get(service.metadata.get("protocol"), "ValidationException")
    )


def _fault(operation: OperationModel, errors: list[str], code: str | None) -> ServiceFault:
    service = operation.service_model
    missing = _TABLE["missing"].get(service.service_name)
    first = errors[0]
    if missing and first.startswith("Value null at "):
        name = first.split("'")[1].rsplit(".", 1)[-1]
        end = "." if service.is_query_compatible else ""
        text = f"The request must contain the parameter {name[:1].upper()}{name[1:]}{end}"
        return ServiceFault(missing, text, status=400)
    found = _ENUM(first)
    own = _own_words(service, found[1], found[2]) if found else None
    if (nothing := _NULL(first)) is not None:
        own = _own_words(service, None, nothing[1])
        own = own or _absent(operation, nothing[1])
    if (long := _LONG(first)) is not None:
        own = _own_words(service, None, long[1], "length")
    if (odd := _PATTERN(first)) is not None:
        own = _of_pattern(service, odd[1], odd[2])
    if own is not None:
        return own
    errors = [_unquoted(service.service_name, error) for error in errors]
    many = "1 validation error" if len(errors) == 1 else f"{len(errors)} validation errors"
    absent = _TABLE["absent"].get(service.service_name, {}).get("else") if nothing else None
    code = absent or _modelled(operation, code or code_of(service))
    return ServiceFault(code, f"{many} detected: {'; '.join(errors)}", status=400)


def _borne(service: str, error: str) -> bool:
    """Tell whether a service bears what is against its model, or judges it itself: a value, or one that is missing."""
    kind, nothing = _KIND(error), _NULL(error)
    return (kind is not None and _NUMBERED("", kind[1]) in _TABLE["free"].get(service, ())) or (
        nothing is not None and _NUMBERED("", nothing[1]) in _TABLE["optional"].get(service, ())
    )


def _of_pattern(service: ServiceModel, path: str, pattern: str) -> ServiceFault | None:
    """Return the fault of a text that does not match, where the service says in words what the pattern means."""
    table = _TABLE["pattern"].get(service.service_name, {})
    own = table.get(pattern) or table.get("*")
    if own is None:
        return None
    text = own["text"].replace("{member}", path)
    return ServiceFault(code_of(service), text, status=400, **own.get("members", {}))


def _unquoted(service: str, error: str) -> str:
    """Leave out of an error what a service was seen to leave out: the value, and all values that it could have."""
    silent = _TABLE["unquoted"].get(service, ())
    found = _QUOTED(error)
    if found is not None and (silent == "*" or _NUMBERED("", found[1]) in silent):
        error = f"Value at '{found[1]}' failed{error[found.end() :]}"
    return error.partition(" enum value set: [")[0] + " enum value set" if _bare(service, error) else error


def _bare(service: str, error: str) -> bool:
    return _TABLE["unquoted"].get(service) == "*" and "Member must satisfy enum value set: [" in error


def _own_words(
    service: ServiceModel, value: str | None, path: str, what: str = "enum"
) -> ServiceFault | None:
    """Return the fault of a value that is none of its kind or too long, where the service has one of its own for it."""
    table = _TABLE[what].get(service.service_name, {})
    # A member of a list is named without its number.
    own = table.get(_NUMBERED("", path)) or (table.get("*.*") if "." in path else None)
    if own is None and value is not None:
        own = table.get("*")
    if own is None:
        return None
    members = {name: text.replace("{value}", value or "") for name, text in own.get("members", {}).items()}
    return ServiceFault(own["code"], own["text"].replace("{value}", value or ""), status=400, **members)


def _absent(operation: OperationModel, path: str) -> ServiceFault | None:
    """Return the fault of a text of the request itself that is missing, where the service has one of its own for it."""
    words, name = _TABLE["absent"].get(operation.service_model.service_name), f"{path[:1].upper()}{path[1:]}"
    shape = operation.input_shape
    if (
        words is None
        or shape is None
        or name not in shape.members
        or shape.members[name].type_name != "string"
    ):
        return None
    return ServiceFault(words["code"], words["text"].format(name=name), status=400)


def _modelled(operation: OperationModel, code: str) -> str:
    names = {name for shape in operation.error_shapes for name in (shape.name, shape.error_code)}
    return "ValidationException" if code not in names and "ValidationException" in names else code


@cache
def _plan(operation: OperationModel, *, patterns_only: bool) -> Check | None:
    shape = operation.input_shape
    return None if shape is None else Checks(patterns_only=patterns_only).of(shape)


def constraints(shape: Shape, *, patterns_only: bool = False) -> list[tuple[str, Callable[[Any], bool]]]:
    """List a shape's own constraints: the words for each and the test that a value passes."""
    traits, kind = shape.metadata, shape.type_name
    found: list[tuple[str, Callable[[Any], bool]]] = []
    number = kind in {"integer", "long", "float", "double"}
    size: Callable[[Any], Any] = (lambda value: value) if number else len
    what = "value" if number else "length"
    if not patterns_only and kind not in {"timestamp", "boolean", "structure"}:
        if (high := traits.get("max")) is not None:
            found.append((f"Member must have {what} less than or equal to {high}", lambda v: size(v) <= high))
        if (low := traits.get("min")) is not None:
            found.append(
                (f"Member must have {what} greater than or equal to {low}", lambda v: size(v) >= low)
            )
        if traits.get("enum"):
            allowed = frozenset(traits["enum"])
            seen = _TABLE["order"].get(shape.name, ())
            listed = seen if allowed == frozenset(seen) else traits["enum"]
            words = f"Member must satisfy enum value set: [{', '.join(listed)}]"
            found.append((words, lambda v: v in allowed))
    if kind == "string" and "pattern" in traits and (matches := full_match(traits["pattern"])) is not None:
        words = f"Member must satisfy regular expression pattern: {traits['pattern']}"
        found.append((words, lambda v: bool(matches(v))))
    return found


class Checks:
    """Makes the checks of the shapes of one input, each structure once; None where there is nothing to check."""

    def __init__(self, *, patterns_only: bool) -> None:
        self._patterns_only = patterns_only
        self._structures: dict[str, Check | None] = {}
        self._open: dict[str, list[Check | None]] = {}

    def of(self, shape: Shape) -> Check | None:
        """Make the check of a shape."""
        if shape.metadata.get("document") or shape.serialization.get("eventstream"):
            return None
        if shape.type_name == "structure":
            return self._named(shape)
        own = self._own(shape)
        if shape.type_name in {"list", "map"} and not self._patterns_only:
            own = _both(_no_nulls, own)
        if shape.type_name == "list":
            return _both(own, self._items(shape))
        if shape.type_name == "map":
            return _both(own, self._entries(shape))
        return own

    def _own(self, shape: Shape) -> Check | None:
        found = constraints(shape, patterns_only=self._patterns_only)
        if not found:
            return None
        echo = _echo(shape)

        def check(value: Any, path: str, errors: list[str]) -> None:
            for words, passes in found:
                if not passes(value):
                    errors.append(f"Value{echo(value)} at '{path}' failed to satisfy constraint: {words}")
                    if "length" in words:
                        return  # a pattern is not tried on a text of any length

        return check

    def _items(self, shape: Shape) -> Check | None:
        if shape.member.type_name not in {"structure", "list", "map"}:
            return self._bundle(shape, shape.member, "Member must satisfy constraint", lambda value: value)
        check = self.of(shape.member)
        if check is None:
            return None

        def check_items(value: Any, path: str, errors: list[str]) -> None:
            for number, item in enumerate(value, 1):
                if item is not None and len(errors) < MAX_ERRORS:
                    check(item, f"{path}.{number}.member", errors)

        return check_items

    def _entries(self, shape: Shape) -> Check | None:
        keys = self._bundle(shape, shape.key, "Map keys must satisfy constraint", lambda value: value.keys())
        if shape.value.type_name not in {"structure", "list", "map"}:
            values = self._bundle(
                shape, shape.value, "Map value must satisfy constraint", lambda value: value.values()
            )
            return _both(keys, values)
        check = self.of(shape.value)
        if check is None:
            return keys

        def check_values(value: Any, path: str, errors: list[str]) -> None:
            for key, item in value.items():
                if item is not None and len(errors) < MAX_ERRORS:
                    check(item, f"{path}.{key[:256]}.member", errors)

        return _both(keys, check_values)

    def _bundle(self, shape: Shape, inner: Shape, words: str, parts: Callable[[Any], Any]) -> Check | None:
        found = constraints(inner, patterns_only=self._patterns_only)
        if not found:
            return None
        echo = _echo(shape)
        all_words = ", ".join(text for text, _ in constraints(inner))

        def check(value: Any, path: str, errors: list[str]) -> None:
            for part in parts(value):
                if part is not None and not all(passes(part) for _, passes in found):
                    errors.append(
                        f"Value{echo(value)} at '{path}' failed to satisfy constraint: {words}: [{all_words}]"
                    )
                    return

        return check

    def _named(self, shape: Shape) -> Check | None:
        if shape.name in self._open:
            pending = self._open[shape.name]
            return lambda value, path, errors: pending[0](value, path, errors) if pending[0] else None
        if shape.name not in self._structures:
            pending = self._open[shape.name] = [None]
            pending[0] = self._structures[shape.name] = self._structure(shape)
            del self._open[shape.name]
        return self._structures[shape.name]

    def _structure(self, shape: Shape) -> Check | None:
        required = () if self._patterns_only else shape.required_members
        plan = [
            (name, name[:1].lower() + name[1:], name in required, check)
            for name, member in shape.members.items()
            if (check := self.of(member)) is not None or name in required
        ]
        if not plan:
            return None

        def check_members(value: Any, path: str, errors: list[str]) -> None:
            prefix = f"{path}." if path else ""
            for name, label, needed, check in plan:
                item = value.get(name)
                if item is None:
                    if needed:
                        errors.append(
                            f"Value null at '{prefix}{label}' failed to satisfy constraint: Member must not be null"
                        )
                elif check is not None:
                    check(item, prefix + label, errors)

        return check_members


def _no_nulls(value: Any, path: str, errors: list[str]) -> None:
    """Refuse null as an element: no decoder that checks lets one through, and no handler expects one."""
    items = value.values() if isinstance(value, Mapping) else value
    if None in items:
        keys = value if isinstance(value, Mapping) else range(1, len(value) + 1)
        for key, item in zip(keys, items, strict=True):
            if item is None and len(errors) < MAX_ERRORS:
                place = f"{path}.{str(key)[:256]}.member"
                errors.append(
                    f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
                )


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second

    def check(value: Any, path: str, errors: list[str]) -> None:
        before = len(errors)
        first(value, path, errors)
        if len(errors) == before:
            second(value, path, errors)

    return check


def _echo(shape: Shape) -> Callable[[Any], str]:
    """Make the function that quotes a value in a message: secrets, blobs and structures are never quoted."""
    parts = {"list": lambda: [shape.member], "map": lambda: [shape.key, shape.value]}.get(
        shape.type_name, list
    )()
    for one in (shape, *parts):
        if one.metadata.get("sensitive") or (
            one.type_name in {"structure", "list", "map", "blob"} and one is not shape
        ):
            return lambda _: ""
    if shape.type_name in {"blob", "structure"}:
        return lambda _: ""
    return lambda value: f" '{_words(value)}'"


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key}={item}" for key, item in list(value.items())[:100]) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(str(item) for item in value[:100]) + "]"
    else:
        text = str(value)
    return text if len(text) <= MAX_ECHO else text[:MAX_ECHO] + "..."

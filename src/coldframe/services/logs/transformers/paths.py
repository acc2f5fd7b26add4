"""Where a field is in an event: names joined by dots, at most three deep."""

from typing import Any, NamedTuple

from coldframe.services.logs.transformers.errors import InvalidTransformer

MESSAGE = "@message"
METADATA = ("@logGroupName", "@logGroupStream", "@accountId", "@regionName")
GREATEST_DEPTH = 3
MOST_CHARACTERS = 128


class Path(NamedTuple):
    """A field's place: its text as written, and the names of which it is made."""

    text: str
    names: tuple[str, ...]

    @property
    def is_metadata(self) -> bool:
        """Whether this names where the event comes from, not a field of it."""
        return self.text in METADATA


def source_path(text: str) -> Path:
    """Return the place that a processor reads; raises InvalidTransformer."""
    return _parsed(text)


def target_path(text: str) -> Path:
    """Return the place that a processor writes; raises InvalidTransformer, also for what no processor may write."""
    if text == MESSAGE or text in METADATA:
        raise InvalidTransformer(f"{text} cannot be written")
    return _parsed(text)


def _parsed(text: str) -> Path:
    if len(text) > MOST_CHARACTERS:
        raise InvalidTransformer(f"the path {text[:40]!r}... has more than {MOST_CHARACTERS} characters")
    names = tuple(text.split("."))
    if not all(names) or not any(character.isalnum() for character in text):
        raise InvalidTransformer(f"{text!r} is no path of a field")
    if len(names) > GREATEST_DEPTH:
        raise InvalidTransformer(f"the path {text!r} is more than {GREATEST_DEPTH} keys deep")
    return Path(text, names)


def find(fields: dict[str, Any], path: Path, absent: Any) -> Any:
    """Return the value at a path, or `absent`; a key that itself has the dots in its name comes first."""
    if path.text in fields:
        return fields[path.text]
    value: Any = fields
    for name in path.names:
        if not isinstance(value, dict) or name not in value:
            return absent
        value = value[name]
    return value


def put(fields: dict[str, Any], path: Path, value: Any, *, overwrite: bool) -> bool:
    """Set the value at a path, making objects on the way; False, and nothing done, where `overwrite` would be needed."""
    if path.text in fields:
        if overwrite:
            fields[path.text] = value
        return overwrite
    place = fields
    for at, name in enumerate(path.names[:-1]):
        below = place.get(name)
        if name in place and not isinstance(below, dict):
            if not overwrite:
                return False
            below = None
        if below is None:
            place[name] = _wrapped(path.names[at + 1 :], value)
            return True
        place = below
    if path.names[-1] in place and not overwrite:
        return False
    place[path.names[-1]] = value
    return True


def remove(fields: dict[str, Any], path: Path) -> None:
    """Remove the field at a path, if it is there."""
    if path.text in fields:
        del fields[path.text]
        return
    place: Any = fields
    for name in path.names[:-1]:
        place = place.get(name) if isinstance(place, dict) else None
    if isinstance(place, dict):
        place.pop(path.names[-1], None)


def _wrapped(names: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(names):
        value = {name: value}
    return dict(value)

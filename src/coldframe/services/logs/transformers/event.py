"""The event as it passes through the processors: its text, the fields taken out so far, and where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from coldframe.services.logs.transformers.errors import TransformationFailed
from coldframe.services.logs.transformers.paths import MESSAGE, Path, find

ABSENT = object()
"""What a field that an event does not have is read as; None is JSON's null."""


class Origin(NamedTuple):
    """Where an event comes from, for copyValue, and its time in milliseconds, for dates without a year."""

    group: str = ""
    stream: str = ""
    account: str = ""
    region: str = ""
    timestamp: int = 0

    def value(self, key: str) -> str:
        """Return the value of one of the metadata keys."""
        return {
            "@logGroupName": self.group,
            "@logGroupStream": self.stream,
            "@accountId": self.account,
            "@regionName": self.region,
        }[key]


@dataclass(slots=True)
class TransformingEvent:
    """One event on its way: processors read `message` and `fields`, and write `fields`."""

    message: str
    origin: Origin
    fields: dict[str, Any] = field(default_factory=dict)

    def read(self, path: Path) -> Any:
        """Return the value at a path, ABSENT where there is none; @message and the metadata keys are there always."""
        if path.text == MESSAGE:
            return self.message
        if path.is_metadata:
            return self.origin.value(path.text)
        return find(self.fields, path, ABSENT)

    def text_to_parse(self, path: Path) -> str | None:
        """Return the text at a parser's source, None where there is none; raises TransformationFailed for no text."""
        value = self.read(path)
        if value is ABSENT:
            return None
        if not isinstance(value, str):
            raise TransformationFailed(f"the value of {path.text} is no string")
        return value


Step = Callable[[TransformingEvent], None]
"""A processor made ready: changes the event, or raises TransformationFailed."""

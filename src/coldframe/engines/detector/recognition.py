"""What the detector expects of a recogniser of names and addresses."""

from collections.abc import Sequence
from typing import Protocol


class Recognised(Protocol):
    """One recognised span, in characters, end exclusive."""

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """One past the last character."""
        ...

    @property
    def kind(self) -> str:
        """Name or Address."""
        ...


class Recognizer(Protocol):
    """Finds names and addresses in a message."""

    def find(self, text: str) -> Sequence[Recognised]:
        """The spans found in a text."""
        ...

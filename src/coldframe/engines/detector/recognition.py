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
    """Finds names and addresses in messages."""

    def find_in_batch(self, texts: Sequence[str], kinds: frozenset[str]) -> Sequence[Sequence[Recognised]]:
        """The spans of these kinds in each of the texts."""
        ...


def load_recognizer() -> Recognizer:
    """Return the recogniser that comes with the detector; it is imported only now, since few servers need it."""
    from coldframe.engines.detector.recognizer import Recognizer as Shipped

    return Shipped.load()

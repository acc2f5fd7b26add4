"""What every form of filter pattern is compiled to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["terms", "json", "space-delimited"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The functions of one pattern over a message's text."""

    kind: Kind
    matches: Callable[[str], bool]
    extract: Callable[[str], dict[str, str] | None]
    """The values of a message that matches, None for one that does not."""
    required_literals: tuple[str, ...] = ()
    single_term: str | None = None
    """The one text that decides alone, where the pattern is no more than that."""
    names: frozenset[str] = frozenset()
    """The names a space-delimited pattern gives to fields, each with its $."""

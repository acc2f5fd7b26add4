"""The kinds the detector knows, read from the data files beside it.

A file has a family and a list of identifiers. An identifier has keywords (one of them must stand within 30 characters
of the data) and shapes. A shape has a `pattern`, the class of its `first` character, the name of its `check`, the
classes of characters that may not stand to its `left` and `right` ("none" for no rule; letters and digits otherwise),
and the greatest length (`longest`). A shape with an `anchor` needs no keyword: the anchor is what the prefilter looks
for. The data begins within two characters of where the anchor begins, or as far back as the class `back` goes, or
(`scope` "message") anywhere from there on in the message.
In patterns `\\d` means an ASCII digit.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILES = (
    "credentials",
    "device",
    "financial",
    "health",
    "personal",
    "personal_licences",
    "personal_passports",
)

_DATA = Path(__file__).with_name("data")

# The kinds that have no pattern: names and addresses are recognised, not matched.
RECOGNISED = frozenset({"Name", "Address"})


@dataclass(frozen=True)
class Shape:
    """How data of a kind looks."""

    pattern: str
    first: str = "0-9"
    check: str = ""
    left: str = ""
    right: str = ""
    longest: int = 0
    anchor: str = ""
    back: str = ""
    scope: str = "window"

    @property
    def look(self) -> tuple[str, str, str, str]:
        """What two shapes must share to be searched for at once."""
        return (self.pattern, self.first, self.left, self.right)


@dataclass(frozen=True)
class Identifier:
    """One kind of sensitive data."""

    kind: str
    family: str
    keywords: tuple[str, ...]
    shapes: tuple[Shape, ...]


def _shape(entry: dict[str, Any]) -> Shape:
    fields = dict(entry)
    for name in ("pattern", "anchor"):
        if name in fields:
            fields[name] = fields[name].replace("[^\\W\\d_]", "[^\\W0-9_]").replace("\\d", "[0-9]")
    return Shape(**fields)


@cache
def load() -> dict[str, Identifier]:
    """All identifiers by kind, in the order of the files."""
    identifiers: dict[str, Identifier] = {}
    for name in FILES:
        table = tomllib.loads((_DATA / f"{name}.toml").read_text(encoding="utf-8"))
        lists = table.get("keyword_lists", {})
        for entry in table["identifier"]:
            keywords = list(entry.get("keywords", ()))
            for wanted in entry.get("lists", ()):
                keywords += lists[wanted]
            shapes = tuple(_shape(shape) for shape in entry.get("shapes", ()))
            identifiers[entry["kind"]] = Identifier(
                entry["kind"], table["family"], tuple(dict.fromkeys(keywords)), shapes
            )
    return identifiers


@cache
def reserved_cards() -> frozenset[str]:
    """The card numbers that issuers reserved for public testing: they are never reported."""
    text = (_DATA / "reserved_cards.txt").read_text(encoding="ascii")
    return frozenset(text.split())

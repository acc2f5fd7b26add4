"""Makes log lines with known names and addresses in them, and lines that have neither."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tools.recognizer.people import People
from tools.recognizer.places import COUNTRIES, Places, known_places

PHRASES = tomllib.loads((Path(__file__).parent / "phrases.toml").read_text(encoding="utf-8"))
_HOLE = re.compile(r"\{([NAPQYWwnURtdp+%3-5]|ip|id)\}")


@dataclass
class Line:
    """One log line and what is in it: spans of names and of addresses, as start and end."""

    text: str
    group: str
    names: list[tuple[int, int]] = field(default_factory=list)
    addresses: list[tuple[int, int]] = field(default_factory=list)


class Lines:
    """Draws lines. `part` True takes every fourth template and phrase, for testing; False the rest; None all."""

    def __init__(
        self, people: People, places: Places, random: Random, part: bool | None, words: list[str]
    ) -> None:
        self._people = people
        self._places = places
        self._random = random
        self._part = part
        self._words = words
        self._country = "US"
        self._locale: str | None = None
        self._phrases = self._half([p.strip() for p in PHRASES["other"]["phrases"].split(";") if p.strip()])
        self._towns = self._half(known_places())
        self._heads = PHRASES["other"]["heads"].split()
        self._tails = PHRASES["other"]["tails"].split()

    def _half(self, items: list[str]) -> list[str]:
        return [item for at, item in enumerate(items) if self._part is None or (at % 4 == 3) == self._part]

    def name_line(self, locale: str | None = None) -> Line:
        """Return a line with at least one name."""
        kind = self._random.choice(("json", "json", "keyvalue", "prose", "prose", "nginx"))
        self._locale = locale
        return self._fill(self._random.choice(self._half(PHRASES["names"][kind])), kind)

    def keyed_line(self) -> Line:
        """Return a line with a name in any case after a key."""
        return self._fill(self._random.choice(self._half(PHRASES["names"]["keyed"])), "keyed")

    def address_line(self, country: str | None = None) -> Line:
        """Return a line with at least one address."""
        self._country = country or self._random.choice(COUNTRIES)
        return self._fill(
            self._random.choice(self._half(PHRASES["addresses"]["lines"])), f"address {self._country}"
        )

    def clean_line(self) -> Line:
        """Return a line with neither."""
        draw = self._random.random()
        if draw < 0.12:
            return self._fill(self._random.choice(self._half(PHRASES["names"]["keyed_not"])), "clean keyed")
        if draw < 0.27:
            return self._fill(
                self._random.choice(self._half(PHRASES["addresses"]["not_lines"])), "clean digits"
            )
        return self._fill(self._random.choice(self._half(PHRASES["other"]["lines"])), "clean")

    def _phrase(self) -> str:
        random = self._random
        draw = random.random()
        if draw < 0.1:
            return random.choice(self._towns)
        if draw < 0.5:
            return random.choice(self._phrases)
        parts = [random.choice(self._heads), random.choice(self._tails)]
        if random.random() < 0.3:
            parts.insert(1, random.choice(self._heads))
        if random.random() < 0.25:
            parts[0] = random.choice(self._words).capitalize()
        if random.random() < 0.2:
            parts[-1] = random.choice(self._words).capitalize()
        if random.random() < 0.12:
            parts[0] = self._people.parts()[1]  # companies and places are named after people
            parts[-1] = random.choice(_OF_PEOPLE)
        return " ".join(parts)

    def _plain_phrase(self) -> str:
        """Return words that are neither a street nor a place, for lines that look like an address and are none."""
        words = [word for word in self._heads + self._tails if word not in _IN_ADDRESSES]
        return " ".join(self._random.choice(words) for _ in range(self._random.choice((1, 2, 2))))

    def _fill(self, template: str, group: str) -> Line:
        line = Line("", group)
        at = 0
        out = ""
        for hole in _HOLE.finditer(template):
            out += template[at : hole.start()]
            value = self._value(hole)
            spans = line.names if hole[1] in _NAMES else line.addresses if hole[1] == "A" else None
            if spans is not None:
                spans.append((len(out), len(out) + len(value)))
            out += value
            at = hole.end()
        line.text = out + template[at:]
        return line

    def _value(self, hole: re.Match[str]) -> str:
        random = self._random
        kinds: dict[str, Callable[[], str]] = {
            "N": lambda: self._people.full(self._locale),
            "n": lambda: self._people.full(self._locale).lower(),
            "U": lambda: self._people.full(self._locale).upper(),
            "R": lambda: "{1}, {0[0]}".format(*self._people.parts(self._locale)),
            "+": lambda: self._people.full(self._locale).lower().replace(" ", "+"),
            "%": lambda: self._people.full(self._locale).replace(" ", "%20"),
            "A": lambda: self._places.address(self._country),
            "P": self._phrase,
            "Y": self._plain_phrase,
            "p": lambda: self._phrase().lower(),
            "Q": lambda: random.choice(self._heads + self._tails).upper(),
            "w": lambda: random.choice(self._words),
            "W": lambda: random.choice(self._words).capitalize(),
            "d": lambda: str(random.randrange(1, 10 ** random.randrange(1, 7))),
            "3": lambda: f"{random.randrange(1000):03}",
            "4": lambda: f"{random.randrange(1000, 10000)}",
            "5": lambda: f"{random.randrange(100000):05}",
            "t": lambda: (
                f"2026-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}T{random.randrange(24):02}:{random.randrange(60):02}:{random.randrange(60):02}Z"
            ),
            "ip": lambda: ".".join(str(random.randrange(256)) for _ in range(4)),
            "id": lambda: f"{random.randrange(1 << 32):08x}",
        }
        return kinds[hole[1]]()


_IN_ADDRESSES = frozenset(
    [
        "Street",
        "Airport",
        "Station",
        "County",
        "University",
        "Hospital",
        "Hotel",
        "Bank",
        "Park",
        "River",
        "Office",
        "Center",
        "Drive",
        "Table",
    ]
)
_NAMES = frozenset("NnUR+%")
_OF_PEOPLE = [
    "Inc",
    "Ltd",
    "LLC",
    "GmbH",
    "Corp",
    "Group",
    "Street",
    "Avenue",
    "Road",
    "Airport",
    "Station",
    "University",
    "Hospital",
    "Hotel",
    "Bank",
    "Park",
    "Bridge",
    "Foundation",
    "Theorem",
    "Algorithm",
    "Method",
    "Filter",
    "Clinic",
    "College",
    "School",
    "Library",
    "Museum",
    "Award",
    "Bros",
    "Motors",
    "Electric",
    "Industries",
    "Software",
    "Systems",
    "Labs",
    "Consulting",
    "Logistics",
]

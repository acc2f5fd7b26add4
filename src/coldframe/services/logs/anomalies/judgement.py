"""What is unusual about the patterns of some events, held against what a detector has seen before: counts and a rule.

It is a statistical rule and no learning: a pattern is unusual when it was never seen before, or when it has so many
events in an evaluation as its average makes improbable (three standard deviations of a Poisson distribution).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from coldframe.services.logs.log_patterns import kind_of, severity, taken_apart

NEW, FREQUENT = "new", "frequent"
MOST_PATTERNS = 1000
MOST_SAMPLES = 5
MOST_VALUES = 10
MOST_UNUSUAL = 100
"""So many anomalies an evaluation finds; where more is unusual, the events have patterns without number."""

_UNUSUAL, _VERY_UNUSUAL = 3.0, 10.0
_ORDER = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}
_SEVERE = {"FATAL", "CRITICAL", "ERROR"}
# Samples are kept for as long as the anomaly, so that each is cut off at this many characters.
_LONGEST_SAMPLE = 4096


class Seen(msgspec.Struct):
    """Events of one pattern: how many, the first of them, and the values of each varying token."""

    count: int
    samples: list[tuple[int, str]]
    values: list[dict[str, int]]
    names: list[str]


class Usual(NamedTuple):
    """What is known of a pattern: its events per evaluation on average, None where it is not known as usual."""

    average: float | None


class Unusual(msgspec.Struct):
    """A pattern that is unusual: why, how urgent that is, and the words for it."""

    template: str
    kind: str
    priority: str
    description: str


def seen_in(events: Iterable[tuple[int, str]]) -> dict[str, Seen]:
    """Return the patterns of events (time, masked text) by their templates, the first thousand of them."""
    found: dict[str, Seen] = {}
    for time, text in events:
        template, tokens = taken_apart(text)
        seen = found.get(template)
        if seen is None:
            if len(found) >= MOST_PATTERNS:
                continue
            names = [f"{kind_of(token)}-{place}" for place, token in enumerate(tokens, 1)]
            seen = found[template] = Seen(0, [], [{} for _ in tokens], names)
        seen.count += 1
        if len(seen.samples) < MOST_SAMPLES:
            seen.samples.append((time, text[:_LONGEST_SAMPLE]))
        for values, token in zip(seen.values, tokens, strict=False):
            if token in values or len(values) < MOST_VALUES:
                values[token] = values.get(token, 0) + 1
    return found


def judged(seen: Mapping[str, Seen], usual: Mapping[str, Usual], minutes: int) -> list[Unusual]:
    """Return what is unusual, for an evaluation of so many minutes, the most urgent first, a hundred at most.

    A pattern that `usual` has no entry of is new.
    """
    found = []
    for template, each in seen.items():
        known = usual.get(template, Usual(None))
        events = f"{each.count} event{'s' if each.count != 1 else ''} in {minutes} minute{'s' if minutes != 1 else ''}"
        if known.average is None:
            text = f"New pattern: {events}, and none before."
            found.append(Unusual(template, NEW, _priority(template, 0.0), text))
            continue
        deviation = (each.count - known.average) / math.sqrt(known.average + 1)
        if deviation >= _UNUSUAL:
            text = f"Unusual frequency: {events}, where {known.average:.1f} are usual."
            found.append(Unusual(template, FREQUENT, _priority(template, deviation), text))
    found.sort(key=lambda each: (_ORDER[each.priority], -seen[each.template].count))
    return found[:MOST_UNUSUAL]


def merged(values: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return values with their counts together, the most frequent ones."""
    return dict((Counter(values) + Counter(more)).most_common(MOST_VALUES))


def _priority(template: str, deviation: float) -> str:
    label = severity(template)
    if label in _SEVERE or "exception" in template.lower():
        return "HIGH"
    return "MEDIUM" if label == "WARN" or deviation >= _VERY_UNUSUAL else "LOW"

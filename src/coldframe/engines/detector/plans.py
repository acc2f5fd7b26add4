"""What to search for around the hits of the prefilter, and the exact search itself.

Keywords that matter to the same kinds share one plan: its shapes are tried in one pass over the text around them, so a
keyword without data nearby costs a single search. Shapes without keyword have a plan each.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate

from coldframe.engines.detector.checks import CHECKS
from coldframe.engines.detector.findings import Finding
from coldframe.engines.detector.identifiers import Shape, load

# Stands between the messages of a batch. No shape contains it, so nothing is found across two messages.
SEPARATOR = "\0"
# A keyword counts when at most so many characters stand between it and the data.
PROXIMITY = 30
# More than any keyword has, so that no keyword near a value is overlooked.
_LONGEST_KEYWORD = 100

_NAMED_GROUP = re.compile(r"\(\?P<(\w+)>([^()]*)\)")

Spot = tuple[int, int]
Check = Callable[[str], bool] | None
Matcher = Callable[[str, int, int], re.Match[str] | None]


class Batch:
    """Some messages as one text, and what was found in them so far."""

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = messages
        self.text = SEPARATOR + SEPARATOR.join(messages) + SEPARATOR
        self.found: dict[int, set[Finding]] = {}

    @cached_property
    def starts(self) -> list[int]:
        """Where each message begins in the text (counted only when something may have been found)."""
        return list(accumulate((len(message) + 1 for message in self.messages[:-1]), initial=1))

    def index(self, position: int) -> int:
        """The message a position of the text belongs to."""
        return bisect_right(self.starts, position) - 1

    def add(self, index: int, start: int, end: int, kind: str) -> None:
        """Record a finding in a message, by the positions in the message."""
        self.found.setdefault(index, set()).add(Finding(start, end, kind))


@dataclass(frozen=True)
class Rule:
    """One shape at a fixed place: the matcher, and the kinds whose data looks like this with their checks."""

    match: Matcher
    owners: tuple[tuple[str, Check], ...]


class Plan:
    """The shapes of some kinds, ready to be searched for around spots of a text."""

    def __init__(self, shapes: Sequence[tuple[str, Shape]], *, near: bool) -> None:
        self._shapes = shapes
        self._near = near
        self._whole = any(shape.scope == "message" for _, shape in shapes)
        longest = max(shape.longest for _, shape in shapes)
        self._before = PROXIMITY + longest if near else max(shape.before for _, shape in shapes)
        self._after = PROXIMITY + longest + 1 if near else max(shape.after for _, shape in shapes) + longest

    @cached_property
    def _looks(self) -> dict[tuple[str, str, str, str, int], list[tuple[str, Check]]]:
        looks: dict[tuple[str, str, str, str, int], list[tuple[str, Check]]] = {}
        for kind, shape in self._shapes:
            looks.setdefault(shape.look, []).append((kind, CHECKS[shape.check] if shape.check else None))
        return looks

    @cached_property
    def _search(self) -> Matcher:
        """Finds the next place where any shape begins: one pass, led by the class of first characters."""
        branches = []
        for pattern, first, left, right, _ in self._looks:
            body = f"(?:{_without_references(pattern)}){_right(right)}"
            branches.append(f"{_left(left, first)}(?<=(?={body})[{first}])")
        first = "".join(sorted({look[1] for look in self._looks}))
        if len(branches) == 1:
            return re.compile(f"[{first}]{branches[0]}").search
        return re.compile(f"[{first}](?:{'|'.join(branches)})").search

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        rules = []
        for (pattern, first, left, right, _), owners in self._looks.items():
            head = f"(?=[{first}]{_left(left, first)})"
            matcher = re.compile(f"{head}(?:{pattern}){_right(right)}").match
            rules.append(Rule(matcher, tuple(owners)))
        return tuple(rules)

    def confirm(self, batch: Batch, spots: list[Spot]) -> None:
        """Search the text around the spots and record what is found in the batch."""
        if len(spots) > 1:
            spots.sort()
        if self._whole:
            self._confirm_messages(batch, spots)
            return
        text, search, before, after = batch.text, self._search, self._before, self._after
        index, count = 0, len(spots)
        while index < count:
            start, end = spots[index]
            low, high = max(start - before, 0), end + after
            index += 1
            while index < count and spots[index][0] - before <= high:
                high = max(high, spots[index][1] + after)
                index += 1
            match = search(text, low, high)
            while match is not None:
                self._decide(batch, match.start(), high, spots)
                match = search(text, match.start() + 1, high)

    def _decide(self, batch: Batch, start: int, high: int, spots: list[Spot]) -> None:
        text = batch.text
        for rule in self._rules:
            match = rule.match(text, start, high)
            if match is None:
                continue
            end = match.end()
            index = batch.index(start)
            first = batch.starts[index]
            if self._near and not _keyword_near(spots, start, end, first, first + len(batch.messages[index])):
                continue
            value = text[start:end]
            for kind, check in rule.owners:
                if check is None or check(value):
                    batch.add(index, start - first, end - first, kind)

    def _confirm_messages(self, batch: Batch, spots: list[Spot]) -> None:
        """For data that may be as long as its message: search each message from its first spot on."""
        done = -1
        for start, _ in spots:
            index = batch.index(start)
            if index == done:
                continue
            done = index
            message = batch.messages[index]
            match = self._search(message, max(start - batch.starts[index], 0), len(message))
            while match is not None:
                position = match.start() + 1
                for rule in self._rules:
                    whole = rule.match(message, match.start(), len(message))
                    if whole is not None:
                        position = max(position, whole.end())
                        for kind, _check in rule.owners:
                            batch.add(index, whole.start(), whole.end(), kind)
                match = self._search(message, position, len(message))


def _keyword_near(spots: list[Spot], start: int, end: int, first: int, last: int) -> bool:
    """Whether a keyword stands within the distance before or after the data, in the same message."""
    for position in range(bisect_left(spots, (start - PROXIMITY - _LONGEST_KEYWORD, 0)), len(spots)):
        keyword_start, keyword_end = spots[position]
        if keyword_start - end > PROXIMITY:
            return False
        near = 0 <= start - keyword_end <= PROXIMITY or keyword_start >= end
        if near and keyword_start >= first and keyword_end <= last:
            return True
    return False


def _without_references(pattern: str) -> str:
    """The pattern with its named groups written out: it matches wherever the strict one does, and in a lookbehind."""
    for name, content in _NAMED_GROUP.findall(pattern):
        pattern = pattern.replace(f"(?P<{name}>{content})", f"(?:{content})").replace(
            f"(?P={name})", f"(?:{content})"
        )
    return pattern


def _left(left: str, first: str) -> str:
    """What may not stand before the first character, as seen from behind it."""
    if left == "none":
        return ""
    if left:
        return f"(?<![{left}][{first}])"
    # A line end that JSON wrote as two characters is no letter.
    return rf"(?:(?<![^\W_][{first}])|(?<=\\[nrt][{first}]))"


def _right(right: str) -> str:
    if right == "none":
        return ""
    return f"(?![{right}])" if right else r"(?![^\W_])"


@cache
def keyword_plan(kinds: tuple[str, ...]) -> Plan | None:
    """The plan of the keywords that matter to exactly these kinds (none when they have no shape of that sort)."""
    identifiers = load()
    shapes = [(kind, shape) for kind in kinds for shape in identifiers[kind].shapes if not shape.anchor]
    return Plan(shapes, near=True) if shapes else None


@cache
def anchor_plan(kinds: tuple[str, ...], shape: Shape) -> Plan:
    """The plan of a shape that needs no keyword."""
    return Plan([(kind, shape) for kind in kinds], near=False)

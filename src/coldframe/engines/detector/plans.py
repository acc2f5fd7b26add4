"""What to search for around the hits of the prefilter, and the exact search itself.

Keywords that matter to the same kinds share one plan: its shapes are tried in one pass over the text around them, so a
keyword without data nearby costs a single search. Shapes without keyword have a plan each.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, repeat
from operator import add
from typing import Any

from coldframe.engines.detector.charset import Charset
from coldframe.engines.detector.checks import CHECKS
from coldframe.engines.detector.findings import Finding
from coldframe.engines.detector.identifiers import Shape, load
from coldframe.engines.detector.shapes import candidates, exact, reach_back

# Stands between the messages of a batch. No shape contains it, so nothing is found across two messages.
SEPARATOR = "\0"
SEPARATOR_BYTE = b"\0"
# A keyword counts when at most so many characters stand between it and the data.
PROXIMITY = 30
# More than any keyword has, so that no keyword near a value is overlooked.
_LONGEST_KEYWORD = 100
# Local parts of e-mail addresses have at most 64 characters.
_LONGEST_BACK = 66
_BACKSLASH = ord("\\")
_PERCENT = ord("%")

Spot = tuple[int, int]
Check = Callable[[str], bool] | None
Matcher = Callable[[str, int], re.Match[str] | None]


class Batch:
    """Some messages as one text, and what was found in them so far."""

    def __init__(self, messages: Sequence[str], charset: Charset) -> None:
        self.messages = messages
        self.text = SEPARATOR + SEPARATOR.join(messages) + SEPARATOR
        self.buffer = charset.encode(self.text)
        self.found: dict[int, set[Finding]] = {}

    @cached_property
    def starts(self) -> list[int]:
        """Where each message begins in the text (counted only when something may have been found)."""
        return list(accumulate(map(add, map(len, self.messages), repeat(1)), initial=1))

    def index(self, position: int) -> int:
        """The message a position of the text belongs to."""
        return bisect_right(self.starts, position) - 1

    def add(self, index: int, start: int, end: int, kind: str) -> None:
        """Record a finding in a message, by the positions in the message."""
        known = self.found.get(index)
        if known is None:
            self.found[index] = {Finding(start, end, kind)}
        else:
            known.add(Finding(start, end, kind))


@dataclass(frozen=True)
class Rule:
    """One shape at a fixed place: the matcher, and the kinds whose data looks like this with their checks."""

    match: Matcher
    first: re.Pattern[str]
    owners: tuple[tuple[str, Check], ...]


class _Plan:
    """The rules of some shapes, made when they are first needed."""

    def __init__(self, shapes: Sequence[tuple[str, Shape]]) -> None:
        self._shapes = shapes
        self._by_first: dict[str, tuple[Rule, ...]] = {}

    def _rules_for(self, character: str) -> tuple[Rule, ...]:
        """The rules of the shapes that can begin with a character."""
        rules = self._by_first.get(character)
        if rules is None:
            rules = tuple(rule for rule in self._rules if rule.first.match(character))
            self._by_first[character] = rules
        return rules

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        looks: dict[tuple[str, str, str, str], list[tuple[str, Shape]]] = {}
        for kind, shape in self._shapes:
            looks.setdefault(shape.look, []).append((kind, shape))
        rules = []
        for owners in looks.values():
            checks = tuple((kind, CHECKS[shape.check] if shape.check else None) for kind, shape in owners)
            shape = owners[0][1]
            rules.append(Rule(exact(shape).match, re.compile(f"[{shape.first}]"), checks))
        return tuple(rules)


class KeywordPlan(_Plan):
    """For keywords: any of the shapes, at most 30 characters before or after."""

    def __init__(self, shapes: Sequence[tuple[str, Shape]]) -> None:
        super().__init__(shapes)
        self._reach = PROXIMITY + 1 + max(shape.longest for _, shape in shapes)

    @cached_property
    def _search(self) -> Callable[[bytes, int], Any]:
        search: Callable[[bytes, int], Any] = candidates([shape for _, shape in self._shapes]).search
        return search

    def confirm(self, batch: Batch, spots: list[Spot]) -> None:
        """Search the text around the keywords, all of it at once, and record what is found in the batch."""
        if len(spots) > 1:
            spots.sort()
        buffer, reach = batch.buffer, self._reach
        pieces: list[bytes] = []
        lows: list[int] = []
        low, high = max(spots[0][0] - reach, 0), 0
        for start, end in spots:
            if start - reach > high > 0:
                pieces.append(buffer[low:high])
                lows.append(low)
                low = start - reach
            if end + reach > high:
                high = end + reach
        pieces.append(buffer[low:high])
        lows.append(low)
        around = SEPARATOR_BYTE.join(pieces)
        match = self._search(around, 0)
        if match is None:
            return
        offsets = [0, *accumulate(len(piece) + 1 for piece in pieces)]
        while match is not None:
            position = match.start()
            piece = bisect_right(offsets, position) - 1
            start = lows[piece] + position - offsets[piece] + 1
            self._decide(batch, start, spots)
            if around[position] == _BACKSLASH:
                self._decide(batch, start + 1, spots)
            elif around[position] == _PERCENT:
                self._decide(batch, start + 2, spots)
            match = self._search(around, position + 1)

    def _decide(self, batch: Batch, start: int, spots: list[Spot]) -> None:
        text = batch.text
        for rule in self._rules_for(text[start]):
            match = rule.match(text, start)
            if match is None:
                continue
            end = match.end()
            index = batch.index(start)
            first = batch.starts[index]
            if not _keyword_near(spots, start, end, first, first + len(batch.messages[index])):
                continue
            value = match[0]
            for kind, check in rule.owners:
                if check is None or check(value):
                    batch.add(index, start - first, end - first, kind)


class AnchorPlan(_Plan):
    """For one shape without keyword, which begins where its anchor does or as far back as certain characters go."""

    def __init__(self, shapes: Sequence[tuple[str, Shape]]) -> None:
        super().__init__(shapes)
        self._back = shapes[0][1].back

    def confirm(self, batch: Batch, spots: list[Spot]) -> None:
        """Match at the anchors and record what is found in the batch."""
        text = batch.text
        for anchor, _ in spots:
            if self._back:
                before = reach_back(self._back).match(text, max(anchor - _LONGEST_BACK, 0), anchor + 1)
                starts = range(before.end(), before.end() + 1) if before is not None else range(0)
            else:
                starts = range(anchor, anchor + 3)
            for start in starts:
                for rule in self._rules:
                    match = rule.match(text, start)
                    if match is not None:
                        self._record(batch, match, rule)

    @staticmethod
    def _record(batch: Batch, match: re.Match[str], rule: Rule) -> None:
        start, end = match.span()
        index = batch.index(start)
        first = batch.starts[index]
        for kind, check in rule.owners:
            if check is None or check(match[0]):
                batch.add(index, start - first, end - first, kind)


class MessagePlan(_Plan):
    """For one shape that may be as long as its message: a block of a private key."""

    def confirm(self, batch: Batch, spots: list[Spot]) -> None:
        """Match at the anchors, but not inside of what is found already, and record what is found in the batch."""
        done = (-1, 0)
        for anchor, _ in sorted(spots):
            index = batch.index(anchor)
            start = anchor - batch.starts[index]
            if done[0] == index and start < done[1]:
                continue
            for rule in self._rules:
                match = rule.match(batch.messages[index], start)
                if match is not None:
                    done = (index, match.end())
                    for kind, _check in rule.owners:
                        batch.add(index, match.start(), match.end(), kind)


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


Plan = KeywordPlan | AnchorPlan | MessagePlan


@lru_cache(maxsize=2048)
def keyword_plan(kinds: tuple[str, ...]) -> KeywordPlan | None:
    """The plan of the keywords that matter to exactly these kinds (none when they have no shape of that sort)."""
    identifiers = load()
    shapes = [(kind, shape) for kind in kinds for shape in identifiers[kind].shapes if not shape.anchor]
    return KeywordPlan(shapes) if shapes else None


@lru_cache(maxsize=2048)
def anchor_plan(kinds: tuple[str, ...], shape: Shape) -> Plan:
    """The plan of a shape that needs no keyword."""
    shapes = [(kind, shape) for kind in kinds]
    return MessagePlan(shapes) if shape.scope == "message" else AnchorPlan(shapes)

"""Finds person names: capitalised words in a row, and words in any case after a key that ends in `name` and the like."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from coldframe.engines.detector.recognizer import name_features as look
from coldframe.engines.detector.recognizer.letters import (
    AFTER,
    ANY,
    BEFORE,
    CAPITALISED,
    LOWER,
    PARTICLE,
    PARTICLES,
    UPPER,
)
from coldframe.engines.detector.recognizer.model import Model, probability

# Starts with a plain space, because the regular expression engine then skips to the next one at memory speed.
# What follows is what may follow the first letter of a capitalised word: "GET" and "ERROR" are no hits.
_HIT = re.compile(rf" [{UPPER}](?<=[{LOWER}.] [{UPPER}])(?=[{LOWER}.'’ ])")
_TAIL = re.compile(rf"(?:{CAPITALISED})\Z")
_RUN = re.compile(rf"{CAPITALISED}(?: (?:{PARTICLE} ){{0,3}}{CAPITALISED}){{1,31}}")
_BEFORE = re.compile(BEFORE)
_AFTER = re.compile(AFTER)
_TOKEN = re.compile(r"[^ ]+")
_LONGEST_WORD = 32

# Each starts with letters that every spelling of its keys shares, for the same reason as _HIT.
_GAP = r"\\?[\"']?\s?[:=]\s?\\?[\"']?"
_KEYS = tuple(re.compile(stem + _GAP) for stem in ("ame", "AME", "older", "atient", "ustomer"))
_WORD = rf"[{ANY}][{ANY}'’-]{{1,23}}"
_VALUE = re.compile(
    rf"({_WORD})(, | |\+|%20)((?:[{ANY}]\.?(?: |\+|%20))?(?:{PARTICLE} )?{_WORD})((?: |\+|%20){_WORD})?"
)
_SEPARATOR = re.compile(r", |[ +]|%20")
_PAIR_KEY = re.compile(r"(?:(first|given|fore)|(last|family|sur))[_-]?n?\Z", re.IGNORECASE)
# One word, or all of a value that a quotation mark or the next parameter of a URL ends.
_PART = rf"{_WORD}(?:(?:(?: |\+|%20)(?:{PARTICLE} ){{0,3}}{_WORD}){{1,3}}(?=\\?[\"'&]))?"
_PAIR_NEXT = re.compile(
    rf"({_PART})\\?[\"']?[,;&\s]{{1,3}}\\?[\"']?(?:(first|given|fore)|(last|family|sur))[_-]?name{_GAP}({_PART})(?![\w@.:/-])",
    re.IGNORECASE,
)
_PLACEHOLDERS = frozenset(
    [
        "null",
        "none",
        "nil",
        "undefined",
        "unknown",
        "string",
        "required",
        "empty",
        "true",
        "false",
        "test",
        "name",
        "missing",
        "redacted",
    ]
)
_PAIR_SCORE = 0.9

Token = tuple[int, int, str]


class Window(NamedTuple):
    """A candidate: where it is, its words (given name first), and what separates them."""

    start: int
    end: int
    words: tuple[str, ...]
    separator: str


def windows(text: str) -> Iterator[list[Window]]:
    """Give the candidates of `text` in groups; within a group they overlap and at most some of them are names."""
    done = 0
    for hit in _HIT.finditer(text):
        space = hit.start()
        if space < done:
            continue
        start = _run_start(text, space, done)
        if start < 0:
            continue
        run = _RUN.match(text, start)
        if run is None:
            continue
        done = run.end()
        tokens = [(m.start(), m.end(), m[0]) for m in _TOKEN.finditer(text, start, done)]
        group = list(_windows_of(text, tokens))
        if group:
            yield group
    for key in _KEYS:
        for hit in key.finditer(text):
            group = _keyed(text, hit.end())
            if group:
                yield group


def _run_start(text: str, space: int, done: int) -> int:
    """Return where the run of capitalised words that goes on after `space` begins, or -1."""
    start = -1
    at = space
    for _ in range(6):
        begin = max(text.rfind(" ", max(done, at - _LONGEST_WORD), at) + 1, done, at - _LONGEST_WORD)
        if text[begin:at] in PARTICLES:
            at = begin - 1
            continue
        tail = _TAIL.search(text, begin, at)
        if tail is None:
            break
        start = tail.start()
        if start != begin or begin <= done or text[begin - 1] != " ":
            break
        at = begin - 1
    return start


def _windows_of(text: str, tokens: list[Token]) -> Iterator[Window]:
    for i, (start, _, first) in enumerate(tokens):
        if first in PARTICLES or not first[0].isupper() or not _BEFORE.match(text, start):
            continue
        words = 0
        for j in range(i, min(i + 6, len(tokens))):
            _, end, word = tokens[j]
            if word in PARTICLES or not word[0].isupper():
                continue
            words += len(word.rstrip(".")) > 1
            if j == i or words < 2 or len(word.rstrip(".")) == 1 or not _AFTER.match(text, end):
                continue
            if words > 4:
                break
            yield Window(start, end, tuple(token[2] for token in tokens[i : j + 1]), " ")


def _keyed(text: str, start: int) -> list[Window]:
    """Return the candidates that begin at `start`, directly after a key that may announce a name."""
    value = _VALUE.match(text, start)
    if value is None:
        return []
    group = []
    for end in dict.fromkeys((value.end(), value.end(3))):
        if _AFTER.match(text, end):
            words = tuple(_SEPARATOR.split(text[start:end]))
            if value[2] == ", ":
                words = (*words[1:], words[0])
            group.append(Window(start, end, words, value[2]))
    return group


def pairs(text: str) -> Iterator[tuple[int, int, float]]:
    """Give the values of a given-name key and a family-name key that follow each other, both as names."""
    for key in _KEYS[:2]:
        for hit in key.finditer(text):
            first = _PAIR_KEY.search(text, max(0, hit.start() - 9), hit.start())
            follows = _PAIR_NEXT.match(text, hit.end()) if first else None
            if first is None or follows is None or (first[1] is None) == (follows[2] is None):
                continue
            if {follows[1].lower(), follows[4].lower()} & _PLACEHOLDERS:
                continue
            yield follows.start(1), follows.end(1), _PAIR_SCORE
            yield follows.start(4), follows.end(4), _PAIR_SCORE


def features(model: Model, text: str, window: Window) -> list[str]:
    """Return all features of a candidate; training uses this, finding sums the same features piece by piece."""
    codes = "".join(look.code(model, word) for word in window.words)
    shapes = "".join(look.shape(word) for word in window.words)
    found = look.pattern_features(codes, shapes, window.separator, look.is_place(model, window.words))
    found += look.left_features(model, look.left_context(text, window.start), codes)
    found += look.right_features(model, look.right_context(text, window.end), codes)
    for role, word in _roles(window.words):
        found += look.word_features(role, word)
    return found


def _roles(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    last = len(words) - 1
    for at, word in enumerate(words):
        if word not in PARTICLES:
            yield "f" if at == 0 else "l" if at == last else "m", word


class NameFinder:
    """Scores the candidates of a text with a model and keeps the best of those that overlap."""

    REMEMBERED = 20_000
    # More candidates in a row than a dozen capitalised words give: a heading or a list, where only known names count.
    LONG = 30

    def __init__(self, model: Model, threshold: float) -> None:
        self._model = model
        self._weights = model.weights["name"]
        self._threshold = threshold
        # Logs repeat themselves: most pieces of most candidates have been seen before.
        self._sums: dict[tuple[object, ...], float] = {}
        self._codes: dict[str, str] = {}

    def find(self, text: str) -> list[tuple[int, int, float]]:
        """Return the names of `text` as start, end and probability, in order, not overlapping."""
        scored: list[tuple[float, int, int]] = []
        for group in windows(text):
            for window in group if len(group) <= self.LONG else filter(self._is_listed, group):
                score = probability(self._score(text, window))
                if score >= self._threshold:
                    scored.append((score, window.start, window.end))
        scored += [(score, start, end) for start, end, score in pairs(text)]
        return select(scored)

    def _is_listed(self, window: Window) -> bool:
        return self._code(window.words[0]) in "GBgb" and self._code(window.words[-1]) in "FBfb"

    def _score(self, text: str, window: Window) -> float:
        model = self._model
        codes = "".join(map(self._code, window.words))
        shapes = "".join(map(look.shape, window.words))
        left = look.left_context(text, window.start)
        right = look.right_context(text, window.end)
        place = look.is_place(model, window.words)
        pattern = ("p", codes, shapes, window.separator, place)
        total = self._sum(pattern, lambda: look.pattern_features(codes, shapes, window.separator, place))
        total += self._sum(("L", left, codes), lambda: look.left_features(model, left, codes))
        total += self._sum(("R", right, codes), lambda: look.right_features(model, right, codes))
        for role, word in _roles(window.words):
            total += self._sum((role, word), lambda r=role, w=word: look.word_features(r, w))  # type: ignore[misc]
        return total

    def _sum(self, key: tuple[object, ...], make: Callable[[], list[str]]) -> float:
        known = self._sums.get(key)
        if known is None:
            if len(self._sums) >= self.REMEMBERED:
                self._sums.clear()
            known = self._sums[key] = self._weights.sum(make())
        return known

    def _code(self, word: str) -> str:
        known = self._codes.get(word)
        if known is None:
            if len(self._codes) >= self.REMEMBERED:
                self._codes.clear()
            known = self._codes[word] = look.code(self._model, word)
        return known


def select(scored: list[tuple[float, int, int]]) -> list[tuple[int, int, float]]:
    """Keep the best of what overlaps; of equal ones the longer, then the earlier. Returns start, end, score in order."""
    scored.sort(key=lambda item: (-item[0], item[1] - item[2], item[1]))
    kept: dict[int, tuple[int, int, float]] = {}
    # Findings are short, so a few coarse cells of the text show every overlap in constant time.
    cells: dict[int, list[tuple[int, int]]] = {}
    for score, start, end in scored:
        span = range(start >> 7, (end >> 7) + 1)
        if any(
            start < other_end and other_start < end
            for cell in span
            for other_start, other_end in cells.get(cell, ())
        ):
            continue
        kept[start] = (start, end, score)
        for cell in span:
            cells.setdefault(cell, []).append((start, end))
    return [kept[start] for start in sorted(kept)]

"""What the name model looks at: the words of a candidate, their pattern, and the text on both sides.

A feature is a short string; the model holds one weight for its hash. Features come in pieces (a word in its place, the
pattern, the left side, the right side) because the sum of a piece's weights is worth remembering between events.
"""

import re

from coldframe.engines.detector.recognizer.letters import PARTICLES, TITLES
from coldframe.engines.detector.recognizer.model import Model, word_hash

_CONTEXT = 48
_LEFT = re.compile(r"(?<![\w-])(?:([\w-]{1,24})[^\w\0]{1,4})?([\w-]{1,32})([^\w\0]{0,6})\Z")
_RIGHT = re.compile(r"([^\w\0]{0,3})([\w-]{0,24})")
_SUBWORDS = re.compile(r"[A-Z]?[a-zà-ÿ]+|[A-Z]+(?![a-z])|\d+")
_DIGITS = re.compile(r"\d+")
_ESCAPE = re.compile(r"\A(?:u[0-9a-f]{4}|[nrt])(?=[A-Z])")
_CODES = "uGFBCgfb"  # unknown, given, family, both; the second four: also a common English word


def code(model: Model, word: str) -> str:
    """Return one letter for what the word sets know of `word`: I is an initial, P a particle, S a title; the rest, see _CODES."""
    if word in PARTICLES:
        return "P"
    if len(word.rstrip(".")) == 1:
        return "I"
    if word.lower() in TITLES:
        return "S"
    hashed = word_hash(word)
    words = model.words
    bits = (hashed in words["given"]) + 2 * (hashed in words["family"]) + 4 * (hashed in words["common"])
    if not bits & 3 and "-" in word:
        parts = [code(model, part) for part in word.split("-") if part]
        return "G" if set(parts) <= set("GB") else "F" if set(parts) <= set("FB") else _CODES[bits]
    return _CODES[bits]


def shape(word: str) -> str:
    """Return U, L, T or M for upper, lower, title and mixed case."""
    if word.isupper():
        return "U"
    if word.islower():
        return "L"
    return "T" if word[1:].islower() else "M"


def is_place(model: Model, words: tuple[str, ...]) -> bool:
    """Say whether the words, as a phrase, are the name of a place."""
    return word_hash(" ".join(words)) in model.words["place"]


def word_features(role: str, word: str) -> list[str]:
    """Return the features of `word` as the first (f), a middle (m) or the last (l) word of a candidate."""
    low = word.lower()
    edged = f"^{low}$"
    features = [f"{role}={low}", f"{role}#{min(len(low), 9)}", f"{role}s{shape(word)}"]
    features += [f"{role}<{edged[:size]}" for size in (3, 4)]
    features += [f"{role}>{edged[-size:]}" for size in (3, 4, 5)]
    features += [f"{role}~{edged[at : at + 3]}" for at in range(1, min(len(edged) - 3, 10))]
    return features


def pattern_features(codes: str, shapes: str, separator: str, place: bool) -> list[str]:
    """Return the features of the words' codes and shapes taken together, of what separates them, and of a known place."""
    return [
        f"z{place:d}",
        "B",
        f"p{codes}",
        f"q{codes[0]}{codes[-1]}{len(codes)}",
        f"h{shapes}",
        f"c{separator}{codes}{shapes[0]}",
    ]


def left_context(text: str, start: int) -> tuple[str, str, str]:
    """Return the two words before `start` and what stands between the nearer one and `start`, within one text."""
    match = _LEFT.search(text, max(0, start - _CONTEXT), start)
    if match is None:
        return "", "", text[max(0, start - 2) : start].rpartition("\0")[2]
    return match[1] or "", match[2], match[3]


def right_context(text: str, end: int) -> tuple[str, str]:
    """Return what stands directly after `end` and the word after that, within one text."""
    match = _RIGHT.match(text, end)
    return (match[1], match[2]) if match else ("", "")


def left_features(model: Model, context: tuple[str, str, str], codes: str) -> list[str]:
    """Return the features of the text on the left, also together with the candidate's `codes`."""
    before, word, gap = context
    word = _ESCAPE.sub("", word)
    low = _DIGITS.sub("0", word.lower())
    subwords = [part.lower() for part in _SUBWORDS.findall(word)][-3:] or [low]
    gap = gap.replace("\\", "")
    title = "S" if low in TITLES else "-"
    key = "k" if "=" in gap or ":" in gap else "w"
    known = code(model, word) if word and gap == " " and word[0].isupper() else "-"
    features = [
        f"Lc{title}{gap[-1:]}",
        f"L{key}{low}",
        f"Lg{gap}",
        f"Lc{known}{codes}",
        f"Lx{word[:1].isupper():d}{gap[:1]}",
    ]
    features += [f"Ls{key}{part}" for part in subwords]
    features += [f"Le{key}{subwords[-1]}{codes[0]}{codes[-1]}", f"L2{_DIGITS.sub('0', before.lower())}"]
    return features


def right_features(model: Model, context: tuple[str, str], codes: str) -> list[str]:
    """Return the features of the text on the right, also together with the candidate's `codes`."""
    gap, word = context
    low = _DIGITS.sub("0", word.lower())
    known = code(model, word) if word and gap == " " and word[0].isupper() else "-"
    return [
        f"Rg{gap.replace(chr(92), '')}",
        f"R{gap[:1]}{low}",
        f"Rc{known}{codes}",
        f"Rx{word[:1].isupper():d}{gap[:1]}",
    ]

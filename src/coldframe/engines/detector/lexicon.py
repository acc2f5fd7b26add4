"""The patterns of the prefilter: every keyword once, and the anchors of the shapes that need no keyword.

A keyword begins where a word begins, also inside of a name: "ssn" is in "customerSsn". Its end is open ("codice fiscal"
is found in "codice fiscale"), except that a keyword of two or three letters ends where its word does: "sin" is not in
"since", but it is in "sinNumber".
A space in a keyword stands for a space, an underscore, a hyphen or nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from coldframe.engines.detector.charset import Charset
from coldframe.engines.detector.identifiers import Identifier, Shape, load

# A line end that JSON wrote as two characters ends a word too, though its second one is a letter; so does a sign that
# a URL has as a percent sign and two digits.
_WORD_START = r"(?:[^0-9A-Za-z\x80-\xff]|\\[nrt]|%[2357][0-9A-F])"
_APOSTROPHES = "'’"


@dataclass(frozen=True)
class Pattern:
    """One pattern of the prefilter, over the bytes of the lexicon's character set.

    A hit of a keyword includes the character before it and `tail` characters after it. `owners` are the kinds it
    matters to; `shape` is set for anchors.
    """

    regex: str
    tail: int
    owners: tuple[str, ...]
    shape: Shape | None = None


@dataclass(frozen=True)
class Lexicon:
    """All patterns, in the order of their ids, and the character set they are written for."""

    patterns: tuple[Pattern, ...]
    charset: Charset


def _keyword_pattern(keyword: str, charset: Charset) -> tuple[str, int]:
    pieces = []
    for character in keyword:
        if character == " ":
            pieces.append("[ _-]?")
        elif character in _APOSTROPHES:
            pieces.append("(?:" + "|".join(charset.pattern(form) for form in _APOSTROPHES) + ")")
        else:
            pieces.append(charset.pattern(character))
    body = "(?i:" + "".join(pieces) + ")"
    capital = keyword[0].upper() if "a" <= keyword[0] <= "z" else ""
    if len(keyword) <= 3 and keyword.isalpha():
        hump = f"(?:{keyword}|{keyword.capitalize()})[A-Z]"
        inside = f"[a-z](?:(?:{keyword.capitalize()}|{keyword.upper()})[^A-Za-z]|{keyword.capitalize()}[A-Z])"
        return f"{_WORD_START}(?:{body}[^A-Za-z]|{hump})|{inside}", 1
    inside = f"|[a-z]{capital}(?i:{''.join(pieces[1:])})" if capital else ""
    return f"{_WORD_START}{body}{inside}", 0


def build(identifiers: Mapping[str, Identifier]) -> Lexicon:
    """The lexicon of some identifiers."""
    owners: dict[str, list[str]] = {}
    anchors: dict[Shape, list[str]] = {}
    for identifier in identifiers.values():
        for keyword in identifier.keywords:
            owners.setdefault(keyword, []).append(identifier.kind)
        for shape in identifier.shapes:
            if shape.anchor:
                anchors.setdefault(shape, []).append(identifier.kind)
    charset = Charset({character for keyword in owners for character in keyword} | set(_APOSTROPHES))
    patterns = []
    for keyword, kinds in owners.items():
        regex, tail = _keyword_pattern(keyword, charset)
        patterns.append(Pattern(regex, tail, tuple(kinds)))
    for shape, kinds in anchors.items():
        patterns.append(Pattern(shape.anchor, 0, tuple(kinds), shape))
    return Lexicon(tuple(patterns), charset)


@cache
def lexicon() -> Lexicon:
    """The lexicon of all kinds."""
    return build(load())

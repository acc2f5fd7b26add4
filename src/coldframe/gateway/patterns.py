"""The regular expressions of the service models, which are Java's, run by RE2 or, where that cannot, by Python."""

import re
from collections.abc import Callable
from functools import cache

import re2

# Patterns that neither engine takes, with the reason; a shape with one of them is not held against it.
UNTRANSLATED = {
    r"^(?![^:\\]*/action/|(?i).*<script>.*</script>.*)[^:\\]+$": "a flag inside a look-ahead, which only Java takes",
}
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
_ONE_CLASS = re.compile(r"\^?\[(?:[^\[\]\\&]|\\[^pPhRuxXQEGcN0-9])+\](?:[*+]|\{\d+(?:,\d*)?\})?\$?")
_CLASSES = {r"\p{IsLetter}": r"\p{L}", r"\p{IsDigit}": r"\p{Nd}", r"\p{IsAlphabetic}": r"\p{L}"}
_CLASSES |= {
    r"\p{ASCII}": r"\x00-\x7F",
    r"\p{Alnum}": "0-9A-Za-z",
    r"\p{Alpha}": "A-Za-z",
    r"\p{Digit}": "0-9",
}
_CLASSES |= {r"\p{Graph}": r"\x21-\x7E", r"\p{Print}": r"\x20-\x7E", r"\h": r" \t", r"\p{Space}": r"\s"}
_SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"  # Java's way to write every character beyond the first plane
_RANGE_AFTER_CLASS = re.compile(r"(\\[wds])-(?=[^\]])")
# Python has no Unicode categories: the nearest classes, used only for patterns with look-aheads.
_CATEGORIES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}
_PATTERN_OPTIONS = re2.Options()
_PATTERN_OPTIONS.log_errors = False
_PATTERN_OPTIONS.max_mem = 4 << 20


@cache
def full_match(pattern: str) -> Callable[[str], object] | None:
    """Make the function that says whether a whole text matches; None when no engine takes the pattern.

    RE2 goes first because its time is linear in the text, whatever a caller sends; a pattern that is a single
    character class is that in Python too, and faster there.
    """
    text = pattern
    for java, plain in _CLASSES.items():
        text = text.replace(java, plain)
    text = _RANGE_AFTER_CLASS.sub(r"\1\\-", text)
    if _ONE_CLASS.fullmatch(text):
        return re.compile(text, re.ASCII).fullmatch
    wide = _ESCAPED.sub(r"\\x{\1}", text.replace(_SURROGATES, r"\x{10000}-\x{10FFFF}"))
    try:
        linear = re2.compile(wide, options=_PATTERN_OPTIONS)
    except re2.error:
        pass
    else:
        match: Callable[[str], object] = linear.fullmatch
        return match
    near = text
    for category, class_ in _CATEGORIES.items():
        near = near.replace(category, class_)
    try:
        return re.compile(near, re.ASCII if near == text else 0).fullmatch
    except (re.error, OverflowError, RecursionError):
        return None

r"""The regular expressions a filter pattern may hold: AWS's subset, run by RE2 in linear time.

Source: "Filter pattern syntax", section "Supported regular expressions (regex) syntax". Allowed are letters and
digits, the symbols : _ # = @ / ; , - and the operators ^ $ ? [ ] { } | \ * + . with the classes \d \D \s \S \w \W
and \xhh. Parentheses and characters of several bytes are refused. White space is written \s.
"""

import re

import re2

from coldframe.services.logs.filter_patterns.errors import InvalidPattern

GREATEST_PROGRAM = 2000
"""Instructions of a compiled expression. RE2's time is at worst their number times the length of the text: at this
limit half a second for the longest event of 256 KiB, where `.{0,1000}` written four times would take 16 seconds."""

MEMORY = 1 << 20
"""Bytes that one expression's automaton may take before RE2 falls back to the slower way."""

_ALLOWED = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.]*")
_ESCAPES = re.compile(r"\\(?:[dDsSwW]|x[0-9A-Fa-f]{2}|[^A-Za-z0-9])")
_ESCAPE_OR_CLASS = re.compile(r"[\\\[]")
_OPERATORS = frozenset("^$?[]{}|\\*+.")
_MAY_REPEAT_ZERO_TIMES = frozenset("?*{")


class RegularExpression:
    """One `%...%` of a pattern; `search` says whether a text holds it, `literal` is text it cannot do without."""

    __slots__ = ("_expression", "literal", "source")

    def __init__(self, source: str) -> None:
        """Check and compile; raise InvalidPattern where AWS's subset does not hold this expression."""
        _check(source)
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MEMORY
        try:
            # A pattern of bytes makes RE2 take UTF-8 as it is and spares it the mapping of offsets.
            self._expression = re2.compile(source.encode("ascii"), options)
        except re2.error as error:
            raise InvalidPattern(f"regular expression %{source}%: {_reason(error)}") from error
        if self._expression.programsize > GREATEST_PROGRAM:
            raise InvalidPattern(f"regular expression %{source}% repeats too much to be run on every event")
        self.source = source
        self.literal = _required_literal(source)

    def search(self, text: str) -> bool:
        """Whether the expression matches anywhere in this text."""
        if self.literal not in text:
            return False
        if self.literal == self.source:
            return True
        # Not re2.Set, twice as fast: it answers "no match" when its automaton outgrows its memory.
        return self._expression.search(text.encode("utf-8", "surrogatepass")) is not None


def _reason(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)


def _check(source: str) -> None:
    if not source:
        raise InvalidPattern("a regular expression is empty")
    end = _ALLOWED.match(source).end()  # type: ignore[union-attr]  # it matches the empty text at least
    if end < len(source):
        raise InvalidPattern(f"regular expression %{source}%: character {source[end]!r} is not supported")
    position = source.find("\\")
    while position >= 0:
        escape = _ESCAPES.match(source, position)
        if not escape:
            raise InvalidPattern(
                f"regular expression %{source}%: escape {source[position : position + 2]!r} is not supported"
            )
        position = source.find("\\", escape.end())


def _required_literal(source: str) -> str:
    """Return the longest text that every match must hold; empty where the expression says nothing simple."""
    if "|" in source:
        return ""
    # Escapes and classes would need a parser; the part before them is enough to pass over most messages.
    source = _ESCAPE_OR_CLASS.split(source, maxsplit=1)[0]
    longest = run = ""
    for index, character in enumerate(source):
        if character == "{":
            break
        if character in _OPERATORS or source[index + 1 : index + 2] in _MAY_REPEAT_ZERO_TIMES:
            run = ""
        else:
            run += character
            longest = max(longest, run, key=len)
    return longest

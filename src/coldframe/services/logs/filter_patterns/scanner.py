"""A reader over the text of a filter pattern: the tokens that all three forms of pattern share."""

import re

from coldframe.services.logs.filter_patterns.errors import InvalidPattern
from coldframe.services.logs.filter_patterns.regular_expressions import RegularExpression

MAXIMUM_REGULAR_EXPRESSIONS = 2
_SPACE = re.compile(r"\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')
_REGULAR_EXPRESSION = re.compile(r"%([^%]*)%")


class Scanner:
    """A position in a pattern's text, and the regular expressions counted so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._regular_expressions = 0

    def skip_space(self) -> bool:
        """Move past white space; true when there was some."""
        start = self.position
        found = _SPACE.match(self.text, start)
        self.position = found.end() if found else start
        return self.position > start

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.position >= len(self.text)

    def peek(self) -> str:
        """Return the next character, or an empty string at the end."""
        return self.text[self.position : self.position + 1]

    def take(self, literal: str) -> bool:
        """Move past this literal if it comes next."""
        if not self.text.startswith(literal, self.position):
            return False
        self.position += len(literal)
        return True

    def match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        """Move past this expression if it comes next, and return what it matched."""
        found = expression.match(self.text, self.position)
        if found:
            self.position = found.end()
        return found

    def quoted(self) -> str | None:
        r"""Read `"..."`, in which `\"` and `\\` are escapes; None when no quotation mark comes next."""
        if self.peek() != '"':
            return None
        found = self.match(_QUOTED)
        if not found:
            raise self.invalid("a quotation mark is not closed")
        return _ESCAPE.sub(r"\1", found[1])

    def regular_expression(self) -> RegularExpression | None:
        """Read `%...%`; None when no percent sign comes next. A pattern may hold two of them."""
        if self.peek() != "%":
            return None
        found = self.match(_REGULAR_EXPRESSION)
        if not found:
            raise self.invalid("a regular expression is not closed with %")
        self._regular_expressions += 1
        if self._regular_expressions > MAXIMUM_REGULAR_EXPRESSIONS:
            raise self.invalid(f"more than {MAXIMUM_REGULAR_EXPRESSIONS} regular expressions")
        return RegularExpression(found[1])

    def invalid(self, reason: str) -> InvalidPattern:
        """Make the error that names the reason and the place."""
        return InvalidPattern(f"{reason}, at character {self.position + 1}")

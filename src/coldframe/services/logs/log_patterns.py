"""Patterns of log events, by rule and not by learning: a token with a digit in it is what varies between events.

Templates are texts with MARK in the place of each such token. What a token is called follows from what it looks like.
"""

import hashlib
from functools import cache
from typing import Any, NamedTuple

MARK = "\x01"
"""Stands for a varying token; log events hardly have this control character."""

BEFORE = r"[^\s\[\]{}()<>,;=:\"']"
"""A character that a varying token may begin with; in RE2's syntax."""

AFTER = r"[^\s\[\]{}()<>,;=\"']"
"""A character that a varying token may go on with after its first digit."""

VARYING = rf"{BEFORE}*[0-9]{AFTER}*|\*{{3,}}"
"""A token with a digit in it, or what masking has left."""

SEVERITIES = ("FATAL", "CRITICAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")

KINDS: tuple[tuple[str, str], ...] = (
    ("Masked", r"\*{3,}"),
    ("UUID", r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"),
    ("IPAddress", r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?"),
    (
        "Timestamp",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T_][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[-+][0-9:]{4,6})?",
    ),
    ("Date", r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}|[0-9]{2}/[0-9]{2}/[0-9]{4}|[0-9]{2}/[A-Za-z]{3}/[0-9]{4}.*"),
    ("Time", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"),
    ("Number", r"[-+]?[0-9]+(?:\.[0-9]+)?%?"),
    ("Duration", r"[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|m|h)"),
    ("Hash", r"(?:0x)?[0-9A-Fa-f]{8,}"),
    ("Path", r"/.*"),
)
"""What a token is called whose whole text matches; the first that does. Else it is called Token."""


class Found(NamedTuple):
    """A text taken apart: its template and the varying tokens in their order."""

    template: str
    tokens: tuple[str, ...]


def taken_apart(text: str) -> Found:
    """Return the template and the tokens of a text."""
    expression = _varying()
    return Found(expression.sub(MARK, text), tuple(found[0] for found in expression.finditer(text)))


def kind_of(token: str) -> str:
    """Return what a token is called."""
    return next((name for name, expression in _kinds() if expression.fullmatch(token)), "Token")


def identifier(template: str) -> str:
    """Return the id of a pattern: 32 hexadecimal digits that follow from its template."""
    return hashlib.md5(template.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def severity(template: str) -> str:
    """Return the severity that a template names, NONE where it names none."""
    upper = template.upper()
    return next((name for name in SEVERITIES if name in upper), "NONE")


@cache
def _varying() -> Any:
    import re2

    return re2.compile(VARYING)


@cache
def _kinds() -> tuple[tuple[str, Any], ...]:
    import re2

    return tuple((name, re2.compile(text)) for name, text in KINDS)

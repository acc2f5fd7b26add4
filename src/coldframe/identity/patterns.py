"""Wildcard patterns of the policy language: `*` and `?` in plain text and, segment by segment, in ARNs."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

Match = Callable[[str], bool]


class Wildcard(Enum):
    """The two wildcards: any run of characters, and exactly one character."""

    MANY = "*"
    ONE = "?"


class Variable(NamedTuple):
    """A policy variable: the context key it names, in lower case, its default if it has one, and its own spelling."""

    key: str
    default: str | None
    spelling: str


Token = str | Wildcard | Variable
Template = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The text between two `*`; `regex` is set when the chunk holds a `?`."""

    text: str
    length: int
    regex: re.Pattern[str] | None

    def at(self, text: str, position: int) -> bool:
        if self.regex is None:
            return text.startswith(self.text, position)
        return self.regex.match(text, position) is not None

    def find(self, text: str, start: int, end: int) -> int:
        if self.regex is None:
            return text.find(self.text, start, end)
        found = self.regex.search(text, start, end)
        return -1 if found is None else found.start()


def literal_text(template: Template) -> str | None:
    """Give the one text that the template stands for, or None if it has wildcards or variables."""
    if all(isinstance(token, str) for token in template):
        return "".join(token for token in template if isinstance(token, str))
    return None


def has_variables(template: Template) -> bool:
    """Say whether the template must be resolved against a request before it can match."""
    return any(isinstance(token, Variable) for token in template)


def _chunk(tokens: Sequence[Token]) -> _Chunk:
    literal = literal_text(tuple(tokens))
    if literal is not None:
        return _Chunk(literal, len(literal), None)
    regex = "".join("." if token is Wildcard.ONE else re.escape(str(token)) for token in tokens)
    length = sum(1 if token is Wildcard.ONE else len(str(token)) for token in tokens)
    return _Chunk("", length, re.compile(regex, re.DOTALL))


def _chunks(template: Template) -> list[_Chunk]:
    runs: list[list[Token]] = [[]]
    for token in template:
        if token is Wildcard.MANY:
            runs.append([])
        else:
            runs[-1].append(token)
    return [_chunk(run) for run in runs]


def _always(_text: str) -> bool:
    return True


def _never(_text: str) -> bool:
    return False


def compile_text(template: Template) -> Match:
    """Compile a template without variables; `*` spans anything.

    Between two `*` the leftmost place is taken, which needs no backtracking: a hostile pattern costs at most
    pattern length times text length.
    """
    literal = literal_text(template)
    if literal is not None:
        return lambda text: text == literal
    if Wildcard.MANY not in template:
        whole = _chunk(template)
        return lambda text: len(text) == whole.length and whole.at(text, 0)
    head, *between, tail = _chunks(template)
    middle = [chunk for chunk in between if chunk.length]
    if not middle and not tail.length and head.regex is None:
        prefix = head.text
        return (lambda text: text.startswith(prefix)) if prefix else _always

    def match(text: str) -> bool:
        start, end = head.length, len(text) - tail.length
        if end < start or not head.at(text, 0) or not tail.at(text, end):
            return False
        for chunk in middle:
            start = chunk.find(text, start, end)
            if start < 0:
                return False
            start += chunk.length
        return True

    return match


ARN_SEGMENTS = 6


def arn_segments(template: Template) -> list[Template]:
    """Cut a template at the colons of its literals into at most six segments, the sixth holding all the rest."""
    segments: list[list[Token]] = [[]]
    for token in template:
        if not isinstance(token, str):
            segments[-1].append(token)
            continue
        first, *others = token.split(":", ARN_SEGMENTS - len(segments))
        if first:
            segments[-1].append(first)
        segments.extend([part] if part else [] for part in others)
    return [tuple(segment) for segment in segments]


def compile_arn(template: Template) -> Match:
    """Compile an ARN template without variables.

    A wildcard in one of the first five segments stays in it; in the resource part it spans colons and slashes. A
    template of fewer than six segments that ends in `*` covers the segments it leaves out (`arn:aws:sqs:*`).
    """
    if template and all(token is Wildcard.MANY for token in template):
        return _always
    segments = arn_segments(template)
    if len(segments) < ARN_SEGMENTS:
        if not template or template[-1] is not Wildcard.MANY:
            return _never
        segments += [(Wildcard.MANY,)] * (ARN_SEGMENTS - len(segments))
    if all(literal_text(segment) is not None for segment in segments[:-1]):
        return compile_text(template)
    checks = [
        (place, compile_text(segment))
        for place, segment in enumerate(segments)
        if segment != (Wildcard.MANY,)
    ]
    prefix = template[0] if isinstance(template[0], str) else ""

    def match(text: str) -> bool:
        if not text.startswith(prefix):
            return False
        parts = text.split(":", ARN_SEGMENTS - 1)
        if len(parts) != ARN_SEGMENTS:
            return False
        for place, check in checks:  # noqa: SIM110 (a generator costs more than the checks themselves)
            if not check(parts[place]):
                return False
        return True

    return match

"""Search expressions: which metrics the text inside SEARCH finds.

Source: Amazon CloudWatch user guide, "CloudWatch search expression syntax": `{Namespace, DimensionName, ...}` names a
schema exactly; the terms after it are joined by AND (or nothing), OR and NOT; a term may be `Property=value`; a value in
double quotes is matched exactly, another one as a whole or as one of the words that the text is made of, whatever their
case ("myMetricName" is made of my, metric and name).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from coldframe.engines.metricstore.keys import Metric
from coldframe.services.cloudwatch.expressions.values import ExpressionError

Match = Callable[[Metric], bool]

_TOKEN = re.compile(r'\s*(?:(?P<sign>[(){},=])|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[^\s(){},="]+))')
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MOST_DEPTH = 20


class _Token(NamedTuple):
    kind: str
    text: str


def compile_search(text: str) -> Match:
    """Return the function that tells whether a metric is found; raises ExpressionError."""
    return _Parser(text).search()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[_Token] = []
        self._at = 0
        self._depth = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise ExpressionError(f"The search expression cannot be read from position {at + 1} on")
            self._tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._tokens.append(_Token("end", ""))

    def search(self) -> Match:
        parts: list[Match] = []
        if self._next("{"):
            parts.append(self._schema())
        if self._tokens[self._at].kind != "end":
            parts.append(self._any())
        if self._tokens[self._at].kind != "end":
            raise self._unexpected()
        if not parts:
            raise ExpressionError("The search expression is empty")
        return lambda metric: all(part(metric) for part in parts)

    def _schema(self) -> Match:
        names = []
        while True:
            token = self._take()
            if token.kind not in {"word", "text"}:
                self._at -= 1
                raise self._unexpected()
            names.append(self._joined(_plain(token)))
            if self._next("}"):
                break
            if not self._next(","):
                raise self._unexpected()
        namespace, dimensions = names[0], sorted(names[1:])
        return lambda metric: (
            metric.namespace == namespace and [name for name, _ in metric.dimensions] == dimensions
        )

    def _joined(self, text: str) -> str:
        """Add the words that follow: a name may have spaces."""
        while self._tokens[self._at].kind == "word":
            text += " " + self._take().text
        return text

    def _any(self) -> Match:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise ExpressionError("The search expression is nested too deep")
        choices = [self._all()]
        while self._word("OR"):
            choices.append(self._all())
        self._depth -= 1
        return choices[0] if len(choices) == 1 else lambda metric: any(choice(metric) for choice in choices)

    def _all(self) -> Match:
        parts = [self._term()]
        while True:
            explicit = self._word("AND")
            token = self._tokens[self._at]
            ends = token.kind == "end" or token.text == ")" or (token.kind == "word" and token.text == "OR")
            if ends and not explicit:
                return parts[0] if len(parts) == 1 else lambda metric: all(part(metric) for part in parts)
            parts.append(self._term())

    def _term(self) -> Match:
        if self._word("NOT"):
            refused = self._term()
            return lambda metric: not refused(metric)
        if self._next("("):
            inner = self._any()
            self._close()
            return inner
        token = self._take()
        if token.kind not in {"word", "text"}:
            self._at -= 1
            raise self._unexpected()
        if self._next("="):
            return self._property(_plain(token))
        fits = _fits(token)
        return lambda metric: any(fits(text) for text in _texts(metric))

    def _property(self, name: str) -> Match:
        fits = self._values()

        def match(metric: Metric) -> bool:
            value = _property_of(metric, name)
            return value is not None and fits(value)

        return match

    def _values(self) -> Callable[[str], bool]:
        """Return the test of what stands after the equals sign: one value, or several in parentheses."""
        if not self._next("("):
            token = self._take()
            if token.kind not in {"word", "text"}:
                self._at -= 1
                raise self._unexpected()
            return _fits(token)
        groups: list[list[tuple[bool, Callable[[str], bool]]]] = [[]]
        while not self._next(")"):
            if self._word("OR"):
                groups.append([])
                continue
            self._word("AND")
            wanted = not self._word("NOT")
            token = self._take()
            if token.kind not in {"word", "text"}:
                self._at -= 1
                raise self._unexpected()
            groups[-1].append((wanted, _fits(token)))
        return lambda text: any(
            bool(group) and all(fits(text) is wanted for wanted, fits in group) for group in groups
        )

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _next(self, sign: str) -> bool:
        if self._tokens[self._at] == _Token("sign", sign):
            self._at += 1
            return True
        return False

    def _word(self, word: str) -> bool:
        if self._tokens[self._at] == _Token("word", word):
            self._at += 1
            return True
        return False

    def _close(self) -> None:
        if not self._next(")"):
            raise self._unexpected()

    def _unexpected(self) -> ExpressionError:
        token = self._tokens[self._at]
        what = "ends too early" if token.kind == "end" else f"has an unexpected '{token.text}'"
        return ExpressionError(f"The search expression {what}")


def _plain(token: _Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "text" else token.text


def _fits(token: _Token) -> Callable[[str], bool]:
    text = _plain(token)
    if token.kind == "text":
        return lambda whole: whole == text
    wanted = text.lower()
    return lambda whole: wanted in _words(whole)


@lru_cache(maxsize=100_000)
def _words(text: str) -> frozenset[str]:
    parts = re.split(r"[^A-Za-z0-9]+", text)
    words = {text.lower(), *(part.lower() for part in parts), *(word.lower() for word in _WORD.findall(text))}
    return frozenset(words)


def _texts(metric: Metric) -> list[str]:
    return [metric.namespace, metric.name, *(text for pair in metric.dimensions for text in pair)]


def _property_of(metric: Metric, name: str) -> str | None:
    if name == "Namespace":
        return metric.namespace
    if name == "MetricName":
        return metric.name
    if name == ":aws.AccountId":
        return metric.account
    return dict(metric.dimensions).get(name)

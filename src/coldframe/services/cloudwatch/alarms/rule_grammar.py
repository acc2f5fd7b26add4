"""The rule of a composite alarm: `ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA(c))`, read and evaluated.

Source: PutCompositeAlarm in the CloudWatch API reference; Composite alarms in the user guide (AT_LEAST).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from coldframe.services.cloudwatch.alarms.evaluation import State

MOST_CHILDREN = 100
MOST_ELEMENTS = 500
_DEEPEST = 100

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<function>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*
         (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^()"\s](?:[^()"]*[^()"\s])?))\s*\)
    | (?P<least>AT_LEAST)\s*\(\s*(?P<mark>"?)(?P<bound>[0-9]{1,4})(?P<percent>%?)(?P=mark)\s*,
         \s*(?P<not>NOT\s+)?(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*,
         \s*\((?P<alarms>(?:"(?:[^"\\]|\\.)*"|[^()"])*)\)\s*\)
    | (?P<word>AND|OR|NOT|TRUE|FALSE)\b
    | (?P<bracket>[()])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
# One of the alarms of AT_LEAST, and the comma after it.
_LISTED = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"()]+))\s*(,|\Z)')
_END = re.compile(r"\s*\Z")


class RuleError(ValueError):
    """The text is no rule; the message names the place."""


@dataclass(frozen=True)
class Expression:
    """One node of a rule: a state function, a constant, or an operator over others; of AT_LEAST so many must hold."""

    kind: str
    name: str = ""
    parts: tuple["Expression", ...] = ()
    least: int = 0


class _Token(NamedTuple):
    kind: str
    name: str
    at: int
    whole: Expression | None = None


def parse(text: str) -> Expression:
    """Read a rule; raises RuleError with AWS's limits and the column of what is wrong."""
    reader = _Reader(list(_tokens(text)))
    tree = reader.either()
    left = reader.peek()
    if left is not None:
        raise RuleError(f"unexpected {left.kind} at column {left.at + 1}")
    if len(set(children(tree))) > MOST_CHILDREN:
        raise RuleError(f"a rule names at most {MOST_CHILDREN} alarms")
    return tree


def _tokens(text: str) -> Iterator[_Token]:
    at = elements = 0
    while not _END.match(text, at):
        found = _TOKEN.match(text, at)
        if found is None:
            raise RuleError(f"unexpected text at column {at + len(text[at:]) - len(text[at:].lstrip()) + 1}")
        if found["function"]:
            name = found["plain"] if found["quoted"] is None else _unescaped(found["quoted"])
            if not name:
                raise RuleError(f"an alarm without a name at column {found.start('function') + 1}")
            yield _Token(found["function"].upper(), name, found.start("function"))
        elif found["least"]:
            whole = _at_least(found)
            elements += len(whole.parts)
            yield _Token("AT_LEAST", "", found.start("least"), whole)
        else:
            word = (found["word"] or found["bracket"]).upper()
            yield _Token(word, "", found.end() - len(word))
        elements += not (found["word"] and found["word"].upper() in {"AND", "OR", "NOT"})
        if elements > MOST_ELEMENTS:
            raise RuleError(f"a rule has at most {MOST_ELEMENTS} elements")
        at = found.end()


def _at_least(found: re.Match[str]) -> Expression:
    """Make the node of AT_LEAST(M, STATE, (alarm, ...)), where M is a number of alarms or a percentage of them."""
    column, alarms, at = found.start("least") + 1, [], 0
    more = True
    while more:
        listed = _LISTED.match(found["alarms"], at)
        if listed is None:
            raise RuleError(f"unexpected text in the list of alarms of AT_LEAST at column {column}")
        alarms.append(listed[2] if listed[1] is None else _unescaped(listed[1]))
        more, at = listed[3] == ",", listed.end()
    bound = int(found["bound"])
    least = -(-bound * len(alarms) // 100) if found["percent"] else bound
    if not 1 <= least <= len(alarms):
        raise RuleError(
            f"AT_LEAST at column {column} asks for {bound}{found['percent']} of {len(alarms)} alarms"
        )
    states = (Expression(found["state"].upper(), alarm) for alarm in alarms)
    parts = tuple(Expression("NOT", parts=(each,)) for each in states) if found["not"] else tuple(states)
    return Expression("AT_LEAST", parts=parts, least=least)


def _unescaped(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)


class _Reader:
    """Descends through the tokens; NOT binds closest, then AND, then OR."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def either(self) -> Expression:
        return self._chain("OR", self._all)

    def _all(self) -> Expression:
        return self._chain("AND", self._one)

    def _chain(self, word: str, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while (token := self.peek()) is not None and token.kind == word:
            self._at += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else Expression(word, parts=tuple(parts))

    def _one(self) -> Expression:
        token = self.peek()
        if token is None:
            raise RuleError("the rule ends where an alarm function, TRUE, FALSE or a parenthesis must follow")
        self._at += 1
        if token.kind in {"NOT", "("}:
            self._depth += 1
            if self._depth > _DEEPEST:
                raise RuleError(f"nested too deeply at column {token.at + 1}")
            inner = self._one() if token.kind == "NOT" else self._bracket(token)
            self._depth -= 1
            return Expression("NOT", parts=(inner,)) if token.kind == "NOT" else inner
        if token.kind in {"AND", "OR", ")"}:
            raise RuleError(f"unexpected {token.kind} at column {token.at + 1}")
        return token.whole or Expression(token.kind, token.name)

    def _bracket(self, opened: _Token) -> Expression:
        inner = self.either()
        closing = self.peek()
        if closing is None or closing.kind != ")":
            raise RuleError(f"the parenthesis at column {opened.at + 1} is not closed")
        self._at += 1
        return inner


def children(tree: Expression) -> Iterator[str]:
    """Give the alarms that a rule names, in its order, as it names them: by name or by ARN."""
    if tree.name:
        yield tree.name
    for part in tree.parts:
        yield from children(part)


def holds(tree: Expression, state_of: Callable[[str], State | None]) -> bool:
    """Tell whether a rule is true; `state_of` gives an alarm's state, None for one that is not there."""
    if tree.kind in {"TRUE", "FALSE"}:
        return tree.kind == "TRUE"
    if tree.kind == "NOT":
        return not holds(tree.parts[0], state_of)
    if tree.kind == "AND":
        return all(holds(part, state_of) for part in tree.parts)
    if tree.kind == "OR":
        return any(holds(part, state_of) for part in tree.parts)
    if tree.kind == "AT_LEAST":
        return sum(holds(part, state_of) for part in tree.parts) >= tree.least
    return state_of(tree.name) == tree.kind


def alarm_name(reference: str) -> str:
    """Return the name of an alarm that a rule names by name or by ARN."""
    if reference.startswith("arn:") and ":alarm:" in reference:
        return reference.split(":alarm:", 1)[1]
    return reference

"""From an expression's text to a tree: operators by precedence, functions, arrays, names, numbers and texts."""

import re
from dataclasses import dataclass

from coldframe.services.cloudwatch.expressions.values import ExpressionError

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>"[^"]*"|'(?:[^'\\]|\\.)*')
    |(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]])
    )""",
    re.VERBOSE,
)
_PRECEDENCE = {
    "||": 1,
    "OR": 1,
    "&&": 2,
    "AND": 2,
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), 3),
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "^": 7,
}
_SAME = {"OR": "||", "AND": "&&"}
_MOST_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """The id of another query, or a word such as DESC."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text in quotes."""

    text: str


@dataclass(frozen=True, slots=True)
class Negation:
    """A minus before an operand."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands and what stands between them."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Invocation:
    """A function and its arguments."""

    function: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Array:
    """Series in brackets."""

    items: "tuple[Node, ...]"


Node = Number | Name | Text | Negation | Operation | Invocation | Array


def parse(text: str) -> Node:
    """Return the tree of an expression; raises ExpressionError that names the place."""
    parser = _Parser(_tokens(text))
    tree = parser.expression(0)
    if parser.kind != "end":
        raise parser.unexpected()
    return tree


def names(node: Node) -> set[str]:
    """Return every name in a tree: ids and words alike."""
    if isinstance(node, Name):
        return {node.text}
    below: tuple[Node, ...] = ()
    if isinstance(node, Negation):
        below = (node.operand,)
    elif isinstance(node, Operation):
        below = (node.left, node.right)
    elif isinstance(node, Invocation):
        below = node.arguments
    elif isinstance(node, Array):
        below = node.items
    return set().union(*map(names, below))


def functions(node: Node) -> set[str]:
    """Return the name of every function in a tree."""
    if isinstance(node, Invocation):
        return {node.function}.union(*map(functions, node.arguments))
    if isinstance(node, Array):
        return set().union(*map(functions, node.items))
    if isinstance(node, Operation):
        return functions(node.left) | functions(node.right)
    return functions(node.operand) if isinstance(node, Negation) else set()


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            place = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(f"Unexpected character '{text[place]}' at position {place + 1}")
        kind = match.lastgroup
        found.append((kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, ("end", "", len(text))]


class _Parser:
    def __init__(self, tokens: list[tuple[str, str, int]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def text(self) -> str:
        return self._tokens[self._at][1]

    def unexpected(self) -> ExpressionError:
        kind, text, place = self._tokens[self._at]
        if kind == "end":
            return ExpressionError("Unexpected end of expression")
        return ExpressionError(f"Unexpected '{text}' at position {place + 1}")

    def expression(self, least: int) -> Node:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise ExpressionError(f"The expression is nested more than {_MOST_DEPTH} levels deep")
        left = self._operand()
        while True:
            sign = self.text.upper() if self.kind in {"sign", "name"} else ""
            rank = _PRECEDENCE.get(sign)
            if rank is None or rank < least:
                break
            self._at += 1
            # Powers bind to the right, everything else to the left.
            right = self.expression(rank if sign == "^" else rank + 1)
            left = Operation(_SAME.get(sign, sign), left, right)
        self._depth -= 1
        return left

    def _operand(self) -> Node:
        kind, text = self.kind, self.text
        if kind == "end" or (kind == "sign" and text not in {"-", "+", "(", "["}):
            raise self.unexpected()
        self._at += 1
        if kind == "number":
            return Number(float(text))
        if kind == "text":
            return Text(re.sub(r"\\(.)", r"\1", text[1:-1]) if text[0] == "'" else text[1:-1])
        if kind == "name":
            if self.text == "(" and self.kind == "sign":
                self._at += 1
                return Invocation(text, self._list(")"))
            return Name(text)
        if text in {"-", "+"}:
            operand = self.expression(6)
            return Negation(operand) if text == "-" else operand
        if text == "[":
            return Array(self._list("]"))
        inner = self.expression(0)
        self._take(")")
        return inner

    def _list(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if self.text == closing and self.kind == "sign":
            self._at += 1
            return ()
        while True:
            items.append(self.expression(0))
            if self.text == "," and self.kind == "sign":
                self._at += 1
                continue
            self._take(closing)
            return tuple(items)

    def _take(self, sign: str) -> None:
        if self.kind != "sign" or self.text != sign:
            raise self.unexpected()
        self._at += 1

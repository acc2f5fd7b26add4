"""What a function of the query language is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from coldframe.services.logs.insights import tree, values
from coldframe.services.logs.insights.values import Sql

if TYPE_CHECKING:
    from coldframe.services.logs.insights.expressions import Compiler

Build = Callable[["Compiler", tree.Call], Sql]


class Function(NamedTuple):
    """A function: how few and how many arguments it takes (None: any number), and what makes its SQL."""

    least: int
    most: int | None
    build: Build

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words."""
        if self.most is None:
            return f"at least {self.least} argument{'s' if self.least != 1 else ''}"
        if self.least == self.most:
            return f"{self.least} argument{'s' if self.least != 1 else ''}"
        return f"{self.least} to {self.most} arguments"


def numeric(template: str, count: int = 1) -> Function:
    """Return a function of numbers that gives a number; {0}, {1} ... stand for its arguments."""
    return Function(
        count, count, lambda c, n: Sql(template.format(*(c.number(each) for each in n.arguments)), "number")
    )


def textual(template: str, count: int = 1) -> Function:
    """Return a function of texts that gives text; a map or a list is none, and makes it NULL."""
    return Function(
        count, count, lambda c, n: Sql(template.format(*(_text(c, each) for each in n.arguments)), "text")
    )


def _text(c: "Compiler", node: tree.Expression) -> str:
    value = c.value(node)
    if value.kind != "json":
        return values.text(value)
    return f"(CASE WHEN json_type({value.text}) NOT IN ('OBJECT', 'ARRAY') THEN {values.text(value)} END)"


def test(template: str, count: int = 1) -> Function:
    """Return a function of texts that gives a boolean."""
    return Function(
        count, count, lambda c, n: Sql(template.format(*(c.string(each) for each in n.arguments)), "bool")
    )

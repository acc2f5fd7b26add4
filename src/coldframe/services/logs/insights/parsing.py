"""From the text of a query to its syntax tree; the grammar is in grammar.lark."""

from functools import cache
from importlib import resources
from typing import Any

from coldframe.services.logs.insights.building import Builder
from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.tree import Command


def parse(text: str) -> tuple[Command, ...]:
    """Return the commands of a query; raises QueryError for text that is none."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError

    try:
        parsed: Any = _parser().parse(text)
        commands: tuple[Command, ...] = _builder(text).transform(parsed)
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise QueryError("unexpected end of the query", Span(len(text), len(text))) from None
        start = error.token.start_pos or 0
        raise QueryError(
            f"unexpected token {str(error.token)[:40]!r}", Span(start, start + len(error.token))
        ) from None
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        raise QueryError(f"unexpected character {text[at : at + 1]!r}", Span(at, at + 1)) from None
    except UnexpectedEOF:
        raise QueryError("unexpected end of the query", Span(len(text), len(text))) from None
    except VisitError as error:
        if isinstance(error.orig_exc, QueryError):
            raise error.orig_exc from None
        raise
    return commands


@cache
def _parser() -> Any:
    from lark import Lark

    grammar = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _builder(text: str) -> Any:
    """Return the transformer that makes the tree of a query; it goes bottom up, so depth is counted as it grows."""
    from lark.visitors import Transformer_NonRecursive

    actions = Builder(text)

    def call(self: Any, data: Any, children: list[Any], meta: Any) -> Any:
        del self
        span = Span(0, 0) if meta.empty else Span(meta.start_pos, meta.end_pos)
        return actions.node(str(data), span, children)

    return type("Transformer", (Transformer_NonRecursive,), {"__default__": call})()

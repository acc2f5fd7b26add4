"""What is wrong with a query, and where in its text."""

from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of the query: offsets of its first character and of the one after its last."""

    start: int
    end: int


class QueryError(Exception):
    """A query that cannot be compiled; `span` is the part of its text that is to blame."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


class QueryFailed(Exception):
    """A query that was well formed and could not be run to its end; the text is for whoever asked."""

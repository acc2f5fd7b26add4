"""What the recogniser reports: a span of one text, its kind, and how sure it is."""

from typing import NamedTuple

NAME = "Name"
ADDRESS = "Address"
KINDS = frozenset({NAME, ADDRESS})


class Found(NamedTuple):
    """One finding: characters `start` (inclusive) to `end` (exclusive) of the text hold a `kind`.

    `score` is the probability between 0 and 1 that the model gives; only findings over the threshold are made.
    """

    start: int
    end: int
    kind: str
    score: float

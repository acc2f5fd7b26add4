"""Which kinds a scan looks for: managed kinds by name, and custom patterns."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from coldframe.engines.detector.identifiers import RECOGNISED, load
from coldframe.engines.detector.lexicon import lexicon
from coldframe.engines.detector.plans import Batch, Plan, anchor_plan, keyword_plan

# Ten of an account and ten of a log group: both count at once.
MOST_CUSTOM = 20
_SURROGATES = re.compile("[\ud800-\udfff]")


class UnknownKind(ValueError):
    """A kind that the detector does not know."""


class BadPattern(ValueError):
    """A custom pattern that RE2 cannot compile, or that has groups."""


class Route(NamedTuple):
    """Where a hit goes: the plan, and how many characters of the hit before and after the keyword are not its own."""

    plan: Plan
    lead: int
    tail: int


class Custom:
    """Custom patterns: each is searched in every message, no keyword needed."""

    def __init__(self, patterns: Sequence[tuple[str, str]]) -> None:
        import re2

        if len(patterns) > MOST_CUSTOM:
            raise BadPattern(f"{len(patterns)} custom patterns; at most {MOST_CUSTOM} are possible")
        options = re2.Options()
        options.log_errors = False
        self._patterns: list[tuple[str, Any]] = []
        for name, text in patterns:
            try:
                pattern = re2.compile(text, options)
            except re2.error as error:
                reason = (
                    error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else error
                )
                raise BadPattern(f"custom pattern {name!r} ({text!r}): {reason}") from None
            if pattern.groups:
                raise BadPattern(f"custom pattern {name!r} ({text!r}) has a capturing group")
            self._patterns.append((name, pattern))
        together = "|".join(f"(?:{text})" for _, text in patterns)
        self._any: Callable[[str], object]
        try:
            self._any = re2.compile(together, options).search
        except re2.error:
            # Each is within RE2's limit of size and all together are not: then each is searched for by itself.
            self._any = bool

    def confirm(self, batch: Batch) -> None:
        """Search every message of the batch and record what is found."""
        for index, original in enumerate(batch.messages):
            message = _SURROGATES.sub("\ufffd", original) if not original.isascii() else original
            if self._any(message) is None:
                continue
            for name, pattern in self._patterns:
                for match in pattern.finditer(message):
                    if match.end() > match.start():
                        batch.add(index, match.start(), match.end(), name)


@dataclass(frozen=True)
class Selection:
    """What a scan looks for. Made by `Detector.select`, immutable, shared between threads."""

    kinds: frozenset[str]
    routes: tuple[Route | None, ...]
    recognised: frozenset[str]
    custom: Custom | None
    custom_patterns: tuple[tuple[str, str], ...] = ()

    @property
    def wanted(self) -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
        """What `Detector.select` makes the same selection of, in this process or another."""
        return self.kinds, self.custom_patterns

    @property
    def matches_patterns(self) -> bool:
        """Whether the prefilter is needed at all."""
        return any(route is not None for route in self.routes)


def make_selection(kinds: frozenset[str], custom: Sequence[tuple[str, str]]) -> Selection:
    """The selection of some kinds and custom patterns.

    Raises UnknownKind for a kind that does not exist and BadPattern for a pattern that cannot be used.
    """
    unknown = sorted(kinds - load().keys())
    if unknown:
        raise UnknownKind(f"unknown kinds of data: {', '.join(unknown)}")
    routes: list[Route | None] = []
    for pattern in lexicon().patterns:
        owners = tuple(kind for kind in pattern.owners if kind in kinds)
        route = None
        if owners and pattern.shape is not None:
            route = Route(anchor_plan(owners, pattern.shape), 0, 0)
        elif owners:
            plan = keyword_plan(owners)
            route = Route(plan, 1, pattern.tail) if plan is not None else None
        routes.append(route)
    chosen = Custom(custom) if custom else None
    return Selection(kinds, tuple(routes), kinds & RECOGNISED, chosen, tuple(custom))

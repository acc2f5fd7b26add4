"""The prefilter: finds where keywords and anchors stand in a buffer, with Hyperscan or with RE2."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

Choice = Literal["auto", "hyperscan", "re2"]
Hit = tuple[int, int, int]


class Prefilter(Protocol):
    """Finds patterns in bytes. Both implementations lead to the same findings."""

    name: str

    def scan(self, buffer: bytes) -> Sequence[Hit]:
        """Every occurrence of every pattern: pattern id, start and end in bytes, in no promised order.

        Of a pattern that can end at several places from one start, the longest occurrence is among them.
        Safe to call from several threads at once.
        """
        ...


def open_prefilter(patterns: Sequence[str], choice: Choice, cache: Path | None) -> Prefilter:
    """The prefilter that was chosen; `auto` takes Hyperscan where its package is installed.

    `cache` is the directory for compiled databases (none: compile each time). Raises ValueError for another choice.
    """
    if choice not in {"auto", "hyperscan", "re2"}:
        raise ValueError(f"prefilter {choice!r} is not one of auto, hyperscan, re2")
    if choice == "hyperscan" or (choice == "auto" and importlib.util.find_spec("hyperscan") is not None):
        from coldframe.engines.detector.prefilter_hyperscan import HyperscanPrefilter

        return HyperscanPrefilter(patterns, cache)
    from coldframe.engines.detector.prefilter_re2 import Re2Prefilter

    return Re2Prefilter(patterns)

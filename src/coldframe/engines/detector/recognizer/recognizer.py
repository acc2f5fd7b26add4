"""The recogniser: finds names and addresses in one text, or in many at once."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from coldframe.engines.detector.recognizer.addresses import AddressFinder
from coldframe.engines.detector.recognizer.found import ADDRESS, KINDS, NAME, Found
from coldframe.engines.detector.recognizer.model import Model, shipped
from coldframe.engines.detector.recognizer.names import NameFinder

NAME_THRESHOLD = 0.45
ADDRESS_THRESHOLD = 0.3


class Recognizer:
    """Finds person names and postal addresses in log text. Safe to share between threads: it only remembers sums."""

    def __init__(
        self,
        model: Model,
        *,
        name_threshold: float = NAME_THRESHOLD,
        address_threshold: float = ADDRESS_THRESHOLD,
    ) -> None:
        self._finders: dict[str, NameFinder | AddressFinder] = {
            NAME: NameFinder(model, name_threshold),
            ADDRESS: AddressFinder(model, address_threshold),
        }

    @classmethod
    def load(cls) -> "Recognizer":
        """Return a recogniser with the model of the package, which is read once and takes some milliseconds.

        Raises ModelError when the model file is damaged.
        """
        return cls(shipped())

    def find(self, text: str) -> list[Found]:
        """Return the names and addresses in `text`, ordered by start; findings of one kind do not overlap."""
        return self.find_in_batch((text,), KINDS)[0]

    def find_in_batch(self, texts: Sequence[str], kinds: frozenset[str]) -> list[list[Found]]:
        """Return the findings of the given `kinds` for each of `texts`, the same as `find` gives for each alone.

        Offsets are characters of the text. Batches of some hundred texts are the fastest.
        Raises ValueError for a kind that is not one of KINDS.
        """
        if not kinds <= KINDS:
            raise ValueError(
                f"unknown kinds: {', '.join(sorted(kinds - KINDS))}; known: {', '.join(sorted(KINDS))}"
            )
        results: list[list[Found]] = [[] for _ in texts]
        # One search over all texts costs a fraction of a search in each; NUL ends every candidate and every context.
        joined = "\0".join(texts)
        starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
        for kind in sorted(kinds):
            for start, end, score in self._finders[kind].find(joined):
                index = bisect_right(starts, start) - 1
                offset = starts[index]
                results[index].append(Found(start - offset, end - offset, kind, score))
        for found in results:
            if len(found) > 1:
                found.sort()
        return results

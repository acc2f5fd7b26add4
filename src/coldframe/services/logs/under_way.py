"""The batches under way, so that a policy can answer after all those that did not know of it are stored."""

import threading
from collections import Counter


class BatchesUnderWay:
    """Counts batches from before their rules are read until all of them is stored and handed on.

    Each wait begins a new generation, and ends with the last batch of the generations before.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._generation = 0
        self._counts: Counter[int] = Counter()

    def begin(self) -> int:
        """Begin a batch; returns what `end` wants when all of it is stored and handed on, or it failed."""
        with self._changed:
            generation = self._generation
            self._counts[generation] += 1
        return generation

    def end(self, generation: int) -> None:
        """End a batch of this generation."""
        with self._changed:
            self._counts[generation] -= 1
            if not self._counts[generation]:
                del self._counts[generation]
                self._changed.notify_all()

    def wait_for_those_before(self) -> None:
        """Return when every batch that is under way now has ended; batches that begin meanwhile do not hold it up."""
        with self._changed:
            last = self._generation
            self._generation += 1
            self._changed.wait_for(lambda: all(generation > last for generation in self._counts))

"""The detector: scans batches of messages for the kinds of a selection."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from coldframe.engines.detector.findings import Findings, outermost
from coldframe.engines.detector.identifiers import load
from coldframe.engines.detector.lexicon import lexicon
from coldframe.engines.detector.plans import Batch, Plan, Spot
from coldframe.engines.detector.prefilter import Choice, Prefilter, open_prefilter
from coldframe.engines.detector.recognition import Recognizer
from coldframe.engines.detector.selection import Selection, make_selection

# Messages scanned at once: fewer waste calls, more leave the processor's cache.
_BATCH = 1000


class RecognizerMissing(RuntimeError):
    """Names or addresses are wanted and the detector was opened without a recogniser."""


class Detector:
    """Finds sensitive data in messages. One serves all threads; libraries and databases load at the first scan.

    `cache` is a directory for compiled pattern databases. `recognizer` makes the recogniser of names and addresses
    when it is first wanted.
    """

    def __init__(
        self,
        prefilter: Choice = "auto",
        cache: Path | None = None,
        recognizer: Callable[[], Recognizer] | None = None,
    ) -> None:
        self._choice = prefilter
        self._cache = cache
        self._make_recognizer = recognizer
        self._lock = threading.Lock()
        self._opened: Prefilter | None = None
        self._recognizer: Recognizer | None = None
        self._selections = lru_cache(maxsize=1024)(make_selection)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """All kinds the detector knows."""
        return frozenset(load())

    def select(self, kinds: Iterable[str], custom: Sequence[tuple[str, str]] = ()) -> Selection:
        """What to look for: kinds by name, and custom (name, RE2 pattern) pairs, at most twenty, without groups.

        Raises UnknownKind, BadPattern, or RecognizerMissing.
        """
        selection = self._selections(frozenset(kinds), tuple(custom))
        if selection.recognised and self._make_recognizer is None:
            raise RecognizerMissing(f"no recogniser for {', '.join(sorted(selection.recognised))}")
        return selection

    @property
    def recipe(self) -> tuple[Choice, Path | None, bool]:
        """What another process makes the same detector of: the prefilter, the cache, whether names are recognised."""
        return self._choice, self._cache, self._make_recognizer is not None

    def warm(self) -> str:
        """Open the prefilter now rather than at the first scan; returns its name."""
        return self._prefilter().name

    def scan(self, messages: Sequence[str], selection: Selection) -> list[Findings | None]:
        """The findings of each message, ascending, in the order of the messages; None where nothing was found.

        All selected kinds are reported, also where they overlap; of two findings of one kind, one inside the other,
        only the wider.
        """
        results: list[Findings | None] = [None] * len(messages)
        patterns = selection.matches_patterns
        for base in range(0, len(messages), _BATCH):
            batch = Batch(messages[base : base + _BATCH], lexicon().charset)
            if patterns:
                self._match(batch, selection)
            if selection.custom is not None:
                selection.custom.confirm(batch)
            if selection.recognised:
                self._recognise(batch, selection)
            for index, found in batch.found.items():
                results[base + index] = outermost(found) if len(found) > 1 else list(found)
        return results

    def _match(self, batch: Batch, selection: Selection) -> None:
        hits = self._prefilter().scan(batch.buffer)
        if not hits:
            return
        routes = selection.routes
        spots: defaultdict[Plan, list[Spot]] = defaultdict(list)
        for pattern, start, end in hits:
            route = routes[pattern]
            if route is not None:
                plan, lead, tail = route
                spots[plan].append((start + lead, end - tail))
        for plan, places in spots.items():
            plan.confirm(batch, places)

    def _recognise(self, batch: Batch, selection: Selection) -> None:
        recognizer = self._open_recognizer()
        for index, each in enumerate(recognizer.find_in_batch(batch.messages, selection.recognised)):
            for found in each:
                batch.add(index, found.start, found.end, found.kind)

    def _prefilter(self) -> Prefilter:
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    patterns = [pattern.regex for pattern in lexicon().patterns]
                    self._opened = open_prefilter(patterns, self._choice, self._cache)
        return self._opened

    def _open_recognizer(self) -> Recognizer:
        if self._recognizer is None:
            with self._lock:
                if self._recognizer is None:
                    if self._make_recognizer is None:
                        raise RecognizerMissing("no recogniser was given")
                    self._recognizer = self._make_recognizer()
        return self._recognizer

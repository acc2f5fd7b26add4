"""Scanner processes: one a core, started when large scans want to run at once, gone again when nothing is scanned."""

import contextlib
import logging
import os
import threading
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.detector.detector import Detector
from coldframe.engines.detector.findings import Finding, Findings
from coldframe.engines.detector.prefilter import Choice
from coldframe.engines.detector.recognition import load_recognizer
from coldframe.engines.detector.selection import Selection

LOG = logging.getLogger("coldframe.detector")

Wanted = tuple[frozenset[str], tuple[tuple[str, str], ...]]
Flat = list[list[tuple[int, int, str]] | None]


class PoolSettings(NamedTuple):
    """How many processes at most, from how many characters a scan may move to one, after how many idle seconds it ends."""

    processes: int = os.cpu_count() or 1
    characters: int = 65_536
    idle_seconds: float = 60.0


class _Scanner(NamedTuple):
    process: BaseProcess
    pipe: Connection


class ScannerPool:
    """Scans like its detector, which it leaves to small batches and to the first of several at once.

    A process of its own costs a scan about 0.2 ms, and has the batch scanned beside everything else that this
    process does. One that dies is replaced, and its batch is scanned here.
    """

    def __init__(self, detector: Detector, settings: PoolSettings = PoolSettings()) -> None:  # noqa: B008 - immutable
        self._detector = detector
        self._settings = settings
        self._lock = threading.Lock()
        self._free: list[_Scanner] = []
        self._running = 0
        self._scanning = 0
        self._closed = False

    @property
    def processes(self) -> int:
        """How many scanner processes there are."""
        return self._running

    def scan(self, messages: Sequence[str], selection: Selection) -> list[Findings | None]:
        """Return what `Detector.scan` returns, from here or from a process."""
        with self._lock:
            busy = self._scanning > 0
            self._scanning += 1
        try:
            if busy and sum(map(len, messages)) >= self._settings.characters:
                scanner = self._take()
                if scanner is not None:
                    found = self._ask(scanner, messages, selection)
                    if found is not None:
                        return found
            return self._detector.scan(messages, selection)
        finally:
            with self._lock:
                self._scanning -= 1

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._closed = True
            scanners, self._free = self._free, []
        for scanner in scanners:
            self._end(scanner)

    def _take(self) -> _Scanner | None:
        """Return a free scanner, or a new one while there may be more; None when all are at work."""
        with self._lock:
            while self._free:
                scanner = self._free.pop()
                if scanner.process.is_alive():
                    return scanner
                self._running -= 1
                scanner.pipe.close()
            if self._closed or self._running >= self._settings.processes:
                return None
            self._running += 1
        try:
            return self._start()
        except OSError:
            LOG.exception("no scanner process could be started; scanning goes on in the server")
            with self._lock:
                self._running -= 1
            return None

    def _start(self) -> _Scanner:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        recipe = (*self._detector.recipe, self._settings.idle_seconds)
        process = context.Process(
            target=_serve, args=(theirs, *recipe), name="coldframe-scanner", daemon=True
        )
        process.start()
        theirs.close()
        return _Scanner(process, ours)

    def _ask(
        self, scanner: _Scanner, messages: Sequence[str], selection: Selection
    ) -> list[Findings | None] | None:
        """Return the scanner's findings; None when it died, in which case another may take its place."""
        try:
            scanner.pipe.send((selection.wanted, list(messages)))
            answer: Flat = scanner.pipe.recv()
        except (EOFError, OSError):
            LOG.warning("a scanner process ended while it was scanning; its batch is scanned in the server")
            with self._lock:
                self._running -= 1
            self._end(scanner)
            return None
        with self._lock:
            keep = not self._closed
            if keep:
                self._free.append(scanner)
        if not keep:
            self._end(scanner)
        return [None if each is None else [Finding(*one) for one in each] for each in answer]

    def _end(self, scanner: _Scanner) -> None:
        scanner.pipe.close()
        scanner.process.join(5)
        if scanner.process.is_alive():
            scanner.process.kill()
            scanner.process.join()
        scanner.process.close()


def _serve(pipe: Connection, prefilter: Choice, cache: Path | None, names: bool, idle_seconds: float) -> None:
    """Answer scans until the server goes, or nothing has been asked for a while."""
    detector = Detector(prefilter, cache, load_recognizer if names else None)
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while pipe.poll(idle_seconds):
            (kinds, custom), messages = pipe.recv()
            found = detector.scan(messages, detector.select(kinds, custom))
            pipe.send([None if each is None else [tuple(one) for one in each] for each in found])

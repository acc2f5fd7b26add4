"""Digesting beside writing: pieces wait in line for one digest, which other threads feed in their order."""

import threading
from collections import deque
from concurrent.futures import Executor
from typing import Any, Protocol


class Digest(Protocol):
    """Something that sees every byte once, in order: a hash, a checksum."""

    def update(self, data: Any, /) -> object:
        """Take in the next bytes."""


class Line:
    """The pieces that one digest has yet to see; a thread of the executor is taken only while there are some.

    No thread ever waits for the writer: a slow client must not hold up the digests of others.
    """

    def __init__(self, executor: Executor, digest: Digest, *, most: int) -> None:
        self._executor = executor
        self.digest = digest
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[memoryview] = deque()
        self._served = False
        self._failure: BaseException | None = None

    def add(self, piece: memoryview) -> None:
        """Put a piece in line, once fewer than `most` are: its bytes must stay until as many more have been added."""
        with self._changed:
            self._wait_until_fewer(self._most)
            self._waiting.append(piece)
            if self._served:
                return
            self._served = True
        self._executor.submit(self._serve)

    def finish(self) -> None:
        """Wait until the digest has seen every piece; raises what the digest raised."""
        with self._changed:
            self._wait_until_fewer(1)

    def _wait_until_fewer(self, number: int) -> None:
        while len(self._waiting) >= number and self._failure is None:
            self._changed.wait()
        if self._failure is not None:
            raise self._failure

    def _serve(self) -> None:
        while self._waiting:
            try:
                self.digest.update(self._waiting[0])
            except BaseException as failure:  # noqa: BLE001 - raised again in the writer's thread
                with self._changed:
                    self._failure = failure
                    self._changed.notify()
                return
            with self._changed:
                self._waiting.popleft()
                self._served = bool(self._waiting)
                self._changed.notify()
                if not self._served:
                    return

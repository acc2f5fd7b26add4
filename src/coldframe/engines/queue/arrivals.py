"""Who waits for a queue to have something to read, and how they are told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Arrivals:
    """Wakes those who wait for a queue; each waits on an event of its own and takes no processor time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = {}

    @contextmanager
    def watch(self, queue: str) -> Iterator[threading.Event]:
        """An event that is set whenever the queue may have something new, from before the first look at it."""
        event = threading.Event()
        with self._lock:
            self._waiting.setdefault(queue, set()).add(event)
        try:
            yield event
        finally:
            with self._lock:
                waiting = self._waiting[queue]
                waiting.discard(event)
                if not waiting:
                    del self._waiting[queue]

    def tell(self, queue: str) -> None:
        """Wake everybody who waits for the queue; whoever comes too late waits again."""
        if queue in self._waiting:
            with self._lock:
                for event in self._waiting.get(queue, ()):
                    event.set()

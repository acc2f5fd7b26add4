"""Looks at databases, again and again: one that a sick database keeps waiting is left behind, and delays no other.

What is well answers within milliseconds, so looks come one after the other, which burdens the machine least. One that has no
end yet after a moment goes on by itself on its thread, and nobody looks there again before it has ended.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable

from coldframe.engines.database import DatabaseError
from coldframe.engines.endpoint import EndpointFailed

LOG = logging.getLogger("coldframe.rds")

# How many looks go on at once, the sick ones among them: each is over within a minute, by the time limits of the engines.
MOST = 64
# How long a look is waited for before the next one begins, and how long all looks of one round together, in seconds.
PATIENCE, ROUND = 0.25, 1.0
# How long the end of the server waits for those that are under way, in seconds.
CLOSING = 10.0
Look = Callable[[], object]


class Looks:
    """Threads that look, each made when it is needed and kept; a look has a key, and there is one of a key at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted: queue.SimpleQueue[tuple[str, Look, threading.Event] | None] = queue.SimpleQueue()
        self._under_way: set[str] = set()
        self._threads = 0
        self._closed = False

    def each(self, looks: Iterable[tuple[str, Look]]) -> None:
        """Begin each look whose last one has ended, and wait a moment for its end; what a database refuses is logged."""
        left = ROUND
        for key, look in looks:
            over = self._begin(key, look)
            # A look that is left behind once is not waited for again before it has ended: it is not begun again.
            if over is not None and not over.wait(min(PATIENCE, left)):
                left = max(left - PATIENCE, 0.0)

    def under_way(self) -> frozenset[str]:
        """Return the keys of the looks that have no end yet."""
        with self._changed:
            return frozenset(self._under_way)

    def close(self) -> None:
        """Begin no more, and wait a moment for those under way; whoever waits for a database ends when that answers."""
        with self._changed:
            self._closed = True
            for _ in range(self._threads):
                self._wanted.put(None)
            self._changed.wait_for(lambda: not self._under_way, CLOSING)

    def _begin(self, key: str, look: Look) -> threading.Event | None:
        over = threading.Event()
        with self._changed:
            if self._closed or key in self._under_way:
                return None
            if len(self._under_way) >= MOST:
                LOG.warning("%s is not looked at now: %d other looks have no end", key, MOST)
                return None
            self._under_way.add(key)
            self._wanted.put((key, look, over))
            # Whoever is idle may not have taken the one before yet.
            if self._threads < len(self._under_way):
                self._threads += 1
                threading.Thread(target=self._work, name="rds-look", daemon=True).start()
        return over

    def _work(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            key, look, over = wanted
            try:
                look()
            except (DatabaseError, EndpointFailed) as error:
                LOG.warning("%s: %s", key, error)
            except Exception:
                # The store of a server that ends is gone; of anything else somebody has to hear, and the next look goes on.
                if not self._closed:
                    LOG.exception("%s could not be looked at", key)
            finally:
                with self._changed:
                    self._under_way.discard(key)
                    self._changed.notify_all()
                over.set()

"""Live tail: the events of some groups as they arrive, masked, to the sessions that watch them."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from coldframe.engines.logstore.rows import Event
from coldframe.services.logs.filter_patterns import FilterPattern

MOST_EVENTS = 500
MOST_BUFFERED = 5000


class TailSession:
    """One session: what it watches, and the events that wait for its next update."""

    def __init__(
        self, groups: dict[str, str], wanted: Callable[[str], bool] | None, pattern: FilterPattern | None
    ) -> None:
        """Watch `groups` (id in the log store to identifier), streams that are `wanted`, events of `pattern`."""
        self.groups = groups
        self._wanted = wanted
        self._pattern = pattern
        self._events: deque[dict[str, Any]] = deque(maxlen=MOST_BUFFERED)
        self._arrived = 0
        self._lock = threading.Lock()

    def offer(self, group_id: str, stream: str, events: Sequence[Event]) -> None:
        """Take what the session watches; when its client is slow, the oldest waiting events are dropped."""
        if self._wanted is not None and not self._wanted(stream):
            return
        taken = [
            {
                "logStreamName": stream,
                "logGroupIdentifier": self.groups[group_id],
                "message": event.message,
                "timestamp": event.timestamp,
                "ingestionTime": event.ingestion,
            }
            for event in events
            if self._pattern is None or self._pattern.matches(event.message)
        ]
        with self._lock:
            self._events.extend(taken)
            self._arrived += len(taken)

    def update(self) -> tuple[list[dict[str, Any]], bool]:
        """Return the next update's events, and whether they are only a sample of what arrived."""
        with self._lock:
            sampled = self._arrived > MOST_EVENTS
            events = list(self._events)
            self._events.clear()
            self._arrived = 0
        step = len(events) / MOST_EVENTS
        if len(events) > MOST_EVENTS:
            events = [events[int(index * step)] for index in range(MOST_EVENTS)]
        return events, sampled


class LiveTail:
    """The sessions of this server."""

    def __init__(self) -> None:
        self._sessions: dict[str, list[TailSession]] = {}
        self._lock = threading.Lock()

    def open(self, session: TailSession) -> None:
        """Begin to hand events to a session."""
        with self._lock:
            for group_id in session.groups:
                self._sessions[group_id] = [*self._sessions.get(group_id, ()), session]

    def end(self, session: TailSession) -> None:
        """Stop handing events to a session."""
        with self._lock:
            for group_id in session.groups:
                left = [each for each in self._sessions.get(group_id, ()) if each is not session]
                if left:
                    self._sessions[group_id] = left
                else:
                    self._sessions.pop(group_id, None)

    def publish(self, group_id: str, stream: str, events: Sequence[Event]) -> None:
        """Hand events to the sessions that watch their group."""
        for session in self._sessions.get(group_id, ()):
            session.offer(group_id, stream, events)

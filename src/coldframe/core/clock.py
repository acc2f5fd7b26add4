"""The time, as the one thing that tests may replace."""

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Gives the time from one source: seconds since the epoch, milliseconds, or a datetime in UTC."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source

    def seconds(self) -> float:
        """Return seconds since the epoch."""
        return self._source()

    def milliseconds(self) -> int:
        """Return whole milliseconds since the epoch, the unit of CloudWatch Logs."""
        return int(self._source() * 1000)

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self._source(), UTC)

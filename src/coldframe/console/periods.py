"""The stretch of time that a page looks at: the last so long, or from one moment to another."""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from coldframe.console.visit import Visit

LAST: Final = {
    "5m": 300,
    "15m": 900,
    "1h": 3600,
    "3h": 10800,
    "12h": 43200,
    "1d": 86400,
    "3d": 259200,
    "1w": 604800,
}
DEFAULT: Final = "1h"


class Period(NamedTuple):
    """From and to, in seconds since 1970; `last` is its name where it ends now."""

    start: int
    end: int
    last: str

    @property
    def step(self) -> int:
        """A length of time, in seconds, of which the period has a few hundred at most; whole minutes."""
        wanted = (self.end - self.start) / 300
        steps = (60, 300, 900, 3600, 21600, 86400)
        return next((step for step in steps if step >= wanted), steps[-1])


def asked(visit: Visit, values: dict[str, list[str]] | None = None) -> Period:
    """Return the period of an address (`last`, or `from` and `to`, ISO times in UTC); the last hour without one."""
    given = values if values is not None else visit.query
    # The running second belongs to it: what was written a moment ago is what people look for.
    now = int(visit.installation.clock.seconds()) + 1
    start, end = (_moment(given.get(name, [""])[0]) for name in ("from", "to"))
    if start is not None:
        return Period(start, max(start + 1, end if end is not None else now), "")
    last = given.get("last", [DEFAULT])[0]
    return Period(now - LAST.get(last, LAST[DEFAULT]), now, last if last in LAST else DEFAULT)


def _moment(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())

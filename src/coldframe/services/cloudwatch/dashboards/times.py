"""Times of a widget: `-PT3H` before now, `PT0H`, or a time of its own such as `2026-11-23T08:00:00.000Z`."""

import re
from datetime import UTC, datetime, timedelta, timezone

_RELATIVE = re.compile(
    r"(-?)P(?=.)(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_OFFSET = re.compile(r"([+-])([01]\d|2[0-3])([0-5]\d)")


def read(text: str, now: int) -> int:
    """Return a time in milliseconds since 1970; raises ValueError for a text that names none."""
    found = _RELATIVE.fullmatch(text)
    if found is None:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    span = timedelta(days=30 * months + 7 * weeks + days, hours=hours, minutes=minutes, seconds=seconds)
    return now + round(span.total_seconds() * 1000) * (-1 if found[1] else 1)


def zone(text: str) -> timezone:
    """Return a time zone given as `+0130`; raises ValueError for anything else."""
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise ValueError(f"timezone must look like +0130, not {text}")
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-offset if found[1] == "-" else offset)

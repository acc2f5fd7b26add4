"""When scheduled queries run: the times of their expressions, within the start and the end that they may have."""

from coldframe.jobs import cron
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.scheduled_records import NEVER, ScheduledQuery

# Whoever comes back after longer than this does not look for every time that has passed.
_LOOKS_BACK = DAY


def due_after(row: ScheduledQuery, moment: int) -> int:
    """Return when a scheduled query is due after a moment, NEVER where it is not; milliseconds. Raises ValueError."""
    schedule = cron.parse(row.expression, row.timezone or "UTC", row.anchor / 1000)
    if row.state != "ENABLED":
        return NEVER
    # A run may be due at the very start.
    found = schedule.after(max(moment, (row.starts or 1) - 1) / 1000)
    if found is None or (row.ends is not None and found * 1000 > row.ends):
        return NEVER
    return round(found * 1000)


def last_due(row: ScheduledQuery, now: int) -> int:
    """Return the last time that a query was due, at `row.due` or after it and not after now; runs that were missed are one."""
    last = row.due
    if now - last > _LOOKS_BACK:
        recent = due_after(row, now - _LOOKS_BACK)
        last = recent if recent <= now else last
    while (following := due_after(row, last)) <= now:
        last = following
    return last


def window(row: ScheduledQuery, triggered: int) -> tuple[int, int]:
    """Return the times, both inclusive, whose events the run that was due at `triggered` looks at.

    Without an offset for the start it is as long as the time until the next run, so that runs leave nothing out.
    """
    end = triggered - (row.end_offset or 0) * 1000 - 1
    if row.start_offset is not None:
        return triggered - row.start_offset * 1000, end
    following = due_after(row, triggered)
    if following == NEVER:
        following = triggered + DAY
    return max(0, end + 1 - (following - triggered)), end

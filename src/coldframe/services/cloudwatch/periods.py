"""Periods and the times they begin at, by the rules of GetMetricStatistics and GetMetricData."""

_MINUTE = 60
_DAY = 86400
SHORT = (1, 5, 10, 20, 30)
"""Periods below a minute, for high-resolution metrics."""


def is_period(period: int) -> bool:
    """Tell whether a period in seconds is 1, 5, 10, 20, 30 or a multiple of 60."""
    return period in SHORT or (period > 0 and period % _MINUTE == 0)


def aligned(start: float, period: int, now: float) -> int:
    """Return a start time in seconds, rounded down as documented.

    To the period when it is shorter than a minute, else to a minute, five minutes or an hour as the time is less than
    15 days, 15 to 63 days, or longer ago.
    """
    age = now - start
    if age > 63 * _DAY:
        step = 3600
    elif age > 15 * _DAY:
        step = 300
    else:
        step = period if period in SHORT else _MINUTE
    whole = int(start // 1)
    return whole - whole % step

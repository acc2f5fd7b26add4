"""What identifies a series, what a sample is, and how long each resolution is kept."""

from collections.abc import Sequence
from typing import NamedTuple

LEVELS = (1, 60, 300, 3600)
"""Seconds that one cell of each kept resolution covers."""

RETENTION = {1: 3 * 3600, 60: 15 * 86400, 300: 63 * 86400, 3600: 455 * 86400}
"""Seconds for which each resolution is kept (GetMetricData's documentation)."""


class Metric(NamedTuple):
    """A metric: whose, where, and its name with its dimensions, sorted by name."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()


class Sample(NamedTuple):
    """Values of one metric at one time, or a summary of values that nobody has any more.

    `at` is in seconds since 1970; `resolution` is 1 or 60. `counts` says how often each value occurred, empty: once
    each. A `summary` is (count, sum, minimum, maximum) and goes without values.
    """

    metric: Metric
    unit: str
    at: int
    resolution: int = 60
    values: Sequence[float] = ()
    counts: Sequence[float] = ()
    summary: tuple[float, float, float, float] | None = None


class Points(NamedTuple):
    """One value a period: the starts of the periods that have one, ascending, and each statistic's values beside them.

    None stands where a statistic cannot be had, for instance a percentile of summaries.
    """

    times: list[int]
    values: dict[str, list[float | None]]

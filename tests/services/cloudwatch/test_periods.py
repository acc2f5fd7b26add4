"""How start times are rounded, from the documentation of GetMetricStatistics."""

from datetime import UTC, datetime, timedelta

import pytest

from coldframe.services.cloudwatch.periods import aligned, is_period

TIME = datetime(2026, 3, 4, 12, 32, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "period", "expected"),
    [
        # "Start time less than 15 days ago - Round down to the nearest whole minute."
        (timedelta(hours=1), 60, (12, 32, 0)),
        (timedelta(days=14), 300, (12, 32, 0)),
        # "Start time between 15 and 63 days ago - Round down to the nearest 5-minute clock interval."
        (timedelta(days=16), 300, (12, 30, 0)),
        # "Start time greater than 63 days ago - Round down to the nearest 1-hour clock interval."
        (timedelta(days=64), 3600, (12, 0, 0)),
        # "If you set Period to 5, 10, 20, or 30, the start time is rounded down to ... divisions of a minute."
        (timedelta(hours=1), 1, (12, 32, 34)),
        (timedelta(hours=1), 5, (12, 32, 30)),
        (timedelta(hours=1), 20, (12, 32, 20)),
        (timedelta(hours=1), 30, (12, 32, 30)),
    ],
)
def test_rounding(age, period, expected):
    found = datetime.fromtimestamp(aligned(TIME.timestamp(), period, (TIME + age).timestamp()), UTC)
    assert (found.hour, found.minute, found.second) == expected


def test_periods():
    assert [period for period in range(-60, 121) if is_period(period)] == [1, 5, 10, 20, 30, 60, 120]

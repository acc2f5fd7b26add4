"""Schedules of mute rules, from the examples of PutAlarmMuteRule."""

from datetime import UTC, datetime

import pytest

from coldframe.services.cloudwatch.alarms.mute_schedule import parse


def active(expression, duration, at, timezone=None, start=None):
    moment = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000)
    return parse(expression, duration, timezone).active(moment, start=start)


@pytest.mark.parametrize(
    ("expression", "duration", "at", "expected"),
    [
        ("cron(0 2 * * *)", "PT2H", "2026-11-23T02:00", True),
        ("cron(0 2 * * *)", "PT2H", "2026-11-23T03:59", True),
        ("cron(0 2 * * *)", "PT2H", "2026-11-23T04:00", False),
        ("cron(0 23 * * *)", "PT2H", "2026-11-23T00:30", True),
        ("cron(0 2 * * SUN)", "PT4H", "2026-11-22T03:00", True),
        ("cron(0 2 * * SUN)", "PT4H", "2026-11-23T03:00", False),
        ("cron(0 18 * * FRI)", "P2DT12H", "2026-11-23T05:59", True),
        ("cron(0 18 * * FRI)", "P2DT12H", "2026-11-23T06:00", False),
        ("cron(0 1 1 * *)", "PT6H", "2026-11-01T01:00", True),
        ("cron(0 1 1 * *)", "PT6H", "2026-11-02T01:00", False),
        ("cron(0,30 9-17 * JAN-NOV MON-FRI)", "PT10M", "2026-11-23T12:35", True),
        ("cron(0,30 9-17 * JAN-NOV MON-FRI)", "PT10M", "2026-11-23T12:45", False),
        ("cron(0 0 * DEC *)", "P1D", "2026-11-23T12:00", False),
        ("at(2024-05-10T14:00)", "PT1H", "2024-05-10T14:59", True),
        ("at(2024-05-10T14:00)", "PT1H", "2024-05-10T15:00", False),
        ("at(2024-05-10T14:00)", "P15D", "2024-05-25T13:59", True),
    ],
)
def test_when_it_mutes(expression, duration, at, expected):
    assert active(expression, duration, at) is expected


def test_the_time_zone_counts():
    assert active("cron(0 2 * * *)", "PT1H", "2026-11-23T07:30", "America/New_York")
    assert not active("cron(0 2 * * *)", "PT1H", "2026-11-23T02:30", "America/New_York")


def test_nothing_is_muted_before_the_start_date():
    start = int(datetime(2026, 11, 23, 3, tzinfo=UTC).timestamp() * 1000)
    assert not active("cron(0 2 * * *)", "PT2H", "2026-11-23T03:30", start=start)
    assert active("cron(0 2 * * *)", "PT2H", "2026-11-24T03:30", start=start)

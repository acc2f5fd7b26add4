"""Schedule expressions, from the user guides of Amazon EventBridge: examples with their times."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from coldframe.jobs.cron import parse


def seconds(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def times(expression, start, count=3, zone="UTC"):
    schedule, moment, found = parse(expression, zone, seconds(start)), seconds(start), []
    for _ in range(count):
        moment = schedule.after(moment)
        if moment is None:
            return [*found, None]
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "start", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-01-01 10:00", ["2026-01-02 10:00", "2026-01-03 10:00"]),
        ("cron(15 12 * * ? *)", "2026-01-01 10:00", ["2026-01-01 12:15", "2026-01-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02 18:00", ["2026-01-05 18:00", "2026-01-06 18:00"]),
        ("cron(0 8 1 * ? *)", "2026-01-01 10:00", ["2026-02-01 08:00", "2026-03-01 08:00"]),
        ("cron(0/15 * * * ? *)", "2026-01-01 10:46", ["2026-01-01 11:00", "2026-01-01 11:15"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-01-02 17:50", ["2026-01-02 17:55", "2026-01-05 08:00"]),
        ("cron(0 9 ? * 2#1 *)", "2026-01-01 00:00", ["2026-01-05 09:00", "2026-02-02 09:00"]),
        ("cron(15 10 ? * 6L 2026-2027)", "2026-01-01 00:00", ["2026-01-30 10:15", "2026-02-27 10:15"]),
        ("cron(0 0 L * ? *)", "2026-01-31 00:00", ["2026-02-28 00:00", "2026-03-31 00:00"]),
        ("cron(0 0 LW * ? *)", "2026-01-01 00:00", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("cron(0 0 15W * ? *)", "2026-02-01 00:00", ["2026-02-16 00:00", "2026-03-16 00:00"]),
        ("cron(0 0 1W * ? *)", "2026-07-31 00:00", ["2026-08-03 00:00", "2026-09-01 00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01 00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 ? JAN,JUL SUN *)", "2026-01-25 00:00", ["2026-07-05 00:00", "2026-07-12 00:00"]),
        ("cron(30 6 1 1 ? 2030)", "2026-01-01 00:00", ["2030-01-01 06:30", None]),
        ("cron(0 0 1 1 ? 2020)", "2026-01-01 00:00", [None]),
        ("cron(*/20 * * * *)", "2026-01-01 00:30", ["2026-01-01 00:40", "2026-01-01 01:00"]),
        ("cron(0 2 * * 7)", "2026-01-01 00:00", ["2026-01-04 02:00", "2026-01-11 02:00"]),
        (
            "cron(0 0 13 * 5)",
            "2026-01-01 00:00",
            ["2026-01-02 00:00", "2026-01-09 00:00", "2026-01-13 00:00"],
        ),
        ("rate(5 minutes)", "2026-01-01 10:02", ["2026-01-01 10:07", "2026-01-01 10:12"]),
        ("rate(1 day)", "2026-01-01 10:02", ["2026-01-02 10:02", "2026-01-03 10:02"]),
    ],
)
def test_the_times_of_an_expression(expression, start, expected):
    assert times(expression, start, len([each for each in expected if each]) + (None in expected)) == expected


def test_local_times_follow_the_clocks_of_their_zone():
    # Clocks in Berlin go forward at 02:00 on 29 March 2026, and back at 03:00 on 25 October.
    assert times("cron(0 9 * * ? *)", "2026-03-28 00:00", 2, "Europe/Berlin") == [
        "2026-03-28 08:00",
        "2026-03-29 07:00",
    ]
    assert times("cron(30 2 * * ? *)", "2026-03-28 12:00", 2, "Europe/Berlin") == [
        "2026-03-30 00:30",
        "2026-03-31 00:30",
    ]
    assert times("cron(30 2 * * ? *)", "2026-10-24 12:00", 2, "Europe/Berlin") == [
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


def test_a_rate_keeps_its_rhythm_from_its_anchor():
    schedule = parse("rate(2 hours)", "UTC", 1000.0)
    assert schedule.after(0) == 8200
    assert schedule.after(8199) == 8200
    assert schedule.after(8200) == 15_400
    moments = [schedule.after(1000.0 + 7200 * n + 1) for n in range(5)]
    assert {later - earlier for earlier, later in pairwise(moments)} == {7200}


@pytest.mark.parametrize(
    ("expression", "zone", "message"),
    [
        ("cron(0 10 * * * *)", "UTC", "Exactly one of"),
        ("cron(0 10 ? * ? *)", "UTC", "Exactly one of"),
        ("cron(60 10 * * ? *)", "UTC", "minutes field of a cron expression cannot be 60"),
        ("cron(0 24 * * ? *)", "UTC", "hours field"),
        ("cron(0 0 32 * ? *)", "UTC", "day-of-month field"),
        ("cron(0 0 * 13 ? *)", "UTC", "month field"),
        ("cron(0 0 ? * 8 *)", "UTC", "day-of-week field"),
        ("cron(0 0 ? * 0 *)", "UTC", "day-of-week field"),
        ("cron(0 0 * * ? 1969)", "UTC", "year field"),
        ("cron(5-1 0 * * ? *)", "UTC", "minutes field"),
        ("cron(*/0 0 * * ? *)", "UTC", "minutes field"),
        ("cron(a 0 * * ? *)", "UTC", "minutes field"),
        ("cron(0 0 * *)", "UTC", "five or six fields"),
        ("0 0 * * ? *", "UTC", "five or six fields"),
        ("rate(0 minutes)", "UTC", "positive number"),
        ("rate(1 minutes)", "UTC", "positive number"),
        ("rate(5 minute)", "UTC", "positive number"),
        ("rate(5 weeks)", "UTC", "five or six fields"),
        ("rate(5 minutes)", "Mars/Olympus", "time zone Mars/Olympus is unknown"),
        ("rate(5 minutes)", "../etc/passwd", "time zone"),
    ],
)
def test_what_is_no_schedule_is_refused(expression, zone, message):
    with pytest.raises(ValueError, match=message):
        parse(expression, zone, 0)

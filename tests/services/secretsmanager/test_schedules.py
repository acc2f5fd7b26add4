"""When secrets rotate that a service manages: the windows of rotation rules, as the User Guide has them."""

from datetime import UTC, datetime

import pytest

from coldframe.core.faults import ServiceFault
from coldframe.services.secretsmanager import schedules
from coldframe.services.secretsmanager.records import NEVER, Secret

SINCE = datetime(2026, 11, 30, 10, 30, tzinfo=UTC)


def moment(when):
    return int(when.timestamp() * 1000)


def window(**rules):
    """The window that follows on a rotation at SINCE, as texts: when it opens and its last second."""
    fields = schedules.with_rules(None, rules, moment(SINCE))
    return tuple(
        datetime.fromtimestamp(at / 1000, UTC).strftime("%m-%d %H:%M:%S")
        for at in (fields["rotates"], fields["rotation"].closes)
    )


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"AutomaticallyAfterDays": 7}, ("12-07 00:00:00", "12-07 23:59:59")),
        ({"AutomaticallyAfterDays": 1, "Duration": "3h"}, ("12-01 00:00:00", "12-01 02:59:59")),
        ({"ScheduleExpression": "rate(10 days)"}, ("12-10 00:00:00", "12-10 23:59:59")),
        ({"ScheduleExpression": "rate(4 hours)"}, ("11-30 12:00:00", "11-30 12:59:59")),
        ({"ScheduleExpression": "rate(12 hours)", "Duration": "2h"}, ("11-30 12:00:00", "11-30 13:59:59")),
        ({"ScheduleExpression": "cron(0 16 1 * ? *)"}, ("12-01 16:00:00", "12-01 23:59:59")),
        ({"ScheduleExpression": "cron(0 /8 * * ? *)"}, ("11-30 16:00:00", "11-30 16:59:59")),
        (
            {"ScheduleExpression": "cron(0 1 ? * SUN#1 *)", "Duration": "3h"},
            ("12-06 01:00:00", "12-06 03:59:59"),
        ),
    ],
)
def test_windows(rules, expected):
    assert window(**rules) == expected


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"Duration": "3h"},
        {"AutomaticallyAfterDays": 7, "ScheduleExpression": "rate(10 days)"},
        {"ScheduleExpression": "rate(3 hours)"},
        {"ScheduleExpression": "rate(1001 days)"},
        {"ScheduleExpression": "rate(30 minutes)"},
        {"ScheduleExpression": "cron(30 16 1 * ? *)"},
        {"ScheduleExpression": "cron(0 16 * * *)"},
        {"ScheduleExpression": "every day"},
        {"ScheduleExpression": "rate(4 hours)", "Duration": "5h"},
        {"AutomaticallyAfterDays": 1, "Duration": "25h"},
    ],
)
def test_rules_that_cannot_be_kept_are_refused(rules):
    with pytest.raises(ServiceFault) as caught:
        schedules.with_rules(None, rules, moment(SINCE))
    assert caught.value.code == "InvalidParameterException"


def test_secrets_of_rds_rotate_every_seven_days_and_others_never():
    made = Secret(name="rds!db-1", suffix="abcdef", created=moment(SINCE), changed=moment(SINCE), owner="rds")
    # One that was made before rotation was known is rotated from its next value on.
    fields = schedules.rotated(made, moment(SINCE))
    assert fields["rotation"].days == 7
    assert fields == schedules.rotated(
        Secret(
            name="rds!db-1",
            suffix="abcdef",
            created=0,
            changed=0,
            owner="rds",
            **schedules.of_new("rds", 0),
        ),
        moment(SINCE),
    )
    assert schedules.of_new("", 0) == {}
    other = Secret(name="mine", suffix="abcdef", created=0, changed=0)
    assert (schedules.rotated(other, moment(SINCE)), other.rotates) == ({}, NEVER)

"""What CloudWatch remembers of alarms, their history and the rules that mute them; times are milliseconds since 1970."""

from typing import Any

import msgspec

from coldframe.core.records import Record, record
from coldframe.services.cloudwatch.alarms.evaluation import State

METRIC, COMPOSITE = "MetricAlarm", "CompositeAlarm"


class Contributor(msgspec.Struct, frozen=True):
    """A time series of an alarm's Metrics Insights query that is in ALARM: its labels, why, and since when."""

    group: dict[str, str]
    reason: str
    since: int


@record("cloudwatch_alarms", key=("name",), index=("kind", "state", "held"))
class Alarm(Record):
    """A metric or composite alarm: `configuration` is what Put...Alarm was given, without name and tags.

    `held`: the actions of the state are still to be carried out, because a suppressor or a mute rule holds them back;
    `acted` is the state whose actions were the last that were due. `suppressed_*` say it of a composite alarm.
    `contributors` are by their ids.
    """

    name: str
    kind: str
    arn: str
    state: State
    reason: str
    configured: int
    updated: int
    transitioned: int
    configuration: dict[str, Any]
    reason_data: str | None = None
    evaluation_state: str | None = None
    tags: dict[str, str] = {}
    suppressed_by: str | None = None
    suppressed_reason: str | None = None
    suppressed_since: int | None = None
    suppressor_left: int | None = None
    held: bool = False
    acted: str = "INSUFFICIENT_DATA"
    warm_up_until: int = 0
    contributors: dict[str, Contributor] = {}


@record("cloudwatch_alarm_history", key=("id",), index=("alarm", "kind", "item", "at"))
class HistoryItem(Record):
    """Something that happened to an alarm, or to the contributor of this id and these labels; `id` sorts by time."""

    id: str
    alarm: str
    kind: str
    item: str
    at: int
    summary: str
    data: str
    contributor: str | None = None
    group: dict[str, str] = {}


@record(
    "cloudwatch_alarm_mute_rules",
    key=("name",),
    missing=("ResourceNotFoundException", "Alarm mute rule {name} does not exist."),
)
class AlarmMuteRule(Record):
    """A rule that mutes the actions of some alarms at certain times."""

    name: str
    arn: str
    schedule: dict[str, str]
    alarms: list[str]
    created: int
    updated: int
    description: str | None = None
    start: int | None = None
    expire: int | None = None
    tags: dict[str, str] = {}

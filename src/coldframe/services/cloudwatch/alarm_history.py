"""The history of alarms: items as AWS writes them, kept for 30 days."""

import json
from typing import Any

from coldframe.core.records import Records
from coldframe.services.cloudwatch.alarm_records import Alarm, Contributor, HistoryItem
from coldframe.services.cloudwatch.alarms.reasons import iso

KEPT = 30 * 86_400_000
_LONGEST = 4095
_LONGEST_SUMMARY = 255


def write(
    records: Records,
    alarm: tuple[str, str],
    item: str,
    *,
    at: int,
    summary: str,
    data: dict[str, Any],
    id_: str,
) -> None:
    """Write an item about the alarm of this name and kind; `id_` tells apart what happened in one millisecond."""
    records.put(
        HistoryItem(
            id=f"{at:015d}-{id_}",
            alarm=alarm[0],
            kind=alarm[1],
            item=item,
            at=at,
            summary=summary[:_LONGEST_SUMMARY],
            data=_text(data),
        )
    )


def configured(records: Records, alarm: Alarm, before: Alarm | None, *, at: int, id_: str) -> None:
    """Write that an alarm was made, or changed from what it was."""
    data: dict[str, Any] = {"version": "1.0"}
    if before is None:
        data |= {"type": "Create", "createdAlarm": shown(alarm)}
    else:
        data |= {"type": "Update", "updatedAlarm": shown(alarm)}
    what = "created" if before is None else "updated"
    write(
        records,
        (alarm.name, alarm.kind),
        "ConfigurationUpdate",
        at=at,
        summary=f'Alarm "{alarm.name}" {what}',
        data=data,
        id_=id_,
    )


def deleted(records: Records, alarm: Alarm, *, at: int, id_: str) -> None:
    """Write that an alarm is no more."""
    data = {"version": "1.0", "type": "Delete", "deletedAlarm": shown(alarm)}
    write(
        records,
        (alarm.name, alarm.kind),
        "ConfigurationUpdate",
        at=at,
        summary=f'Alarm "{alarm.name}" deleted',
        data=data,
        id_=id_,
    )


def changed(records: Records, old: Alarm, new: Alarm, *, at: int, id_: str) -> None:
    """Write that an alarm went from one state to another."""
    data = {"version": "1.0", "oldState": _state(old), "newState": _state(new)}
    summary = f"Alarm updated from {old.state} to {new.state}"
    write(records, (new.name, new.kind), "StateUpdate", at=at, summary=summary, data=data, id_=id_)


def contributed(
    records: Records,
    alarm: Alarm,
    id_: str,
    before: Contributor | None,
    after: Contributor | None,
    *,
    at: int,
) -> None:
    """Write that a contributor went into ALARM, or out of it; None is one that is not in ALARM."""
    known = after or before
    assert known is not None, "a contributor that changes is there on one side"
    old, new = (
        {"stateValue": "OK"} if each is None else {"stateValue": "ALARM", "stateReason": each.reason}
        for each in (before, after)
    )
    item = HistoryItem(
        id=f"{at:015d}-2{id_}",
        alarm=alarm.name,
        kind=alarm.kind,
        item="AlarmContributorStateUpdate",
        at=at,
        summary=f"Alarm contributor updated from {old['stateValue']} to {new['stateValue']}",
        data=_text({"version": "1.0", "oldState": old, "newState": new}),
        contributor=id_,
        group=known.group,
    )
    records.put(item)


def acted(
    records: Records,
    alarm: tuple[str, str],
    action: str,
    *,
    at: int,
    id_: str,
    error: str | None,
    said: str,
) -> None:
    """Write that an action was carried out, or with which error it failed; `said` is the message it published."""
    data: dict[str, Any] = {
        "actionState": "Failed" if error else "Succeeded",
        "notificationResource": action,
        "publishedMessage": json.dumps({"default": said}, ensure_ascii=False),
        "error": error,
    }
    summary = f"Successfully executed action {action}"
    if error:
        summary = f'Failed to execute action {action}. Received error: "{error}"'
    write(records, alarm, "Action", at=at, summary=summary, data=data, id_=id_)


def _text(data: dict[str, Any]) -> str:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    while len(text) > _LONGEST and data:
        # What is longest says least: a message or a rule that other operations show whole.
        longest = max(data, key=lambda name: len(json.dumps(data[name])))
        data = {name: value for name, value in data.items() if name != longest}
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return text


def shown(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as its history shows it: names begin with a small letter."""
    about: dict[str, Any] = {
        "alarmName": alarm.name,
        "alarmArn": alarm.arn,
        "alarmConfigurationUpdatedTimestamp": iso(alarm.configured),
        "stateValue": alarm.state,
        "stateUpdatedTimestamp": iso(alarm.updated),
    }
    return about | {_small(name): _plain(value) for name, value in alarm.configuration.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_small(name): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _small(name: str) -> str:
    return "okactions" if name == "OKActions" else name[:1].lower() + name[1:]


def _state(alarm: Alarm) -> dict[str, Any]:
    state: dict[str, Any] = {"stateValue": alarm.state, "stateReason": alarm.reason}
    if alarm.reason_data is not None:
        state["stateReasonData"] = _decoded(alarm.reason_data)
    return state


def _decoded(text: str) -> Any:
    """The data of a state that SetAlarmState gave may be any text."""
    try:
        return json.loads(text)
    except ValueError:
        return text

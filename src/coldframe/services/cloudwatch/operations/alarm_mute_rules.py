"""Alarm mute rules: put, get, list, delete."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import place
from coldframe.services.cloudwatch import tagging
from coldframe.services.cloudwatch.alarm_records import Alarm, AlarmMuteRule
from coldframe.services.cloudwatch.alarm_states import AlarmStates, mutes
from coldframe.services.cloudwatch.alarms import mute_schedule
from coldframe.services.cloudwatch.alarms.faults import invalid
from coldframe.services.cloudwatch.answers import milliseconds, moment

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        DeleteAlarmMuteRuleInputTypeDef,
        GetAlarmMuteRuleInputTypeDef,
        GetAlarmMuteRuleOutputTypeDef,
        ListAlarmMuteRulesInputTypeDef,
        ListAlarmMuteRulesOutputTypeDef,
        PutAlarmMuteRuleInputTypeDef,
    )

_PAGE = 50


def put_alarm_mute_rule(call: Call, request: "PutAlarmMuteRuleInputTypeDef") -> None:
    """Make a rule or replace one; alarms that the old one muted and the new one does not are unmuted."""
    schedule: dict[str, Any] = {**request["Rule"]["Schedule"]}
    try:
        mute_schedule.parse(schedule["Expression"], schedule["Duration"], schedule.get("Timezone"))
    except ValueError as error:
        raise invalid(str(error)) from None
    start = milliseconds(request["StartDate"]) if "StartDate" in request else None
    expire = milliseconds(request["ExpireDate"]) if "ExpireDate" in request else None
    if start is not None and expire is not None and expire <= start:
        raise invalid("ExpireDate must be after StartDate.")
    targets: Any = request.get("MuteTargets") or {}
    names: list[str] = list(targets.get("AlarmNames", ()))
    for name in names:
        if call.records.find(Alarm, name) is None:
            raise ServiceFault("ValidationError", f"Alarm {name} does not exist.", status=400)
        call.require("cloudwatch:PutAlarmMuteRule", call.arn(f"alarm:{name}"))
    before = call.records.find(AlarmMuteRule, request["Name"])
    arn = call.arn(f"alarm-mute-rule:{request['Name']}")
    rule = AlarmMuteRule(
        name=request["Name"],
        arn=arn,
        schedule=schedule,
        alarms=names,
        created=call.now if before is None else before.created,
        updated=call.now,
        description=request.get("Description"),
        start=start,
        expire=expire,
        tags=tagging.tags_of_new(call, request.get("Tags"), arn) if before is None else before.tags,
    )
    call.records.put(rule)
    _unmute(call, before)


def get_alarm_mute_rule(
    call: Call, request: "GetAlarmMuteRuleInputTypeDef"
) -> "GetAlarmMuteRuleOutputTypeDef":
    """Return a rule and whether it mutes now."""
    rule = call.records.get(AlarmMuteRule, request["AlarmMuteRuleName"])
    answer: dict[str, Any] = {
        **_summary(rule, call.now),
        "Name": rule.name,
        "Rule": {"Schedule": rule.schedule},
        "MuteTargets": {"AlarmNames": rule.alarms},
    }
    if rule.description is not None:
        answer["Description"] = rule.description
    if rule.start is not None:
        answer["StartDate"] = moment(rule.start)
    return answer  # type: ignore[return-value]


def list_alarm_mute_rules(
    call: Call, request: "ListAlarmMuteRulesInputTypeDef"
) -> "ListAlarmMuteRulesOutputTypeDef":
    """Return the rules in the order of their names: all, or those for an alarm or in a status."""
    name, statuses = request.get("AlarmName"), request.get("Statuses")
    if name is not None and call.records.find(Alarm, name) is None:
        raise ServiceFault("ResourceNotFoundException", f"Alarm {name} does not exist.")
    after = call.page(request.get("NextToken"), code="InvalidNextToken")
    size = request.get("MaxRecords", _PAGE)
    found = [
        rule
        for rule in call.records.list(AlarmMuteRule, after=None if after is None else tuple(after))
        if (name is None or name in rule.alarms) and (not statuses or _status(rule, call.now) in statuses)
    ]
    answer: dict[str, Any] = {"AlarmMuteRuleSummaries": [_summary(rule, call.now) for rule in found[:size]]}
    if len(found) > size:
        answer["NextToken"] = call.token(place(found[size - 1]))
    return answer  # type: ignore[return-value]


def delete_alarm_mute_rule(call: Call, request: "DeleteAlarmMuteRuleInputTypeDef") -> None:
    """Delete a rule; what it mutes is unmuted at once, and actions that it held back are carried out."""
    rule = call.records.find(AlarmMuteRule, request["AlarmMuteRuleName"])
    if rule is not None:
        call.records.remove(rule)
        _unmute(call, rule)


def _unmute(call: Call, rule: AlarmMuteRule | None) -> None:
    states = AlarmStates(call.installation, call.records, call.now)
    for name in rule.alarms if rule is not None else ():
        alarm = call.records.find(Alarm, name)
        if alarm is not None:
            states.review(alarm)


def _summary(rule: AlarmMuteRule, now: int) -> dict[str, Any]:
    once = rule.schedule["Expression"].startswith("at(")
    summary: dict[str, Any] = {
        "AlarmMuteRuleArn": rule.arn,
        "Status": _status(rule, now),
        "MuteType": "ONE_TIME" if once else "RECURRING",
        "LastUpdatedTimestamp": moment(rule.updated),
    }
    if rule.expire is not None:
        summary["ExpireDate"] = moment(rule.expire)
    return summary


def _status(rule: AlarmMuteRule, now: int) -> str:
    if rule.expire is not None and now >= rule.expire:
        return "EXPIRED"
    if mutes(rule, now):
        return "ACTIVE"
    schedule = rule.schedule
    about = mute_schedule.parse(schedule["Expression"], schedule["Duration"], schedule.get("Timezone"))
    return "EXPIRED" if about.over(now) else "SCHEDULED"

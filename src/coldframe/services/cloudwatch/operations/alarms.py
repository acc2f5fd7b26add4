"""Alarms of both kinds: put metric alarms, describe, delete, set states, enable and disable actions."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.core.records import place
from coldframe.services.cloudwatch import alarm_history, answers, tagging
from coldframe.services.cloudwatch.alarm_evaluator import AlarmEvaluator
from coldframe.services.cloudwatch.alarm_records import COMPOSITE, METRIC, Alarm
from coldframe.services.cloudwatch.alarm_states import AlarmStates
from coldframe.services.cloudwatch.alarms import actions, configuration, expression_checks
from coldframe.services.cloudwatch.alarms.faults import invalid, missing
from coldframe.services.cloudwatch.alarms.reasons import CREATED
from coldframe.services.cloudwatch.insight_reports import need_logs_of_rules

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        DeleteAlarmsInputTypeDef,
        DescribeAlarmsForMetricInputTypeDef,
        DescribeAlarmsForMetricOutputTypeDef,
        DescribeAlarmsInputTypeDef,
        DescribeAlarmsOutputTypeDef,
        DisableAlarmActionsInputTypeDef,
        EnableAlarmActionsInputTypeDef,
        PutMetricAlarmInputTypeDef,
        SetAlarmStateInputTypeDef,
    )

_PAGE = 100
_UNKEPT = frozenset({"AlarmName", "Tags"})
_MINUTE = 60_000


def put_metric_alarm(call: Call, request: "PutMetricAlarmInputTypeDef") -> None:
    """Make an alarm, in INSUFFICIENT_DATA until it is evaluated, or overwrite all of one's configuration."""
    kept = {name: value for name, value in request.items() if name not in _UNKEPT}
    configuration.check(request)
    actions.check(kept, composite=False)
    _check_built(call, kept)
    if "Metrics" in kept:
        expression_checks.check(kept, configuration.watched(kept))
    need_logs_of_rules(call, request.get("Metrics") or ())
    name, now = request["AlarmName"], call.now
    before = call.records.find(Alarm, name)
    if before is not None and before.kind != METRIC:
        raise invalid(f"An alarm of another type is called {name} already.")
    warm_up = _warm_up(kept, before, now)
    if before is None:
        arn = call.arn(f"alarm:{name}")
        alarm = Alarm(
            name=name,
            kind=METRIC,
            arn=arn,
            state="INSUFFICIENT_DATA",
            reason=CREATED,
            configured=now,
            updated=now,
            transitioned=now,
            configuration=kept,
            tags=tagging.tags_of_new(call, request.get("Tags"), arn),
            warm_up_until=warm_up,
            evaluation_state="IN_WARM_UP" if warm_up else None,
        )
        call.records.add(alarm)
    else:
        alarm = call.records.change(before, configuration=kept, configured=now, warm_up_until=warm_up)
    alarm_history.configured(call.records, alarm, before, at=now, id_=f"0{call.new_id()}")
    if before is not None:
        evaluator, account, region = call.part(AlarmEvaluator), call.account, call.region
        call.records.after_commit(lambda: evaluator.wake(account, region, name))


def describe_alarms(call: Call, request: "DescribeAlarmsInputTypeDef") -> "DescribeAlarmsOutputTypeDef":
    """Return alarms by name, of the kinds asked for; without a kind only metric alarms."""
    if "AlarmNames" in request and "AlarmNamePrefix" in request:
        raise invalid("AlarmNamePrefix and AlarmNames cannot be specified together.")
    for relation in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
        if relation in request:
            return _describe_relatives(call, request, relation)
    after = call.page(request.get("NextToken"), code="InvalidNextToken")
    size = request.get("MaxRecords", _PAGE)
    found = list(islice(_matching(call, request, after), size + 1))
    answer: dict[str, Any] = answers.alarms(found[:size])
    if len(found) > size:
        answer["NextToken"] = call.token(place(found[size - 1]))
    return answer  # type: ignore[return-value]


def describe_alarms_for_metric(
    call: Call, request: "DescribeAlarmsForMetricInputTypeDef"
) -> "DescribeAlarmsForMetricOutputTypeDef":
    """Return the metric alarms on exactly this metric; those on metric math are not among them."""
    if "Statistic" in request and "ExtendedStatistic" in request:
        raise invalid("Statistic and ExtendedStatistic cannot be specified together.")
    wanted: dict[str, Any] = {
        name: request.get(name)
        for name in ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Unit")
        if name in request
    }
    dimensions = _pairs(request.get("Dimensions", ()))
    found = [
        alarm
        for alarm in call.records.list(Alarm, where={"kind": METRIC})
        if all(alarm.configuration.get(name) == value for name, value in wanted.items())
        and _pairs(alarm.configuration.get("Dimensions", ())) == dimensions
    ]
    return {"MetricAlarms": [answers.alarm(alarm) for alarm in found]}  # type: ignore[typeddict-item]


def delete_alarms(call: Call, request: "DeleteAlarmsInputTypeDef") -> None:
    """Delete alarms, of which one may be composite; names that no alarm has are passed over."""
    names = dict.fromkeys(request["AlarmNames"])
    found = [alarm for alarm in (call.records.find(Alarm, name) for name in names) if alarm is not None]
    if names and not found:
        raise missing(f"Alarm {', '.join(names)} does not exist.")
    if sum(alarm.kind == COMPOSITE for alarm in found) > 1:
        raise invalid("At most one composite alarm can be deleted in one request.")
    states = AlarmStates(call.installation, call.records, call.now)
    for alarm in found:
        parents = [each.name for each in states.parents(alarm.name)]
        if any(parent not in names or parent == alarm.name for parent in parents):
            raise invalid(f"Cannot delete {alarm.name} as there are composite alarm(s) depending on it.")
    for alarm in found:
        call.records.remove(alarm)
        alarm_history.deleted(call.records, alarm, at=call.now, id_=f"3{call.new_id()}")


def set_alarm_state(call: Call, request: "SetAlarmStateInputTypeDef") -> None:
    """Put an alarm into a state until it is next evaluated; its actions are carried out if that is another state."""
    alarm = call.records.find(Alarm, request["AlarmName"])
    if alarm is None:
        raise missing("")  # AWS sends the code alone.
    data = request.get("StateReasonData")
    if data is not None:
        try:
            json.loads(data)
        except ValueError:
            raise ServiceFault("InvalidFormatFault", "TheStateReasonData is not valid JSON") from None
    states = AlarmStates(call.installation, call.records, call.now)
    states.set(alarm, request["StateValue"], request["StateReason"], data)


def enable_alarm_actions(call: Call, request: "EnableAlarmActionsInputTypeDef") -> None:
    """Let alarms carry out their actions from their next change of state on."""
    _switch(call, list(request["AlarmNames"]), on=True)


def disable_alarm_actions(call: Call, request: "DisableAlarmActionsInputTypeDef") -> None:
    """Keep alarms from carrying out their actions; their states change as before."""
    _switch(call, list(request["AlarmNames"]), on=False)


def _switch(call: Call, names: list[str], *, on: bool) -> None:
    for name in dict.fromkeys(names):
        before = call.records.find(Alarm, name)
        if before is None or before.configuration.get("ActionsEnabled", True) == on:
            continue
        kept = {**before.configuration, "ActionsEnabled": on}
        alarm = call.records.change(before, configuration=kept, configured=call.now)
        alarm_history.configured(call.records, alarm, before, at=call.now, id_=f"0{ids.uuid()}")


def _check_built(call: Call, kept: dict[str, Any]) -> None:
    window = kept.get("EvaluationWindow", {}).get("WallClockWindow", {})
    if window.get("Timezone", "UTC") not in {"UTC", "+00:00", "UTC+00:00"}:
        raise NotBuilt("Wall clock windows are aligned to UTC here; other time zones are not built.")
    if any(query.get("AccountId", call.account) != call.account for query in kept.get("Metrics", ())):
        raise NotBuilt("Alarms on the metrics of other accounts are not built.")


def _warm_up(kept: dict[str, Any], before: Alarm | None, now: int) -> int:
    """When the warm-up ends, 0 when there is none: one that has ended is not begun again."""
    about = kept.get("WarmUpConfiguration")
    if about is None or (before is not None and before.warm_up_until == 0):
        return 0
    return now + int(about["WarmUpPeriodDurationInMinutes"]) * _MINUTE


def _describe_relatives(call: Call, request: Any, relation: str) -> "DescribeAlarmsOutputTypeDef":
    if set(request) - {relation, "MaxRecords", "NextToken"}:
        raise invalid(f"With {relation} only MaxRecords and NextToken can be specified.")
    states = AlarmStates(call.installation, call.records, call.now)
    named = call.records.find(Alarm, request[relation])
    shown = ["AlarmName", "AlarmArn"]
    if relation == "ParentsOfAlarmName":
        found = states.parents(request[relation])
    else:
        if named is None or named.kind != COMPOSITE:
            raise invalid(f"{request[relation]} is not the name of a composite alarm.")
        found = states.children(named)
        shown += ["StateValue", "StateUpdatedTimestamp"]
    found.sort(key=lambda alarm: alarm.name)
    after = call.page(request.get("NextToken"), code="InvalidNextToken")
    rest = [alarm for alarm in found if after is None or alarm.name > after]
    size = request.get("MaxRecords", _PAGE)
    answer: dict[str, Any] = {
        kind: [{name: each[name] for name in shown} for each in group]
        for kind, group in answers.alarms(rest[:size]).items()
    }
    if len(rest) > size:
        answer["NextToken"] = call.token(rest[size - 1].name)
    return answer  # type: ignore[return-value]


def _matching(call: Call, request: Any, after: Any) -> Iterator[Alarm]:
    """The alarms wanted in the order of their names, read a page at a time."""
    where: dict[str, Any] = {"kind": list(request.get("AlarmTypes") or [METRIC])}
    if "StateValue" in request:
        where["state"] = request["StateValue"]
    if "AlarmNames" in request:
        where["name"] = list(request["AlarmNames"])
    prefix = request.get("AlarmNamePrefix")
    action = request.get("ActionPrefix")
    while True:
        rows = call.records.list(
            Alarm,
            where=where,
            starts_with=("name", prefix) if prefix else None,
            after=None if after is None else tuple(after),
            limit=_PAGE,
        )
        for row in rows:
            if action is None or any(arn.startswith(action) for arn in _actions(row)):
                yield row
        if len(rows) < _PAGE:
            return
        after = place(rows[-1])


def _actions(alarm: Alarm) -> Iterator[str]:
    for member in actions.OF_STATE.values():
        yield from alarm.configuration.get(member, ())


def _pairs(dimensions: Any) -> set[tuple[str, str]]:
    return {(each["Name"], each["Value"]) for each in dimensions}

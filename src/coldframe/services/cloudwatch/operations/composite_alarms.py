"""Composite alarms: put."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.services.cloudwatch import alarm_history, tagging
from coldframe.services.cloudwatch.alarm_records import COMPOSITE, Alarm
from coldframe.services.cloudwatch.alarm_states import AlarmStates, names_of, rule_of
from coldframe.services.cloudwatch.alarms import actions
from coldframe.services.cloudwatch.alarms.faults import invalid
from coldframe.services.cloudwatch.alarms.reasons import CREATED
from coldframe.services.cloudwatch.alarms.rule_grammar import RuleError, alarm_name

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import PutCompositeAlarmInputTypeDef

_UNKEPT = frozenset({"AlarmName", "Tags"})
_PERIODS = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
_MOST_PARENTS = 150


def put_composite_alarm(call: Call, request: "PutCompositeAlarmInputTypeDef") -> None:
    """Make a composite alarm, or overwrite all of one's configuration; its state follows at once from its rule."""
    kept: dict[str, Any] = {name: value for name, value in request.items() if name not in _UNKEPT}
    name, now = request["AlarmName"], call.now
    actions.check(kept, composite=True)
    _check_rule(call, name, kept["AlarmRule"])
    _check_suppressor(call, kept)
    before = call.records.find(Alarm, name)
    if before is not None and before.kind != COMPOSITE:
        raise invalid(f"An alarm of another type is called {name} already.")
    if before is None:
        arn = call.arn(f"alarm:{name}")
        alarm = Alarm(
            name=name,
            kind=COMPOSITE,
            arn=arn,
            state="INSUFFICIENT_DATA",
            reason=CREATED,
            configured=now,
            updated=now,
            transitioned=now,
            configuration=kept,
            tags=tagging.tags_of_new(call, request.get("Tags"), arn),
        )
        call.records.add(alarm)
    else:
        alarm = call.records.change(before, configuration=kept, configured=now)
    alarm_history.configured(call.records, alarm, before, at=now, id_=f"0{call.new_id()}")
    states = AlarmStates(call.installation, call.records, now)
    done = "created" if before is None else "updated"
    reason = f"{alarm.arn} was {done} and its alarm rule evaluates to {{state}}"
    states.judge(alarm, reason, states.children(alarm))


def _check_rule(call: Call, name: str, text: str) -> None:
    try:
        rule_of(text)
    except RuleError as error:
        raise invalid(f"AlarmRule is not valid: {error}") from None
    names = names_of(text)
    states = AlarmStates(call.installation, call.records, call.now)
    for child in names:
        # In a cycle an alarm may name itself; what it names otherwise has to be there.
        if child != name and call.records.find(Alarm, child) is None:
            raise invalid(f"AlarmRule refers to the alarm {child}, which does not exist.")
        if len({parent.name for parent in states.parents(child)} | {name}) > _MOST_PARENTS:
            raise invalid(f"The alarm {child} is in the rules of {_MOST_PARENTS} composite alarms already.")


def _check_suppressor(call: Call, kept: dict[str, Any]) -> None:
    given = [period for period in _PERIODS if period in kept]
    if "ActionsSuppressor" not in kept:
        if given:
            raise invalid(f"{given[0]} can be specified together with ActionsSuppressor only.")
        return
    if len(given) < len(_PERIODS):
        raise invalid(f"ActionsSuppressor needs {' and '.join(_PERIODS)}.")
    if any(kept[period] < 0 for period in _PERIODS):
        raise invalid(f"{' and '.join(_PERIODS)} must not be negative.")
    if call.records.find(Alarm, alarm_name(kept["ActionsSuppressor"])) is None:
        raise invalid(f"The suppressor alarm {kept['ActionsSuppressor']} does not exist.")

"""How an alarm goes from one state to another: its record, its history, its actions, and the alarms that depend on it."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from coldframe.core import ids
from coldframe.core.faults import InternalFailure
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.services.cloudwatch import alarm_history
from coldframe.services.cloudwatch.alarm_actions import act
from coldframe.services.cloudwatch.alarm_records import COMPOSITE, Alarm, AlarmMuteRule
from coldframe.services.cloudwatch.alarms import message, mute_schedule, rule_grammar
from coldframe.services.cloudwatch.alarms.actions import OF_STATE
from coldframe.services.cloudwatch.alarms.evaluation import State
from coldframe.services.cloudwatch.alarms.reasons import iso
from coldframe.services.cloudwatch.alarms.rule_grammar import Expression, alarm_name
from coldframe.services.cloudwatch.alarms.suppression import suppressed_by

rule_of = lru_cache(1024)(rule_grammar.parse)
_schedule_of = lru_cache(1024)(mute_schedule.parse)


class AlarmStates:
    """Changes the states of one account's alarms in a region, in one transaction at one time (milliseconds)."""

    def __init__(self, installation: Installation, records: Records, now: int) -> None:
        self._installation = installation
        self._records = records
        self._now = now

    def set(self, alarm: Alarm, state: State, reason: str, data: str | None, **fields: Any) -> Alarm:
        """Put an alarm into a state, with all that follows when that is another one."""
        return self._set(alarm, state, reason, data, path=(), triggering=[], **fields)

    def judge(self, alarm: Alarm, reason: str, triggering: list[Alarm]) -> Alarm:
        """Evaluate a composite alarm, whose state is said to be `reason` (`{state}` in it is filled in)."""
        return self._judge(alarm, reason, triggering, path=())

    def children(self, alarm: Alarm) -> list[Alarm]:
        """The alarms that a composite alarm's rule names and that are there."""
        names = dict.fromkeys(
            map(alarm_name, rule_grammar.children(rule_of(alarm.configuration["AlarmRule"])))
        )
        found = (self._records.find(Alarm, name) for name in names)
        return [child for child in found if child is not None]

    def parents(self, name: str) -> list[Alarm]:
        """The composite alarms whose rule names an alarm."""
        return [each for each in self._composites() if name in names_of(each.configuration["AlarmRule"])]

    def review(self, alarm: Alarm) -> Alarm:
        """Look again at actions that were held back: carry them out once nothing holds them any more."""
        if not alarm.held:
            return alarm
        return self._due(alarm, [])

    def _set(
        self,
        alarm: Alarm,
        state: State,
        reason: str,
        data: str | None,
        *,
        path: tuple[str, ...],
        triggering: list[dict[str, Any]],
        **fields: Any,
    ) -> Alarm:
        now = self._now
        moved = {} if alarm.state == state else {"state": state, "transitioned": now}
        new = self._records.change(alarm, reason=reason, reason_data=data, updated=now, **moved, **fields)
        if not moved:
            return new
        alarm_history.changed(self._records, alarm, new, at=now, id_=f"1{ids.uuid()}")
        new = self._due(new, triggering)
        self._tell(alarm, new, (*path, new.name))
        return new

    def _tell(self, old: Alarm, new: Alarm, path: tuple[str, ...]) -> None:
        """Evaluate what depends on an alarm; a composite alarm that is in a cycle is not evaluated again."""
        when = datetime.fromtimestamp(self._now / 1000, UTC)
        # AWS writes the day of the month without a leading zero.
        said = f"{new.arn} transitioned to {new.state} at {when:%A} {when.day} {when:%B, %Y %H:%M:%S} UTC"
        for each in self._composites():
            if _is_suppressor(each, new):
                left = {"suppressor_left": self._now} if old.state == "ALARM" else {}
                self.review(self._records.change(each, **left))
            if each.name not in path and new.name in names_of(each.configuration["AlarmRule"]):
                self._judge(self._records.get(Alarm, each.name), said, [new], path=path)

    def _judge(self, alarm: Alarm, reason: str, triggering: list[Alarm], *, path: tuple[str, ...]) -> Alarm:
        states = {child.name: child.state for child in self.children(alarm)}
        tree: Expression = rule_of(alarm.configuration["AlarmRule"])
        holds = rule_grammar.holds(tree, lambda reference: states.get(alarm_name(reference)))
        state: State = "ALARM" if holds else "OK"
        if state == alarm.state:
            return alarm
        causes = [
            {"arn": each.arn, "state": {"value": each.state, "timestamp": iso(each.transitioned)}}
            for each in triggering
        ]
        data = json.dumps({"triggeringAlarms": causes}, separators=(",", ":"))
        shown = [
            {"Arn": each.arn, "State": {"Value": each.state, "Timestamp": iso(each.transitioned)}}
            for each in triggering
        ]
        return self._set(alarm, state, reason.replace("{state}", state), data, path=path, triggering=shown)

    def _due(self, alarm: Alarm, triggering: list[dict[str, Any]]) -> Alarm:
        """Carry out the actions of the state an alarm is in, unless they are disabled, or held back for now."""
        free: dict[str, Any] = {"held": False, "suppressed_by": None, "suppressed_reason": None}
        if alarm.state == alarm.acted:
            return self._records.change(alarm, **free)
        if not alarm.configuration.get("ActionsEnabled", True):
            return self._records.change(alarm, acted=alarm.state, **free)
        suppressed = self._suppressed_by(alarm)
        if suppressed is not None:
            since = alarm.suppressed_since if alarm.suppressed_by == suppressed else self._now
            text = f"Actions suppressed by {suppressed}"
            return self._records.change(
                alarm, held=True, suppressed_by=suppressed, suppressed_reason=text, suppressed_since=since
            )
        if self._muted(alarm):
            return self._records.change(alarm, **{**free, "held": True})
        # Held back, but by no suppressor: a mute rule did it.
        self._act(alarm, triggering, after_mute=alarm.held and alarm.suppressed_by is None)
        return self._records.change(alarm, acted=alarm.state, **free)

    def _act(self, alarm: Alarm, triggering: list[dict[str, Any]], *, after_mute: bool) -> None:
        if self._installation.start_job is None:
            raise InternalFailure("this server runs no jobs")
        records = self._records
        change = {
            "old": alarm.acted,
            "new": alarm.state,
            "reason": alarm.reason,
            "at": alarm.transitioned,
            "triggering": triggering,
            "tags": _propagated(alarm),
            "after_mute": after_mute,
        }
        said = message.message(
            alarm.name,
            alarm.configuration,
            change,
            account=records.account,
            region=records.region,
            arn=alarm.arn,
            configured=alarm.configured,
        )
        subject = message.subject(alarm.name, alarm.state, records.region)
        for action in dict.fromkeys(alarm.configuration.get(OF_STATE[alarm.state], ())):
            self._installation.start_job(
                records, act, [alarm.name, alarm.kind], action, subject, said, caller=alarm.arn
            )

    def _suppressed_by(self, alarm: Alarm) -> str | None:
        reference = alarm.configuration.get("ActionsSuppressor")
        if reference is None:
            return None
        suppressor = self._records.find(Alarm, alarm_name(reference))
        return suppressed_by(
            alarm.configuration,
            state=alarm.state,
            transitioned=alarm.transitioned,
            suppressor=None if suppressor is None else suppressor.state,
            suppressor_left=alarm.suppressor_left,
            now=self._now,
        )

    def _muted(self, alarm: Alarm) -> bool:
        return any(
            alarm.name in rule.alarms and mutes(rule, self._now) for rule in self._records.list(AlarmMuteRule)
        )

    def _composites(self) -> Iterable[Alarm]:
        return self._records.list(Alarm, where={"kind": COMPOSITE})


def names_of(rule: str) -> set[str]:
    """Return the names of the alarms in a rule."""
    return set(map(alarm_name, rule_grammar.children(rule_of(rule))))


def mutes(rule: AlarmMuteRule, now: int) -> bool:
    """Tell whether a rule mutes at a time, in milliseconds."""
    if rule.expire is not None and now >= rule.expire:
        return False
    about = rule.schedule
    schedule = _schedule_of(about["Expression"], about["Duration"], about.get("Timezone"))
    return schedule.active(now, start=rule.start)


def _is_suppressor(composite: Alarm, alarm: Alarm) -> bool:
    reference = composite.configuration.get("ActionsSuppressor")
    return reference is not None and alarm_name(reference) == alarm.name


def _propagated(alarm: Alarm) -> dict[str, str] | None:
    """The tags that a notification shows, None when the alarm does not say that it shows any."""
    about = alarm.configuration.get("ActionConfiguration", {}).get("AlarmTagsPropagation", {})
    if not about.get("Enabled"):
        return None
    included, excluded = about.get("IncludedTagKeys"), about.get("ExcludedTagKeys", ())
    return {
        key: value
        for key, value in alarm.tags.items()
        if (included is None or key in included) and key not in excluded
    }

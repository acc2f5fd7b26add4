"""Evaluates alarms: all that are due by the clock, and those whose metric has just got new data."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch.alarm_contributors import Group, contributions, told
from coldframe.services.cloudwatch.alarm_records import METRIC, Alarm
from coldframe.services.cloudwatch.alarm_states import AlarmStates
from coldframe.services.cloudwatch.alarms import windows
from coldframe.services.cloudwatch.alarms.configuration import metrics_of, period_of, rule_of, watched
from coldframe.services.cloudwatch.alarms.evaluation import Rule, Verdict, enough_samples, evaluate, settled
from coldframe.services.cloudwatch.alarms.reasons import CREATED, reason, reason_data
from coldframe.services.cloudwatch.insight_reports import reader_for
from coldframe.services.cloudwatch.metric_reader import MetricReader

LOG = logging.getLogger("coldframe.cloudwatch")

Name = tuple[str, str, str]
_WORST = ("ALARM", "OK", None, "INSUFFICIENT_DATA")
_FIRST = 5.0
"""Seconds after which a new alarm is first evaluated; until then it says that it was created, as at AWS."""
_KEEP = Verdict(None, (), (), 0)
"""Too few samples to say anything: the alarm keeps its state."""


class AlarmEvaluator:
    """Evaluates the alarms of all accounts; what new data wakes is done on a thread of its own."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._changed = threading.Condition()
        self._waiting: dict[Name, None] = {}
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._watched: tuple[int, dict[tuple[str, str, str, str], list[Name]]] = (-1, {})
        self._seen = 0.0

    def arrived(self, samples: Iterable[Sample]) -> None:
        """Have the alarms evaluated that watch one of these metrics."""
        names = self._by_metric()
        if not names:
            return
        found: dict[Name, None] = {}
        for sample in samples:
            # Account, region, namespace and name: a hundred thousand of these come in a second.
            for name in names.get(sample.metric[:4], ()):
                found[name] = None
        if found:
            self._wake(found)

    def wake(self, account: str, region: str, name: str) -> None:
        """Have an alarm evaluated soon."""
        self._wake({(account, region, name): None})

    def run_due(self) -> None:
        """Evaluate the alarms whose time has come since the last call, and release actions held back until now."""
        now, before = self._installation.clock.seconds(), self._seen
        self._seen = now
        with self._installation.store.read() as transaction:
            alarms = transaction.records("", "").everywhere(Alarm)
        for account, region, alarm in alarms:
            if alarm.kind == METRIC:
                configuration = alarm.configuration
                interval = windows.interval_of(period_of(configuration), configuration["EvaluationPeriods"])
                first = alarm.configured / 1000 + _FIRST if alarm.reason == CREATED else before
                if now >= first and (now // interval != before // interval or before < first):
                    self._try(account, region, alarm.name)
            if alarm.held:
                self._review(account, region, alarm.name)

    def evaluate(self, account: str, region: str, name: str) -> None:
        """Evaluate a metric alarm now; raises the faults of stores."""
        alarm = self._installation.store.cached(Alarm, account, region, name)
        if alarm is None or alarm.kind != METRIC:
            return
        now = self._installation.clock.milliseconds()
        rule = rule_of(alarm.configuration)
        try:
            verdict, of = self._judged((account, region), alarm, rule, now)
        except ServiceFault as fault:
            self._fail(account, region, alarm, f"{fault.code}: {fault.message}"[:1023])
            return
        if now < alarm.warm_up_until and not _ends_warm_up(alarm, verdict):
            return
        state = verdict.state
        contributors = contributions(of, alarm, rule, now)
        changed = contributors.keys() != alarm.contributors.keys()
        if state is None and (alarm.evaluation_state or changed):
            kept = (alarm.state, alarm.reason, alarm.reason_data)
            self._write(
                account,
                region,
                alarm,
                kept,
                evaluation_state=None,
                warm_up_until=0,
                contributors=contributors,
            )
        same = state == alarm.state and alarm.reason != CREATED and not alarm.evaluation_state
        if state is None or (same and not changed):
            return
        counted = "DatapointsToAlarm" in alarm.configuration
        text = reason(verdict, rule, counted=counted)
        if state == "ALARM" and of:
            text = f"{len(contributors)} of {len(of)} contributors {'is' if len(contributors) == 1 else 'are'} in ALARM. {text}"[
                :1023
            ]
        data = reason_data(
            verdict,
            rule,
            now=now,
            statistic=alarm.configuration.get("Statistic") or alarm.configuration.get("ExtendedStatistic"),
            period=period_of(alarm.configuration),
            unit=alarm.configuration.get("Unit"),
        )
        self._write(
            account,
            region,
            alarm,
            (state, text, data),
            evaluation_state=None,
            warm_up_until=0,
            contributors=contributors,
        )

    def idle(self, timeout: float) -> bool:
        """Wait until nothing is waiting to be evaluated; False if that took longer than the timeout, in seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def close(self) -> None:
        """Stop; what was waiting is evaluated after the next start."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _judged(
        self, place: tuple[str, str], alarm: Alarm, rule: Rule, now: int
    ) -> tuple[Verdict, dict[Group, Verdict]]:
        """Return the verdict on an alarm, and those on the series of its query where that groups."""
        if "Metrics" in alarm.configuration:
            return self._verdict_of_math(place, alarm.configuration, rule, now / 1000)
        return self._verdict(place, alarm, rule, now / 1000), {}

    def _verdict(self, place: tuple[str, str], alarm: Alarm, rule: Rule, now: float) -> Verdict:
        configuration = alarm.configuration
        metric = Metric(
            *place,
            configuration["Namespace"],
            configuration["MetricName"],
            tuple(sorted((each["Name"], each["Value"]) for each in configuration.get("Dimensions", ()))),
        )
        period, unit = int(configuration["Period"]), configuration.get("Unit")
        statistic = str(configuration.get("Statistic") or configuration["ExtendedStatistic"])
        store = self._installation.parts.get(MetricStore)

        def values(window: windows.Window) -> tuple[dict[int, float], dict[int, float]]:
            found = store.read(
                metric, window.start, window.end, window.period, [statistic, "SampleCount"], unit=unit
            )
            pairs = zip(found.times, found.values[statistic], found.values["SampleCount"], strict=True)
            known = [(at, value, count) for at, value, count in pairs if value is not None]
            return {at: value for at, value, _ in known}, {at: count or 0.0 for at, _, count in known}

        window = windows.completed(
            now, period, rule.range, aligned="WallClockWindow" in configuration.get("EvaluationWindow", {})
        )
        chosen, samples = values(window)
        points = window.points(chosen, samples=samples)
        later = windows.in_progress(window)
        if store.read(
            metric, window.end, later.end, windows.step_of(period), ["SampleCount"], unit=unit
        ).times:
            sliding, counts = values(later)
            sliding_points = later.points(sliding, samples=counts)
            newest = sliding_points[-1]
            if newest is not None and settled(newest, rule, statistic):
                points, samples = sliding_points, counts
        verdict = evaluate(points, rule)
        if configuration.get("EvaluateLowSampleCountPercentile") == "ignore":
            seen = sum(samples[point.at // 1000] for point in verdict.evaluated)
            if not enough_samples(statistic, seen):
                return _KEEP
        if not verdict.evaluated and verdict.state != "INSUFFICIENT_DATA":
            newest_first = range(window.end - period, window.start - 1, -period)
            verdict = replace(verdict, missing=tuple(at * 1000 for at in newest_first[: rule.periods]))
        return verdict

    def _verdict_of_math(
        self, place: tuple[str, str], configuration: dict[str, Any], rule: Rule, now: float
    ) -> tuple[Verdict, dict[Group, Verdict]]:
        window = windows.completed(now, period_of(configuration), rule.range, aligned=True)
        target, band = watched(configuration), configuration.get("ThresholdMetricId")
        wanted = {target, band}
        queries = [{**query, "ReturnData": query["Id"] in wanted} for query in configuration["Metrics"]]
        found = self._installation.parts.get(MetricReader).read(
            place,
            queries,
            window.start * 1000,
            window.end * 1000,
            principal=reader_for(place[0], round(now * 1000)),
        )
        values: dict[Group, dict[int, float]] = {}
        bounds: list[dict[int, float]] = []
        for series in found:
            points = {at // 1000: value for at, value in series.points.items()}
            if series.id == band:
                bounds.append(points)
            elif series.id == target:
                values[series.group] = points
        both = windows.both(bounds)
        of = {group: evaluate(window.points(points, both), rule) for group, points in values.items()}
        if of.keys() <= {()}:
            return of.get((), evaluate(window.points({}), rule)), {}
        # Of several series the worst decides, and of those as bad the first.
        return min(of.values(), key=lambda verdict: _WORST.index(verdict.state)), of

    def _fail(self, account: str, region: str, alarm: Alarm, text: str) -> None:
        if alarm.evaluation_state != "EVALUATION_ERROR" or alarm.reason != text:
            self._write(
                account, region, alarm, ("INSUFFICIENT_DATA", text, None), evaluation_state="EVALUATION_ERROR"
            )

    def _write(self, account: str, region: str, alarm: Alarm, outcome: Any, **fields: Any) -> None:
        with self._installation.store.write() as transaction:
            records = transaction.records(account, region)
            now = records.find(Alarm, alarm.name)
            # A state that was set, or a configuration that was put, while the metric was read is judged anew.
            if now is None or (now.configured, now.updated, now.kind) != (
                alarm.configured,
                alarm.updated,
                alarm.kind,
            ):
                records.after_commit(lambda: self.wake(account, region, alarm.name))
                return
            states = AlarmStates(self._installation, records, self._installation.clock.milliseconds())
            states.set(now, *outcome, **fields)
            if "contributors" in fields:
                told(records, now, fields["contributors"], self._installation.clock.milliseconds())

    def _review(self, account: str, region: str, name: str) -> None:
        with self._installation.store.write() as transaction:
            records = transaction.records(account, region)
            alarm = records.find(Alarm, name)
            if alarm is not None:
                AlarmStates(self._installation, records, self._installation.clock.milliseconds()).review(
                    alarm
                )

    def _by_metric(self) -> dict[tuple[str, str, str, str], list[Name]]:
        """The alarms on each metric, gathered anew after an alarm has changed."""
        version = self._installation.store.version(Alarm)
        known, names = self._watched
        if known != version:
            names = {}
            with self._installation.store.read() as transaction:
                alarms = transaction.records("", "").everywhere(Alarm)
            for account, region, alarm in alarms:
                for namespace, metric in metrics_of(alarm.configuration):
                    names.setdefault((account, region, namespace, metric), []).append(
                        (account, region, alarm.name)
                    )
            self._watched = (version, names)
        return names

    def _wake(self, names: dict[Name, None]) -> None:
        with self._changed:
            if self._closed:
                return
            self._waiting |= names
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="cloudwatch-alarms", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._busy = True
                waiting, self._waiting = self._waiting, {}
            for name in waiting:
                self._try(*name)

    def _try(self, account: str, region: str, name: str) -> None:
        """Evaluate an alarm without letting what goes wrong with it keep the others from their evaluation."""
        try:
            self.evaluate(account, region, name)
        except Exception:
            # Whatever it is: the log has it, and the alarm is evaluated again when it is next due.
            LOG.exception("alarm %s of %s in %s could not be evaluated", name, account, region)


def _ends_warm_up(alarm: Alarm, verdict: Verdict) -> bool:
    """Tell whether a warm-up ends before its time, because there is all the data that an evaluation needs."""
    about = alarm.configuration.get("WarmUpConfiguration", {})
    return not about.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds") and verdict.filled == 0

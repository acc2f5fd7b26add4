"""Evaluations of anomaly detectors: events of the time since the last one, judged, and written down."""

from collections.abc import Iterator
from typing import Any

import msgspec

from coldframe.core import ids
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.core.records import Records
from coldframe.core.struct_types import whole
from coldframe.engines.logstore.store import LogStore
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.logs.anomalies.judgement import (
    MOST_PATTERNS,
    MOST_SAMPLES,
    NEW,
    Seen,
    Unusual,
    Usual,
    judged,
    merged,
    seen_in,
)
from coldframe.services.logs.anomaly_records import INFINITE
from coldframe.services.logs.filter_patterns import compile_pattern
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.log_patterns import identifier
from coldframe.services.logs.records import AnomalyPattern, LogAnomaly, LogAnomalyDetector, LogGroup

MINUTES = {
    "ONE_MIN": 1, "FIVE_MIN": 5, "TEN_MIN": 10, "FIFTEEN_MIN": 15, "THIRTY_MIN": 30, "ONE_HOUR": 60,
}  # fmt: skip
TRAINED_ON = 14 * DAY
MOST_EVENTS = 100_000
"""An evaluation looks at the newest events of its time, up to so many."""

KEPT = 90 * DAY
_BATCH = 1000
_MOST_BARS = 200


class Evaluation(msgspec.Struct):
    """What an evaluation has found: patterns by their templates, what of them is unusual, and since when there are events."""

    seen: dict[str, Seen]
    unusual: list[Unusual]
    first: int
    missing: bool = False


class AnomalyDetection:
    """What the steps of an evaluation do."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def trigger(self) -> int:
        """Start the evaluations that are due; returns how many."""
        now = self._installation.clock.milliseconds()
        with self._installation.store.read() as transaction:
            rows = transaction.records("", "").everywhere(LogAnomalyDetector, below=("due", now + 1))
        started = 0
        for account, region, row in rows:
            with self._installation.store.write() as transaction:
                started += self._begin(transaction.records(account, region), row.id, now)
        return started

    def _begin(self, records: Records, detector: str, now: int) -> bool:
        row = records.find(LogAnomalyDetector, detector)
        if row is None or not row.enabled or row.due > now:
            return False
        start = row.evaluated if row.intervals else now - TRAINED_ON
        records.change(row, evaluated=now, due=now + MINUTES[row.frequency] * 60_000)
        assert self._installation.start_job is not None, "the server has jobs before it has a schedule"
        self._installation.start_job(
            records, evaluate_anomalies, [row.id, start, now], caller="logs.amazonaws.com"
        )
        return True

    def look(self, place: tuple[str, str], detector: str, start: int, end: int) -> Evaluation:
        """Return what the events from `start` up to `end`, exclusive, show."""
        with self._installation.store.read() as transaction:
            records = transaction.records(*place)
            row = records.find(LogAnomalyDetector, detector)
            group = records.find(LogGroup, row.group) if row is not None else None
            patterns = records.list(AnomalyPattern, key_prefix=(detector,))
        if row is None or group is None:
            return Evaluation({}, [], 0, missing=True)
        first = [end]
        try:
            seen = seen_in(self._events(row, group, (start, end), first))
        except ServiceFault:
            # The events cannot be read as they are, such as without their key: the detector says that it failed.
            return Evaluation({}, [], 0, missing=True)
        if not row.intervals:
            return Evaluation(_counts(seen, set()), [], first[0])
        usual = {
            each.template: Usual(each.count / row.intervals if each.known else None) for each in patterns
        }
        if len(usual) >= MOST_PATTERNS:
            # Where patterns are without number, one more is nothing unusual.
            seen = {template: each for template, each in seen.items() if template in usual}
        unusual = judged(seen, usual, MINUTES[row.frequency])
        return Evaluation(_counts(seen, {each.template for each in unusual}), unusual, first[0])

    def _events(
        self, row: LogAnomalyDetector, group: LogGroup, times: tuple[int, int], first: list[int]
    ) -> Iterator[tuple[int, str]]:
        """Give the newest events of a time that match the detector's pattern; `first` becomes the oldest time seen."""
        pattern = compile_pattern(row.pattern)
        rows = self._installation.parts.get(LogStore).scan(
            group.id, start=times[0], end=times[1], descending=True
        )
        batch: list[tuple[int, str]] = []
        for count, each in enumerate(rows, 1):
            batch.append((each.timestamp, each.message))
            first[0] = each.timestamp
            if len(batch) == _BATCH or count == MOST_EVENTS:
                yield from (batch[at] for at in pattern.select([text for _, text in batch]))
                batch = []
            if count == MOST_EVENTS:
                return
        yield from (batch[at] for at in pattern.select([text for _, text in batch]))

    def count(self, place: tuple[str, str], name: str, unusual: list[dict[str, str]]) -> None:
        """Count what was found as the metric AnomalyCount, as CloudWatch Logs does."""
        now = self._installation.clock.milliseconds()
        for each in unusual:
            dimensions = {"LogAnomalyDetector": name, "LogAnomalyPriority": each["priority"]}
            self._installation.parts.get(MetricSink).put(
                place, ("AWS/Logs", "AnomalyCount"), 1, at=now, dimensions=dimensions
            )


@job("logs.evaluate-anomalies")
def evaluate_anomalies(run: Run, asked: list[Any]) -> None:
    """Look at the events of a time, and write down which of their patterns are unusual."""
    run.commit_point()
    detection, place = run.part(AnomalyDetection), (run.account, run.region)
    detector, start, end = str(asked[0]), int(asked[1]), int(asked[2])
    found = run.step("look at the events", detection.look, place, detector, start, end)
    # A step whose result the journal gives has plain values.
    evaluation = msgspec.convert(msgspec.to_builtins(found), whole(Evaluation))
    told = run.write("write down what is unusual", _keep, detector, end, evaluation)
    if told["unusual"]:
        run.step("count it", detection.count, place, told["name"], told["unusual"])


def _counts(seen: dict[str, Seen], unusual: set[str]) -> dict[str, Seen]:
    """Return what was seen with samples and values of what is unusual only: the rest need not be remembered."""
    return {
        template: each if template in unusual else Seen(each.count, [], [], [])
        for template, each in seen.items()
    }


def _keep(records: Records, detector: str, end: int, evaluation: Evaluation) -> dict[str, Any]:
    """Write an evaluation down; returns the detector's name and the anomalies that are not suppressed."""
    row = records.find(LogAnomalyDetector, detector)
    if row is None:
        return {"name": "", "unusual": []}
    if evaluation.missing:
        records.change(row, failed=True)
        return {"name": row.name, "unusual": []}
    trained, interval = bool(row.intervals), MINUTES[row.frequency] * 60_000
    unusual = {each.template: each for each in evaluation.unusual}
    for template, seen in evaluation.seen.items():
        _learn(records, row, template, seen, end, usual=template not in unusual)
    noted = [
        each for each in evaluation.unusual if _note(records, row, each, evaluation.seen[each.template], end)
    ]
    told = [{"priority": each.priority} for each in noted]
    _settle(records, row, end, set(unusual))
    intervals = row.intervals + 1
    if not trained:
        intervals = max((end - evaluation.first) / interval, 1.0) if evaluation.seen else 0.0
    records.change(row, intervals=intervals, failed=False)
    return {"name": row.name or row.id, "unusual": told}


def _learn(
    records: Records, row: LogAnomalyDetector, template: str, seen: Seen, end: int, *, usual: bool
) -> None:
    """Add what was usual to what is known of a pattern; a pattern that is new is noted, and not yet known."""
    pattern = records.find(AnomalyPattern, row.id, identifier(template))
    if pattern is None:
        if not row.intervals or records.count(AnomalyPattern, key_prefix=(row.id,)) < MOST_PATTERNS:
            count = seen.count if usual else 0
            records.add(
                AnomalyPattern(
                    detector=row.id,
                    id=identifier(template),
                    template=template,
                    count=count,
                    known=usual,
                    first_seen=end,
                )
            )
    elif usual:
        records.change(pattern, count=pattern.count + seen.count)


def _note(records: Records, row: LogAnomalyDetector, each: Unusual, seen: Seen, end: int) -> bool:
    """Write an anomaly down, or add to the one that there is; False while it is suppressed."""
    pattern = identifier(each.template)
    whole = records.find(AnomalyPattern, row.id, pattern)
    if whole is not None and suppressed(whole.suppressed, whole.suppressed_until, end):
        return False
    known = [
        anomaly
        for anomaly in records.list(LogAnomaly, key_prefix=(row.id,), where={"pattern": pattern})
        if anomaly.kind == each.kind and not anomaly.baseline
    ]
    samples = [{"timestamp": time, "message": text} for time, text in seen.samples]
    if not known:
        records.add(
            LogAnomaly(
                detector=row.id,
                id=ids.uuid(),
                pattern=pattern,
                template=each.template,
                kind=each.kind,
                priority=each.priority,
                description=each.description,
                first_seen=min(time for time, _ in seen.samples),
                last_seen=max(time for time, _ in seen.samples),
                histogram={str(end): seen.count},
                samples=samples,
                tokens=seen.values,
                names=seen.names,
            )
        )
        return True
    anomaly = known[0]
    if suppressed(anomaly.suppressed, anomaly.suppressed_until, end):
        return False
    bars = [*anomaly.histogram.items(), (str(end), seen.count)][-_MOST_BARS:]
    tokens = [merged(*pair) for pair in zip(anomaly.tokens, seen.values, strict=False)]
    records.change(
        anomaly,
        priority=each.priority,
        description=anomaly.description if each.kind == NEW else each.description,
        last_seen=max(anomaly.last_seen, *(time for time, _ in seen.samples)),
        histogram=dict(bars),
        samples=[*samples, *anomaly.samples][:MOST_SAMPLES],
        tokens=tokens,
        active=True,
    )
    return True


def _settle(records: Records, row: LogAnomalyDetector, end: int, unusual: set[str]) -> None:
    """Say of what was not seen that it is over, take what has long been visible as usual, and forget what is old."""
    for anomaly in records.list(LogAnomaly, key_prefix=(row.id,)):
        if anomaly.last_seen < end - KEPT:
            records.remove(anomaly)
        elif not anomaly.baseline and anomaly.first_seen < end - row.visibility_days * DAY:
            to_baseline(records, row, anomaly)
        elif anomaly.active and anomaly.template not in unusual:
            records.change(anomaly, active=False)


def to_baseline(records: Records, row: LogAnomalyDetector, anomaly: LogAnomaly) -> None:
    """Take an anomaly as usual from now on: with the average that its evaluations had."""
    records.change(anomaly, baseline=True, active=False)
    pattern = records.find(AnomalyPattern, row.id, anomaly.pattern)
    if pattern is not None:
        average = sum(anomaly.histogram.values()) / max(len(anomaly.histogram), 1)
        records.change(pattern, known=True, count=max(pattern.count, average * row.intervals))


def suppressed(since: int, until: int, now: int) -> bool:
    """Tell whether something is suppressed at a time."""
    return bool(since) and (until == INFINITE or now < until)

"""The anomaly detection models of this installation: trained on stored metrics when a band is asked for."""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from coldframe.core.installation import Installation
from coldframe.engines.metricstore.keys import Metric
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch.anomaly.model import TRAINING, Model, train
from coldframe.services.cloudwatch.dashboard_records import AnomalyDetector
from coldframe.services.cloudwatch.hooks import Question

_COARSE = 300


def identity(metric: Metric, statistic: str) -> str:
    """Return the id of the detector of a metric and statistic: there is one at most."""
    about = json.dumps([metric.namespace, metric.name, metric.dimensions, statistic], separators=(",", ":"))
    return sha256(about.encode()).hexdigest()[:32]


class AnomalyModels:
    """Gives bands (a hooks.BandModel); a metric needs no detector, one that is there says how it is trained."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def band(
        self, question: Question, metric: Metric, stat: str, deviations: float
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Return upper and lower bounds by time; empty while there is too little data to say what is usual."""
        key = identity(metric, stat)
        detector = self._installation.store.cached(AnomalyDetector, metric.account, metric.region, key)
        configuration = detector.configuration if detector is not None else {}
        model = self.model(metric, stat, configuration, now=question.now, period=question.grid.step)
        return ({}, {}) if model is None else model.band(question.grid, deviations)

    def band_of(
        self, question: Question, detector: str, values: Mapping[int, float], deviations: float
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Return upper and lower bounds of what has had these values; empty while they are too few."""
        row = self._installation.store.cached(AnomalyDetector, question.account, question.region, detector)
        model = trained(values, row.configuration if row is not None else {})
        return ({}, {}) if model is None else model.band(question.grid, deviations)

    def model(
        self, metric: Metric, stat: str, configuration: Mapping[str, Any], *, now: float, period: int
    ) -> Model | None:
        """Train a model on the two weeks before a time in seconds; None when there is too little data."""
        step = max(period, _COARSE) if period % _COARSE == 0 else max(period // 60 * 60, 60)
        end = int(now) - int(now) % step
        start = end - TRAINING // step * step
        read = self._installation.parts.get(MetricStore).read(metric, start, end, step, [stat])
        values = {
            at: value for at, value in zip(read.times, read.values[stat], strict=True) if value is not None
        }
        return trained(values, configuration)


def trained(values: Mapping[int, float], configuration: Mapping[str, Any]) -> Model | None:
    """Train a model on values by their times, as the configuration of a detector says; None when they are too few."""
    ranges = [
        (_seconds(each["StartTime"]), _seconds(each["EndTime"]))
        for each in configuration.get("ExcludedTimeRanges", ())
    ]
    return train(values, ZoneInfo(configuration.get("MetricTimezone", "UTC")), ranges)


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())

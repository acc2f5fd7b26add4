"""Where expressions get what metrics alone do not tell: anomaly detection bands and Contributor Insights rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from coldframe.engines.metricstore.keys import Metric


class Question(NamedTuple):
    """Whose data are asked for, and the times wanted, in seconds."""

    account: str
    region: str
    grid: range
    now: float


class BandModel(Protocol):
    """Models of anomaly detection."""

    def band(
        self, question: Question, metric: Metric, stat: str, deviations: float
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Return upper and lower bounds by time; raises ExpressionError when the metric cannot be modelled."""

    def band_of(
        self, question: Question, detector: str, values: Mapping[int, float], deviations: float
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Return the bounds of what has had these values; the detector of this id, if there is one, says how it is trained."""


class RuleReports(Protocol):
    """Reports of Contributor Insights rules."""

    def rule_metric(self, question: Question, rule: str, metric: str) -> dict[int, float]:
        """Return a rule's metric (UniqueContributors, ...) by time; raises ExpressionError for an unknown rule or metric."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """The models and reports of this installation, as far as it has them."""

    bands: BandModel | None = None
    reports: RuleReports | None = None

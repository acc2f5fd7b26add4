"""The report of a rule: contributions gathered by contributor and period, ranked, and the statistics over all of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from coldframe.services.cloudwatch.insight_rules.matching import Contribution

METRICS = (
    "UniqueContributors",
    "MaxContributorValue",
    "SampleCount",
    "Sum",
    "Minimum",
    "Maximum",
    "Average",
)


@dataclass
class Contributor:
    """One combination of key values: its values by period, and the largest single one."""

    keys: tuple[str, ...]
    periods: dict[int, float] = field(default_factory=dict)
    largest: float = float("-inf")

    @property
    def total(self) -> float:
        """The sum over all periods."""
        return sum(self.periods.values())


@dataclass
class Moment:
    """All contributions of one period."""

    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")
    by_contributor: dict[tuple[str, ...], float] = field(default_factory=dict)

    def statistic(self, name: str) -> float:
        """Return one of METRICS."""
        values: dict[str, float] = {
            "UniqueContributors": len(self.by_contributor),
            "MaxContributorValue": max(self.by_contributor.values()),
            "SampleCount": self.count,
            "Sum": self.total,
            "Minimum": self.least,
            "Maximum": self.most,
            "Average": self.total / self.count,
        }
        return float(values[name])


@dataclass
class Report:
    """What a rule found; periods are known by the time they begin, in milliseconds."""

    contributors: dict[tuple[str, ...], Contributor] = field(default_factory=dict)
    moments: dict[int, Moment] = field(default_factory=dict)

    def ranked(self, order: str, most: int) -> list[Contributor]:
        """Return the first contributors by `Sum` or by `Maximum`, the largest single value."""
        by_maximum = order == "Maximum"
        found = sorted(
            self.contributors.values(),
            key=lambda one: (-(one.largest if by_maximum else one.total), one.keys),
        )
        return found[:most]

    @property
    def total(self) -> float:
        """The sum of what all contributors added."""
        return sum(one.total for one in self.contributors.values())


def report(contributions: Iterable[tuple[int, Contribution]], *, start: int, period: int) -> Report:
    """Gather contributions, each with its time; times and the period are milliseconds."""
    found = Report()
    for at, (keys, value) in contributions:
        begun = at - (at - start) % period
        one = found.contributors.setdefault(keys, Contributor(keys))
        one.periods[begun] = one.periods.get(begun, 0.0) + value
        one.largest = max(one.largest, value)
        moment = found.moments.setdefault(begun, Moment())
        moment.count += 1
        moment.total += value
        moment.least, moment.most = min(moment.least, value), max(moment.most, value)
        moment.by_contributor[keys] = moment.by_contributor.get(keys, 0.0) + value
    return found

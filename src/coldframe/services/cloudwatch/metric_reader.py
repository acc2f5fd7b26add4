"""The metrics that alarms, widgets and models are about: values by period, read as GetMetricData gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coldframe.core.call import Call
from coldframe.core.installation import Installation
from coldframe.core.service import Service
from coldframe.identity.caller import Caller
from coldframe.services.cloudwatch.alarm_actions import PRINCIPAL
from coldframe.services.cloudwatch.asking import answers_of, queries_of


@dataclass(frozen=True)
class Series:
    """One result of a query: its Id, its label, and values by the time their period began (milliseconds), ascending.

    `group` are the labels and values that tell it from the others of a Metrics Insights query.
    """

    id: str
    label: str
    points: dict[int, float]
    group: tuple[tuple[str, str], ...] = ()


class MetricReader:
    """Reads metrics of any account for CloudWatch itself."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def read(
        self,
        place: tuple[str, str],
        queries: Sequence[Any],
        start: int,
        end: int,
        *,
        principal: Any = None,
    ) -> list[Series]:
        """Return the results of MetricDataQuery structures in an account and region, from start to end (milliseconds).

        Rules of Contributor Insights read the logs as `principal`, else as CloudWatch itself. Raises the faults of
        GetMetricData.
        """
        account, region = place
        call = self._call(account, region, principal)
        try:
            answers = answers_of(queries_of(call, queries, start / 1000, end / 1000), queries)
        finally:
            call.commit()
        return [
            Series(
                answer.id,
                answer.label,
                {at * 1000: value for at, value in answer.series.points.items()},
                answer.series.group,
            )
            for answer in answers
        ]

    def _call(self, account: str, region: str, principal: Any) -> Call:
        installation = self._installation
        return Call(
            installation,
            Service("coldframe.services.cloudwatch"),
            "GetMetricData",
            principal=principal or Caller(kind="service", arn=PRINCIPAL, account=account),
            region=region,
            now=installation.clock.milliseconds(),
        )

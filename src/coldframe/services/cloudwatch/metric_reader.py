"""The metrics that alarms, widgets and models are about: values by period, read as GetMetricData gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from coldframe.core.call import Call
from coldframe.core.installation import Installation
from coldframe.core.service import Service
from coldframe.identity.caller import Caller
from coldframe.services.cloudwatch.alarm_actions import PRINCIPAL


@dataclass(frozen=True)
class Series:
    """One result of a query: its Id, its label, and values by the time their period began (milliseconds), ascending."""

    id: str
    label: str
    points: dict[int, float]


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
        from coldframe.services.cloudwatch.operations.metric_data import get_metric_data

        account, region = place
        request: dict[str, Any] = {
            "MetricDataQueries": list(queries),
            "StartTime": datetime.fromtimestamp(start / 1000, UTC),
            "EndTime": datetime.fromtimestamp(end / 1000, UTC),
            "ScanBy": "TimestampAscending",
        }
        found: dict[tuple[str, str], Series] = {}
        call = self._call(account, region, principal)
        try:
            while True:
                answer: Any = get_metric_data(call, request)  # type: ignore[arg-type]
                for result in answer["MetricDataResults"]:
                    _join(found, result)
                token = answer.get("NextToken")
                if not token:
                    return list(found.values())
                request["NextToken"] = token
        finally:
            call.commit()

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


def _join(found: dict[tuple[str, str], Series], result: Any) -> None:
    label = result.get("Label", "")
    series = found.setdefault((result["Id"], label), Series(result["Id"], label, {}))
    for at, value in zip(result["Timestamps"], result["Values"], strict=True):
        moment = at.timestamp() * 1000 if isinstance(at, datetime) else at * 1000
        series.points[round(moment)] = value

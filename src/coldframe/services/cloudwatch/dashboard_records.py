"""What CloudWatch remembers of dashboards, Contributor Insights rules and anomaly detectors; times are milliseconds."""

from typing import Any

from coldframe.core.records import Record, record


@record(
    "cloudwatch_dashboards",
    key=("name",),
    scope="account",
    missing=("DashboardNotFoundError", "Dashboard {name} does not exist"),
)
class Dashboard(Record):
    """A dashboard of an account, the same in every region; `body` is the JSON as it was put."""

    name: str
    arn: str
    body: str
    modified: int
    tags: dict[str, str] = {}


@record("cloudwatch_insight_rules", key=("name",))
class InsightRule(Record):
    """A Contributor Insights rule: `definition` is the JSON as it was put."""

    name: str
    arn: str
    state: str
    definition: str
    transformed: bool = False
    tags: dict[str, str] = {}


@record("cloudwatch_anomaly_detectors", key=("id",), index=("namespace", "metric"))
class AnomalyDetector(Record):
    """An anomaly detection model: of one metric, or of metric math (`queries`); `id` is made of what it is about."""

    id: str
    namespace: str
    metric: str
    created: int
    dimensions: dict[str, str] = {}
    statistic: str | None = None
    queries: list[dict[str, Any]] | None = None
    configuration: dict[str, Any] = {}
    characteristics: dict[str, Any] = {}

"""What CloudWatch remembers of dashboards, rules, saved queries and anomaly detectors; times are milliseconds."""

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


@record(
    "cloudwatch_query_definitions",
    key=("id",),
    index=("path",),
    missing=("ResourceNotFoundException", "The metric data query definition {id} does not exist"),
)
class QueryDefinition(Record):
    """A metric query that was saved under a path."""

    id: str
    arn: str
    path: str
    expression: str
    type: str
    created: int
    updated: int
    tags: dict[str, str] = {}


@record("cloudwatch_anomaly_detectors", key=("id",), index=("namespace", "metric"))
class AnomalyDetector(Record):
    """How the anomaly detection model of a metric and statistic, or of an expression, is trained; `id` is made of those.

    `queries` are those of an expression, of which one is returned; then there is no metric.
    """

    id: str
    namespace: str
    metric: str
    created: int
    dimensions: dict[str, str] = {}
    statistic: str = ""
    configuration: dict[str, Any] = {}
    characteristics: dict[str, Any] = {}
    queries: list[dict[str, Any]] = []

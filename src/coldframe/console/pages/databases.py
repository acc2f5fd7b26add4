"""Databases: an instance's figures as they come, and a Blue/Green deployment with its two sides and the switchover."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from coldframe.console import periods, refusals
from coldframe.console.pages.cloudwatch import series
from coldframe.console.pages.jobs import LIST
from coldframe.console.routes import Route
from coldframe.console.visit import Visit, redirect
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import AccessDenied
from coldframe.core.wire import WireResponse
from coldframe.jobs.journal import JobRow, StepRow

_SWITCHOVER = "rds.switch-over"
_UNDER_WAY = {"PROVISIONING", "SWITCHOVER_IN_PROGRESS", "DELETING"}
_FIGURES = (
    ("Connections", "DatabaseConnections", "Maximum"),
    ("CPU (%)", "CPUUtilization", "Average"),
    ("Lag behind the source (s)", "ReplicaLag", "Maximum"),
    ("Lag behind the source (transactions)", "ReplicaLagTransactions", "Maximum"),
    ("Freeable memory (bytes)", "FreeableMemory", "Average"),
    ("Free storage (bytes)", "FreeStorageSpace", "Average"),
)


def monitor(visit: Visit) -> WireResponse:
    """Show an instance's state, its figures and its events."""
    name, period = visit.asked("id"), periods.asked(visit)
    try:
        instance = visit.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        events = visit.client("rds").describe_events(
            SourceIdentifier=name, SourceType="db-instance", Duration=7 * 24 * 60
        )["Events"]
    except ClientError as error:
        return visit.problem(*refusals.refused(error))
    charts, refusal = [], ""
    for title, metric, stat in _FIGURES:
        try:
            drawn = series.values(visit, [_figure(name, metric, stat, period.step)], period)
        except ClientError as error:
            refusal = refusals.message(error)
            break
        if drawn["times"]:
            charts.append({"title": title, "chart": drawn})
    return visit.page(
        "databases/monitor.html",
        name=name,
        instance=instance,
        charts=charts,
        refusal=refusal,
        events=events[::-1],
        period=period,
        lasts=list(periods.LAST),
    )


def deployment(visit: Visit) -> WireResponse:
    """Show a Blue/Green deployment: both sides, what replicates, and the switchover step by step."""
    identifier = visit.asked("id")
    client = visit.client("rds")
    try:
        found = client.describe_blue_green_deployments(BlueGreenDeploymentIdentifier=identifier)
        row = found["BlueGreenDeployments"][0]
        pairs = [_pair(client, each) for each in row["SwitchoverDetails"]]
    except ClientError as error:
        return visit.problem(*refusals.refused(error))
    return visit.page("databases/deployment.html", **_told(visit, row, pairs), refusal="", timeout=300)


def switch_over(visit: Visit) -> WireResponse:
    """Begin the switchover."""
    timeout = visit.sent("timeout", "300")
    client = visit.client("rds")
    identifier = visit.asked("id")
    try:
        client.switchover_blue_green_deployment(
            BlueGreenDeploymentIdentifier=identifier,
            SwitchoverTimeout=int(timeout) if timeout.isdecimal() else -1,
        )
    except ClientError as error:
        status, text = refusals.refused(error)
        found = client.describe_blue_green_deployments(BlueGreenDeploymentIdentifier=identifier)
        row = found["BlueGreenDeployments"][0]
        pairs = [_pair(client, each) for each in row["SwitchoverDetails"]]
        told = _told(visit, row, pairs)
        return visit.page("databases/deployment.html", status=status, **told, refusal=text, timeout=timeout)
    return redirect(visit.address())


def _told(visit: Visit, row: dict[str, Any], pairs: list[dict[str, Any]]) -> dict[str, Any]:
    greens = [each.get("TargetMember", "") for each in row["SwitchoverDetails"]]
    names = [_name(arn) for arn in greens if _kind(arn) == "db"]
    return {
        "row": row,
        "pairs": pairs,
        "busy": row["Status"] in _UNDER_WAY,
        "steps": _steps(visit, row["BlueGreenDeploymentIdentifier"]),
        "lag": _lag(visit, names[0]) if names else None,
        "events": _events(visit, row),
    }


def _pair(client: Any, member: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": member["Status"],
        "blue": _side(client, member["SourceMember"]),
        "green": _side(client, member.get("TargetMember", "")),
    }


def _side(client: Any, arn: str) -> dict[str, Any]:
    """Return what is shown of an instance, a cluster or its endpoint; of one that is not there yet or any more, its name."""
    name = _name(arn)
    shown: dict[str, Any] = {"name": name or "–", "status": "missing", "address": "", "lines": []}
    if not name:
        # Asked for without a name, the API answers with whatever instance comes first.
        return {**shown, "status": "not made yet"}
    describe = {"cluster": _cluster, "cluster-endpoint": _endpoint}.get(_kind(arn), _instance)
    try:
        return {**shown, **describe(client, name)}
    except (ClientError, IndexError):
        return shown


def _instance(client: Any, name: str) -> dict[str, Any]:
    found = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    where = found.get("Endpoint")
    return {
        "status": found["DBInstanceStatus"],
        "address": f"/console/rds/monitor?id={quote(name)}",
        "engine": f"{found['Engine']} {found['EngineVersion']}",
        "where": f"{where['Address']}:{where['Port']}" if where else "",
        "lines": [f"{found['DBParameterGroups'][0]['DBParameterGroupName']}, {found['DBInstanceClass']}"],
    }


def _cluster(client: Any, name: str) -> dict[str, Any]:
    found = client.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    return {
        "status": found["Status"],
        "address": f"/console/rds/db-clusters/item?id={quote(name)}",
        "engine": f"{found['Engine']} {found['EngineVersion']}",
        "where": f"{found['Endpoint']}:{found['Port']}",
        "lines": [
            f"readers at {found['ReaderEndpoint']}",
            f"{found['DBClusterParameterGroup']}, {len(found['DBClusterMembers'])} members",
        ],
    }


def _endpoint(client: Any, name: str) -> dict[str, Any]:
    found = client.describe_db_cluster_endpoints(DBClusterEndpointIdentifier=name)["DBClusterEndpoints"][0]
    members = found["StaticMembers"] or [f"all but {', '.join(found['ExcludedMembers']) or 'none'}"]
    return {
        "status": found["Status"],
        "where": found["Endpoint"],
        "lines": [f"{found['CustomEndpointType'].lower()}: {', '.join(members)}"],
    }


def _kind(arn: str) -> str:
    return arn.rpartition(":")[0].rpartition(":")[2]


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]


def _lag(visit: Visit, name: str) -> int | None:
    """Return how many transactions a green instance was behind when that was last measured."""
    now = datetime.fromtimestamp(visit.installation.clock.seconds(), UTC)
    try:
        points = visit.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/RDS",
            MetricName="ReplicaLagTransactions",
            Dimensions=[{"Name": "DBInstanceIdentifier", "Value": name}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
    except ClientError:
        return None
    return int(max(points, key=lambda point: point["Timestamp"])["Maximum"]) if points else None


def _events(visit: Visit, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was told of the deployment and of its members, newest first."""
    names = {row["BlueGreenDeploymentIdentifier"], row["BlueGreenDeploymentName"]}
    for each in row["SwitchoverDetails"]:
        names |= {_name(each["SourceMember"]), _name(each.get("TargetMember", ""))}
    try:
        told = visit.client("rds").describe_events(Duration=7 * 24 * 60)["Events"]
    except ClientError:
        return []
    return [event for event in told if event["SourceIdentifier"] in names][::-1][:40]


def _steps(visit: Visit, identifier: str) -> list[StepRow]:
    """Return the steps of the latest switchover, for those who may see jobs."""
    try:
        visit.require(LIST)
    except AccessDenied:
        return []
    with visit.installation.store.read() as transaction:
        records = transaction.records(visit.principal.account, visit.region)
        jobs = records.list(JobRow, where={"name": _SWITCHOVER}, order="created", descending=True, limit=50)
        mine = next((job for job in jobs if job.args[:1] == [identifier]), None)
        return records.list(StepRow, key_prefix=(mine.id,)) if mine is not None else []


def _figure(name: str, metric: str, stat: str, period: int) -> series.Query:
    return series.metric("AWS/RDS", metric, [{"Name": "DBInstanceIdentifier", "Value": name}], stat, period)


ROUTES = (
    Route("GET", "/console/rds/monitor", monitor),
    Route("GET", "/console/rds/deployment", deployment),
    Route("POST", "/console/rds/deployment", switch_over),
)

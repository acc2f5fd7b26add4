"""Takes the pictures of the console that README and docs/console.md show: `python -m tests.console.screenshots`.

It starts a server of its own with something to see, looks at the pages with Debian's Chromium, and writes docs/images.
"""

import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.console.conftest import furnish
from tests.server_fixtures import RunningServer, running_server

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PAGES = {
    "events": "/logs/events?group=/app/service-1&last=1d",
    "protection": "/logs/protection?group=/app/service-1",
    "dashboard": "/cloudwatch/dashboard?name=shop",
    "simulator": "/iam/simulator?who=arn:aws:iam::{account}:user/reader&actions=logs:FilterLogEvents+logs:Unmask",
}


def main() -> int:
    """Write every picture; returns 0."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="coldframe-screenshots-") as folder:
        Path(folder).chmod(0o755)
        with running_server(Path(folder) / "data") as server, sync_playwright() as playwright:
            furnish(server)
            _write_more(server)
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_OPTIONS)
            page = browser.new_page(viewport={"width": 1200, "height": 720})
            _sign_in(page, server)
            for name, path in _PAGES.items():
                page.goto(f"{server.endpoint}/console{path.format(account=server.account)}")
                page.wait_for_load_state("networkidle")
                page.screenshot(path=IMAGES / f"{name}.png")
            _switchover(page, server)
            browser.close()
    return 0


def _sign_in(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.endpoint}/console/sign-in")
    page.fill("[name=key]", server.access_key_id)
    page.fill("[name=secret]", server.secret_access_key)
    page.click("#by-key button")
    page.wait_for_url("**/console")


def _write_more(server: RunningServer) -> None:
    """Put a minute of orders into the group that masks."""
    now = server.clock.milliseconds()
    events = [
        {
            "timestamp": now - 1000 * number,
            "message": f"order {900 - number} by customer{number}@example.com total={number % 7 * 13 + 9}.50 status={200 if number % 9 else 500}",
        }
        for number in range(60, 0, -1)
    ]
    server.client("logs").put_log_events(logGroupName="/app/service-1", logStreamName="web", logEvents=events)
    _write_metrics(server)


def _write_metrics(server: RunningServer) -> None:
    """Put an hour of requests of two hosts, an alarm, and a dashboard of them."""
    cloudwatch, now = server.client("cloudwatch"), server.clock.seconds()
    for minute in range(62):
        level = 120 + 35 * math.sin(minute / 9)
        data = [("Requests", "web-1", level), ("Requests", "web-2", level * 0.7 + minute % 5 * 3)]
        data += [
            ("CPU", "web-1", 42 + 12 * math.sin(minute / 14)),
            ("Latency", "web-1", 80 + minute * 7 % 40),
        ]
        cloudwatch.put_metric_data(
            Namespace="Shop",
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "Host", "Value": host}],
                    "Timestamp": now - 60 * minute,
                    "Value": value,
                }
                for name, host, value in data
            ],
        )
    arn = cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"][0]["AlarmArn"]
    cloudwatch.put_dashboard(DashboardName="shop", DashboardBody=json.dumps({"widgets": list(_widgets(arn))}))


def _widgets(alarm: str) -> Iterator[dict[str, Any]]:
    requests = [["Shop", "Requests", "Host", "web-1"], ["...", "web-2"]]
    limit = {"horizontal": [{"label": "capacity", "value": 160}]}
    runbook = "## Runbook\n\nWhen *requests* fall, call **on-call**.\n\n* [logs](/console/logs/events)\n* `web-1` first"
    query = (
        "SOURCE '/app/service-1' | parse @message 'status=*' as status | stats count(*) as orders by status"
    )
    of = {"region": "us-east-1"}
    shown = [
        ("metric", 12, {"title": "Requests", "metrics": requests, "annotations": limit}),
        ("metric", 6, {"title": "CPU (%)", "metrics": [["Shop", "CPU", "Host", "web-1"]], "view": "gauge", "yAxis": {"left": {"min": 0, "max": 100}}}),
        ("metric", 6, {"title": "Share", "metrics": requests, "view": "pie"}),
        ("metric", 12, {"title": "Both hosts", "metrics": requests, "stacked": True}),
        ("log", 6, {"title": "Orders by status", "query": query, "view": "table"}),
        ("text", 6, {"markdown": runbook}),
        ("metric", 6, {"title": "Latency (ms)", "metrics": [["Shop", "Latency", "Host", "web-1"]], "view": "singleValue"}),
        ("alarm", 6, {"title": "Alarms", "alarms": [alarm]}),
        ("metric", 12, {"title": "Table", "metrics": requests, "view": "table"}),
    ]  # fmt: skip
    column = row = 0
    for kind, width, properties in shown:
        properties = properties if kind in {"text", "alarm"} else {**of, **properties}
        yield {"type": kind, "x": column, "y": row, "width": width, "height": 6, "properties": properties}
        column, row = ((column + width) % 24, row + (column + width) // 24 * 6)


def _switchover(page: Page, server: RunningServer) -> None:
    """Make a database, a green one beside it, and switch over; what was made is deleted again."""
    rds: Any = server.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="orders",
        Engine="mariadb",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword="only-for-a-picture",
    )
    _wait(lambda: rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "available")
    source = rds.describe_db_instances()["DBInstances"][0]["DBInstanceArn"]
    rds.create_blue_green_deployment(BlueGreenDeploymentName="upgrade", Source=source)

    def status() -> str:
        return str(rds.describe_blue_green_deployments()["BlueGreenDeployments"][0]["Status"])

    _wait(lambda: status() == "AVAILABLE")
    identifier = rds.describe_blue_green_deployments()["BlueGreenDeployments"][0][
        "BlueGreenDeploymentIdentifier"
    ]
    rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    _wait(lambda: status() == "SWITCHOVER_COMPLETED")
    page.goto(f"{server.endpoint}/console/rds/deployment?id={identifier}")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / "switchover.png", full_page=True)
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    _wait(lambda: not rds.describe_blue_green_deployments()["BlueGreenDeployments"])
    for each in rds.describe_db_instances()["DBInstances"]:
        rds.delete_db_instance(DBInstanceIdentifier=each["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    _wait(lambda: not rds.describe_db_instances()["DBInstances"])


def _wait(condition: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the server did not get there in time")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())

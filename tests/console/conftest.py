"""A browser of the machine and a server with something to see, shared by the tests of a file."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.server_fixtures import RunningServer, running_server

READER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["logs:Describe*", "logs:FilterLogEvents", "logs:StartLiveTail"],
            "Resource": "*",
        }
    ],
}
PASSWORD = "Correct-horse-7"


# Not for the whole run: as long as Playwright is open, no other test of this process can run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window and without talking to anybody but the tests' servers."""
    options = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with log groups, metrics, an alarm, a dashboard and a user who may only read logs."""
    with running_server(tmp_path_factory.mktemp("console")) as server:
        furnish(server)
        yield server


def furnish(server: RunningServer) -> None:
    """Lay in what the pages show."""
    logs, iam, cloudwatch = server.client("logs"), server.client("iam"), server.client("cloudwatch")
    for number in range(3):
        logs.create_log_group(logGroupName=f"/app/service-{number}")
    logs.create_log_stream(logGroupName="/app/service-1", logStreamName="web")
    identifier = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"
    policy = {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {
                "Sid": "a",
                "DataIdentifier": [identifier],
                "Operation": {"Audit": {"FindingsDestination": {}}},
            },
            {"Sid": "m", "DataIdentifier": [identifier], "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    logs.put_data_protection_policy(logGroupIdentifier="/app/service-1", policyDocument=json.dumps(policy))
    put_event(server, "order 17 by jane@example.com")
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="read-logs", PolicyDocument=json.dumps(READER))
    iam.create_login_profile(UserName="reader", Password=PASSWORD)
    now = server.clock.seconds()
    for host, value in (("a", 5.0), ("b", 9.0)):
        cloudwatch.put_metric_data(
            Namespace="App",
            MetricData=[
                {
                    "MetricName": "Requests",
                    "Dimensions": [{"Name": "Host", "Value": host}],
                    "Timestamp": now - 60 * minute,
                    "Value": value + minute,
                }
                for minute in range(10)
            ],
        )
    metric = {
        "Namespace": "App",
        "MetricName": "Requests",
        "Dimensions": [{"Name": "Host", "Value": "a"}],
    }
    cloudwatch.put_metric_alarm(
        AlarmName="busy",
        **metric,
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.put_dashboard(DashboardName="app", DashboardBody=json.dumps({"widgets": widgets()}))


def widgets() -> list[dict[str, Any]]:
    """A widget of each kind."""
    metrics = [["App", "Requests", "Host", "a"], ["...", "b"]]
    drawn = [
        {
            "type": "metric",
            "x": number % 4 * 6,
            "y": number // 4 * 6,
            "width": 6,
            "height": 6,
            "properties": {"title": view, "region": "us-east-1", "metrics": metrics, "view": view},
        }
        for number, view in enumerate(["timeSeries", "singleValue", "gauge", "bar", "pie"])
    ]
    drawn[2]["properties"]["yAxis"] = {"left": {"min": 0, "max": 20}}
    text = {
        "type": "text",
        "x": 6,
        "y": 6,
        "width": 6,
        "height": 3,
        "properties": {"markdown": "<b>bold?</b>"},
    }
    return [*drawn, text]


def put_event(server: RunningServer, message: str) -> None:
    """Put one event into the group that masks."""
    event = {"timestamp": server.clock.milliseconds(), "message": message}
    server.client("logs").put_log_events(
        logGroupName="/app/service-1", logStreamName="web", logEvents=[event]
    )


class Visitor:
    """Somebody who looks at pages; remembers what the browser complained of."""

    def __init__(self, page: Page, endpoint: str) -> None:
        self.page = page
        self.endpoint = endpoint
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda line: (
                self.complaints.append(line.text) if "Content Security Policy" in line.text else None
            ),
        )

    def go(self, path: str = "") -> int:
        """Go to a page of the console; returns its status."""
        answer = self.page.goto(f"{self.endpoint}/console{path}")
        assert answer is not None
        return answer.status

    def text(self, selector: str) -> str:
        """The text of the first that fits, waited for."""
        return self.page.locator(selector).first.inner_text(timeout=20_000)


@pytest.fixture
def visitor(browser: Browser, cloud: RunningServer) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors: `visitor()` is signed in as root, `visitor("reader")` by password, `visitor(None)` not at all."""
    contexts = []

    def make(who: str | None = "root", **options: Any) -> Visitor:
        context = browser.new_context(**options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        made = Visitor(context.new_page(), cloud.endpoint)
        made_all.append(made)
        if who is not None:
            sign_in(made, cloud, who)
        return made

    made_all: list[Visitor] = []
    yield make
    for context in contexts:
        context.close()
    assert [complaint for made in made_all for complaint in made.complaints] == []


def sign_in(visitor: Visitor, cloud: RunningServer, who: str, password: str = PASSWORD) -> None:
    """Fill in the sign-in page."""
    page = visitor.page
    visitor.go("/sign-in")
    if who == "root":
        page.fill("[name=key]", cloud.access_key_id)
        page.fill("[name=secret]", cloud.secret_access_key)
        page.click("#by-key button")
    else:
        page.click("#tab-by-password")
        page.fill("[name=account]", cloud.account)
        page.fill("[name=user]", who)
        page.fill("[name=password]", password)
        page.click("#by-password button")
    page.wait_for_load_state()


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for something to hold."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found

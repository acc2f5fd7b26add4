"""Pages of their own: events, live tail, Insights, data protection, metrics, alarms, dashboards, simulator, jobs."""

import json

import pytest

from tests.console.conftest import put_event, until

pytestmark = pytest.mark.xdist_group("browser")
MASKED = "order 17 by ****************"


def test_events_are_masked_and_drawn_as_masked(visitor):
    root = visitor()
    root.go("/logs/events?group=/app/service-1&last=1d")
    assert root.text("#events td[data-masked]") == MASKED
    assert root.text("#events .masked") == "*" * 16


def test_unmasking_is_for_those_who_may(visitor):
    root, reader = visitor(), visitor("reader")
    root.go("/logs/events?group=/app/service-1&last=1d&unmask=1")
    assert root.text("#events td[data-masked]") == "order 17 by jane@example.com"
    assert reader.go("/logs/events?group=/app/service-1&last=1d") == 200
    assert reader.text("#events td[data-masked]") == MASKED
    assert reader.go("/logs/events?group=/app/service-1&last=1d&unmask=1") == 403
    assert "logs:Unmask" in reader.text(".problem")
    assert "jane@example.com" not in reader.page.content()


def test_a_wrong_filter_pattern_is_explained(visitor):
    root = visitor()
    assert root.go("/logs/events?group=/app/service-1&pattern=%7B") == 400
    assert "pattern" in root.text(".problem").lower()


def test_a_live_tail_follows_masked(visitor, cloud):
    root = visitor()
    root.go("/logs/events?group=/app/service-1")
    root.page.click("#follow")
    root.page.locator("#tail-state", has_text="Following").wait_for()
    sent = iter(range(1000))

    def seen():
        # A tail shows what comes after it began, so that events go in until it has.
        put_event(cloud, f"tail {next(sent)} by joe@example.org")
        root.page.wait_for_timeout(300)
        return root.page.locator("#events tr", has_text="tail").count()

    until(seen)
    assert "***************" in root.text("#events tr")
    assert "joe@" not in root.page.content()
    root.page.click("#follow")
    assert root.page.get_attribute("#follow", "aria-pressed") == "false"


def test_insights_as_table_and_chart(visitor):
    root = visitor()
    root.go("/logs/insights?group=/app/service-1")
    root.page.fill("#text", "stats count(*) as n by bin(1h)")
    root.page.select_option("[name=last]", "1d")
    root.page.click("#run")
    root.page.locator("#state", has_text="Complete").wait_for()
    assert root.page.locator("#as-table thead th").all_inner_texts() == ["bin(1h)", "n"]
    assert int(root.page.locator("#as-table tbody td").nth(1).inner_text()) >= 1
    root.page.click("#tab-as-chart")
    assert root.page.locator("#chart canvas").count() == 1


def test_a_query_that_is_wrong_says_where(visitor):
    root = visitor()
    root.go("/logs/insights?group=/app/service-1")
    root.page.fill("#text", "fields @message | sortt @timestamp")
    root.page.click("#run")
    root.page.locator("#query-problem:visible").wait_for()
    assert root.page.get_attribute("#text", "aria-invalid") == "true"


def test_a_policy_is_tried_and_kept(visitor, cloud):
    root = visitor()
    root.go("/logs/protection?group=/app/service-2")
    root.page.check("[value=CreditCardNumber]")
    root.page.fill("#try", "credit card 4532015112830366")
    until(lambda: "****" in root.text("#tried"))
    assert "CreditCardNumber" in root.text("#tried-kinds")
    root.page.fill("[name=log_group]", "/app/service-0")
    root.page.click("#protection button.main")
    root.page.locator(".head .state", has_text="1 identifier").wait_for()
    answer = cloud.client("logs").get_data_protection_policy(logGroupIdentifier="/app/service-2")
    policy = json.loads(answer["policyDocument"])
    destination = policy["Statement"][0]["Operation"]["Audit"]["FindingsDestination"]
    assert destination == {"CloudWatchLogs": {"LogGroup": "/app/service-0"}}
    root.page.uncheck("[value=CreditCardNumber]")
    root.page.click("#protection button.main")
    root.page.locator(".head .state", has_text="0 identifiers").wait_for()
    gone = cloud.client("logs").get_data_protection_policy(logGroupIdentifier="/app/service-2")
    assert not gone.get("policyDocument")


def test_identifiers_of_ones_own_stay_and_are_added(visitor, cloud):
    logs = cloud.client("logs")
    identifiers = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress", "Badge"]
    policy = {
        "Name": "ours",
        "Description": "said by hand",
        "Version": "2021-06-01",
        "Configuration": {"CustomDataIdentifier": [{"Name": "Badge", "Regex": "B-[0-9]{4}"}]},
        "Statement": [
            {"Sid": "a", "DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"Sid": "m", "DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    logs.put_data_protection_policy(logGroupIdentifier="/app/service-2", policyDocument=json.dumps(policy))
    root = visitor()
    root.go("/logs/protection?group=/app/service-2")
    assert root.page.locator("[name=custom_name]").first.input_value() == "Badge"
    root.page.locator("[name=custom_name]").nth(1).fill("Desk")
    root.page.locator("[name=custom_regex]").nth(1).fill("desk [0-9]+")
    root.page.fill("#try", "badge B-1234 at desk 12")
    until(lambda: root.text("#tried").count("*") == 13)
    root.page.click("#protection button.main")
    root.page.locator(".head .state", has_text="3 identifiers").wait_for()
    kept = json.loads(logs.get_data_protection_policy(logGroupIdentifier="/app/service-2")["policyDocument"])
    assert (kept["Name"], kept["Description"]) == ("ours", "said by hand")
    assert kept["Configuration"]["CustomDataIdentifier"] == [
        {"Name": "Badge", "Regex": "B-[0-9]{4}"},
        {"Name": "Desk", "Regex": "desk [0-9]+"},
    ]
    assert kept["Statement"][1]["DataIdentifier"] == [*identifiers, "Desk"]
    root.page.locator("[name=custom_regex]").first.fill("(")
    root.page.click("#protection button.main")
    root.page.locator(".problem", has_text="Badge").or_(
        root.page.locator(".problem", has_text="Regex")
    ).wait_for()
    logs.delete_data_protection_policy(logGroupIdentifier="/app/service-2")


def test_metrics_are_chosen_drawn_and_kept_in_the_address(visitor):
    root = visitor()
    root.go("/cloudwatch/explore")
    root.page.fill("#metric-filter", "requests host=a")
    root.page.locator("[data-metric]:visible").first.check()
    root.page.fill("[name=expression]", "m1 * 2")
    root.page.click("#math button")
    until(lambda: root.page.locator("#chart .u-series").count() == 2)
    address = root.page.url
    root.page.goto("about:blank")
    root.page.goto(address)
    until(lambda: root.page.locator("#chart .u-series").count() == 2)
    root.page.fill("[name=expression]", "nonsense(")
    root.page.click("#math button")
    root.page.locator("#chart-problem:visible").wait_for()


def test_an_alarm_on_its_metric(visitor):
    root = visitor()
    root.go("/cloudwatch/alarm?name=busy")
    assert root.page.locator("[data-chart] canvas").count() == 1
    assert "created" in root.text("[aria-label=History] tbody")
    assert root.go("/cloudwatch/alarm?name=none") == 404


def test_a_dashboard_draws_moves_and_grows(visitor, cloud):
    root, cloudwatch = visitor(), cloud.client("cloudwatch")
    root.go("/cloudwatch/dashboard?name=app")
    root.page.locator(".figure strong").first.wait_for()
    root.page.locator(".widget .needle").wait_for()
    root.page.locator(".widget .bar-line").first.wait_for()
    root.page.locator(".widget .key").wait_for()
    root.page.locator(".widget canvas").wait_for()
    assert root.text(".widget .text") == "<b>bold?</b>"
    root.page.click("#edit")
    root.page.locator(".grip.move").first.focus()
    root.page.keyboard.press("ArrowDown")
    root.page.locator(".grip.size").first.focus()
    root.page.keyboard.press("ArrowRight")
    root.page.click("#save")
    # It is saved, and the page is loaded anew, when there is nothing to save any more.
    root.page.locator("#save").wait_for(state="hidden")

    def first():
        body = cloudwatch.get_dashboard(DashboardName="app")["DashboardBody"]
        return json.loads(body)["widgets"][0]

    until(lambda: first()["y"] == 1)
    assert (first()["width"], first()["height"]) == (7, 6)


def test_a_dashboard_runs_queries_draws_alarms_and_says_what_it_cannot(visitor, cloud):
    cloudwatch = cloud.client("cloudwatch")
    arn = cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"][0]["AlarmArn"]
    query = "SOURCE '/app/service-1' | stats count(*) as n by @logStream"
    metrics = [["App", "Requests", "Host", "a"]]
    widgets = [
        {"type": "log", "properties": {"region": "us-east-1", "query": query, "view": "table"}},
        {
            "type": "log",
            "properties": {
                "region": "us-east-1",
                "query": query.replace("@logStream", "bin(1m)"),
                "view": "timeSeries",
            },
        },
        {
            "type": "log",
            "properties": {"region": "us-east-1", "query": query + " | nonsense", "view": "table"},
        },
        {"type": "metric", "properties": {"region": "us-east-1", "metrics": metrics, "view": "table"}},
        {"type": "metric", "properties": {"region": "us-east-1", "annotations": {"alarms": [arn]}}},
        {"type": "alarm", "properties": {"title": "states", "alarms": [arn]}},
        {"type": "text", "properties": {"markdown": "# Runbook\n* call **us**"}},
        {
            "type": "custom",
            "properties": {"endpoint": "arn:aws:lambda:us-east-1:1:function:f", "title": "own"},
        },
    ]
    cloudwatch.put_dashboard(DashboardName="kinds", DashboardBody=json.dumps({"widgets": widgets}))
    root = visitor()
    root.go("/cloudwatch/dashboard?name=kinds&last=1d")
    shown = [root.page.locator(".widget").nth(at) for at in range(len(widgets))]
    shown[0].locator("td", has_text="web").wait_for()
    assert shown[0].locator("th").all_inner_texts() == ["@logStream", "n"]
    assert "query=SOURCE" in shown[0].locator(".more").get_attribute("href")
    shown[1].locator("canvas").wait_for()
    shown[2].locator(".problem", has_text="unexpected").wait_for()
    assert shown[3].locator("td").first.inner_text() == "Requests"
    shown[4].locator("canvas").wait_for()
    assert shown[4].locator("h2").inner_text() == "busy"
    assert (
        shown[5].locator("a", has_text="busy").get_attribute("href") == "/console/cloudwatch/alarm?name=busy"
    )
    assert shown[6].locator("h3").inner_text() == "Runbook"
    assert shown[6].locator("li strong").inner_text() == "us"
    shown[7].locator(".content", has_text="not drawn").wait_for()


def test_composite_alarms_are_on_the_list_and_on_the_first_page(visitor, cloud):
    cloud.client("cloudwatch").put_composite_alarm(AlarmName="all-of-it", AlarmRule="TRUE")
    root = visitor()
    root.go("/cloudwatch/alarms")
    assert "TRUE" in root.page.locator("tr", has_text="all-of-it").inner_text()
    root.go("/cloudwatch/alarm?name=all-of-it")
    assert root.text("main pre") == "TRUE"
    root.go("")
    root.page.locator(".card a", has_text="all-of-it").wait_for()
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["all-of-it"])


def test_a_dashboard_that_is_refused_says_why(visitor):
    root = visitor()
    root.go("/cloudwatch/dashboard?name=app")
    root.page.click("details.raw summary")
    root.page.fill("#body", "{}x")
    root.page.click("#save-body")
    root.page.locator("#refused:visible").wait_for()


def test_the_simulator_shows_which_statement_decided(visitor, cloud):
    root = visitor()
    root.go("/iam/simulator")
    root.page.fill("#who", f"arn:aws:iam::{cloud.account}:user/reader")
    root.page.fill("#actions", "logs:DescribeLogGroups\nlogs:Unmask")
    root.page.click("button.main")
    rows = root.page.locator("tbody tr")
    assert "allowed" in rows.nth(0).inner_text()
    assert '"logs:Describe*"' in rows.nth(0).locator("pre").inner_text()
    assert "allowed by nothing" in rows.nth(1).inner_text()
    root.go(f"/iam/simulator?who=arn:aws:iam::{cloud.account}:user/nobody&actions=logs:Unmask")
    assert "nobody" in root.text(".problem")


def test_jobs_and_their_steps(visitor, cloud):
    cloud.client("firehose").list_delivery_streams()
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/to/delete")
    logs.create_log_stream(logGroupName="/to/delete", logStreamName="s")
    logs.delete_log_group(logGroupName="/to/delete")
    root = visitor()

    def listed():
        root.go("/jobs")
        return root.page.locator("tbody a").count()

    until(listed)
    root.page.locator("tbody a").first.click()
    root.page.locator("h2", has_text="Steps").wait_for()


def test_a_lost_connection_is_shown_and_heals(visitor):
    root = visitor()
    root.go("/logs/log-groups")
    root.page.context.set_offline(True)
    root.page.fill("#find", "service")
    root.page.locator("#lost:visible").wait_for()
    root.page.context.set_offline(False)
    root.page.fill("#find", "service-2")
    root.page.locator("#lost").wait_for(state="hidden")

"""The embedded metric format, from its specification: what events carry arrives in CloudWatch, whole or not at all."""

import json

import pytest

from coldframe.core.offers import MetricSink
from tests.server_fixtures import running_server
from tests.services.logs.conftest import add_group, policy

TIME = ({"Name": "time", "Unit": "Milliseconds"},)
BY_OP = (["op"],)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("embedded") / "data") as server:
        add_group(server, "app", "one")
        add_group(server, "rare", "one", group_class="INFREQUENT_ACCESS")
        add_group(server, "safe", "one", protection=policy("EmailAddress"))
        yield server


def event(server, namespace="app", *, metrics=TIME, sets=BY_OP, **members):
    at = members.pop("at", server.clock.milliseconds())
    directive = {"Namespace": namespace, "Dimensions": list(sets), "Metrics": list(metrics)}
    about = {"Timestamp": at, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, "op": "read", "time": 5, **members})


def put(server, *messages, group="app"):
    events = [{"timestamp": server.clock.milliseconds(), "message": text} for text in messages]
    server.client("logs").put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
    server.installation.parts.get(MetricSink).flush()


def statistics(server, namespace, name, dimensions, unit=None):
    """Sum, count and greatest value of a metric, None without any."""
    now = server.clock.now().timestamp()
    found = server.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - 7200,
        EndTime=now + 7200,
        Period=86_400,
        Statistics=["Sum", "SampleCount", "Maximum"],
        **({"Unit": unit} if unit else {}),
    )["Datapoints"]
    if not found:
        return None
    parts = [sum(each[part] for each in found) for part in ("Sum", "SampleCount")]
    return (*parts, max(each["Maximum"] for each in found))


def test_numbers_lists_and_counted_values(served):
    put(
        served,
        event(served, "a"),
        event(served, "a", time=[1, 2.5]),
        event(served, "a", time={"Values": [10], "Counts": [3]}),
    )
    assert statistics(served, "a", "time", {"op": "read"}, "Milliseconds") == (38.5, 6, 10)


def test_a_metric_for_each_set_of_dimensions(served):
    metrics = [{"Name": "time", "StorageResolution": 1}, {"Name": "size", "Unit": "Bytes"}]
    put(served, event(served, "b", metrics=metrics, sets=[[], ["op"], ["op", "zone"]], zone="z1", size=7))
    for dimensions in ({}, {"op": "read"}, {"op": "read", "zone": "z1"}):
        assert statistics(served, "b", "size", dimensions, "Bytes") == (7, 1, 7)
        assert statistics(served, "b", "time", dimensions, "None") == (5, 1, 5)
    assert statistics(served, "b", "size", {"zone": "z1"}) is None


def test_the_event_stays_an_event(served):
    text = event(served, "c")
    put(served, text, "no metrics here")
    messages = [
        each["message"] for each in served.client("logs").filter_log_events(logGroupName="app")["events"]
    ]
    assert text in messages


WRONG = {
    "no time": lambda text: text.replace('"Timestamp"', '"Time"'),
    "a dimension that is not there": lambda text: text.replace('"op": "read"', '"other": "read"'),
    "a dimension that is a number": lambda text: text.replace('"op": "read"', '"op": 5'),
    "a metric that is not there": lambda text: text.replace('"time": 5', '"other": 5'),
    "a metric that is text": lambda text: text.replace('"time": 5', '"time": "5"'),
    "a metric that is a truth": lambda text: text.replace('"time": 5', '"time": true'),
    "a unit of nobody": lambda text: text.replace("Milliseconds", "Fortnights"),
    "a namespace of AWS's": lambda text: text.replace('"wrong"', '"AWS/wrong"'),
    "too many values": lambda text: text.replace('"time": 5', f'"time": {[1] * 101}'),
    "too many metrics": lambda text: text.replace(
        '{"Name": "time", "Unit": "Milliseconds"}', ", ".join(['{"Name": "time"}'] * 101)
    ),
    "metrics that are no list": lambda text: text.replace(
        '"CloudWatchMetrics": [', '"CloudWatchMetrics": [5, '
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_counted_and_nothing_is_taken(served, case):
    text = WRONG[case](event(served, "wrong"))
    before = statistics(served, "AWS/Logs", "EMFValidationErrors", {"LogGroupName": "app"}) or (0,)
    put(served, text)
    after = statistics(served, "AWS/Logs", "EMFValidationErrors", {"LogGroupName": "app"})
    assert after[0] == before[0] + 1
    for namespace in ("wrong", "AWS/wrong"):
        assert statistics(served, namespace, "time", {"op": "read"}) is None


def test_what_is_no_json_is_counted_too(served):
    put(served, event(served, "broken") + "}")
    assert statistics(served, "AWS/Logs", "EMFParsingErrors", {"LogGroupName": "app"}) == (1, 1, 1)


def test_times_too_far_away_are_refused(served):
    now = served.clock.milliseconds()
    put(
        served, event(served, "late", at=now - 15 * 86_400_000), event(served, "late", at=now + 3 * 3_600_000)
    )
    assert statistics(served, "late", "time", {"op": "read"}) is None


def test_groups_of_rare_access_have_no_metrics(served):
    put(served, event(served, "rare"), group="rare")
    assert statistics(served, "rare", "time", {"op": "read"}) is None


def test_only_masked_text_becomes_a_dimension(served):
    put(served, event(served, "safe", op="jane@example.com"), group="safe")
    assert statistics(served, "safe", "time", {"op": "*" * 16}) == (5, 1, 5)
    assert statistics(served, "safe", "time", {"op": "jane@example.com"}) is None

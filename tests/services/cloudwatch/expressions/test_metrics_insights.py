"""Metrics Insights queries, from the user guide's page on their components and syntax."""

from datetime import timedelta

import pytest

from coldframe.services.cloudwatch.expressions.metrics_insights import Condition, Selection, parse_query
from coldframe.services.cloudwatch.expressions.values import ExpressionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('SELECT AVG(CPUUtilization) FROM "AWS/EC2"', Selection("AVG", "CPUUtilization", "AWS/EC2", None)),
        (
            "select max(x) from SCHEMA(ns, InstanceId) group by InstanceId order by max() desc limit 10",
            Selection("MAX", "x", "ns", ("InstanceId",), (), ("InstanceId",), "MAX", True, 10),
        ),
        (
            "SELECT SUM(\"a b\") FROM ns WHERE d = 'it\\'s' AND \"e f\" != 'y' ORDER BY AVG() ASC",
            Selection(
                "SUM",
                "a b",
                "ns",
                None,
                (Condition("d", True, "it's"), Condition("e f", False, "y")),
                (),
                "AVG",
            ),
        ),
    ],
)
def test_what_queries_say(text, expected):
    assert parse_query(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT",
        "SELECT x FROM y",
        "SELECT MEDIAN(x) FROM y",
        "SELECT AVG(x)",
        "SELECT AVG(x) FROM y WHERE",
        "SELECT AVG(x) FROM y WHERE a > 'b'",
        "SELECT AVG(x) FROM y WHERE a = b",
        "SELECT AVG(x) FROM y GROUP a",
        "SELECT AVG(x) FROM y LIMIT 0",
        "SELECT AVG(x) FROM y LIMIT 501",
        "SELECT AVG(x) FROM y z",
        "SELECT AVG(x) FROM y; DROP",
    ],
)
def test_what_cannot_be_read(text):
    with pytest.raises(ExpressionError):
        parse_query(text)


@pytest.fixture
def fleet(metrics):
    """CPU of three hosts in two zones, and one host without a zone."""
    for host, zone, values in (
        ("h1", "a", (1, 3)),
        ("h2", "a", (5,)),
        ("h3", "b", (10,)),
        ("h4", None, (7,)),
    ):
        dimensions = {"host": host} | ({"zone": zone} if zone else {})
        metrics.put("cpu", *[float(value) for value in values], dimensions=dimensions)
    return metrics


def ask(metrics, text, **more):
    query = {"Id": "q1", "Expression": text.replace("NS", f'"{metrics.namespace}"'), "Period": 60, **more}
    answer = metrics.client.get_metric_data(
        MetricDataQueries=[query],
        StartTime=metrics.ago(minutes=5),
        EndTime=metrics.minute + timedelta(minutes=1),
    )
    return {result["Label"]: result["Values"] for result in answer["MetricDataResults"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT SUM(cpu) FROM NS", {"q1": [26]}),
        ("SELECT COUNT(cpu) FROM NS", {"q1": [5]}),
        ("SELECT AVG(cpu) FROM SCHEMA(NS, zone, host)", {"q1": [19 / 4]}),
        ("SELECT MAX(cpu) FROM NS WHERE zone = 'a'", {"q1": [5]}),
        ("SELECT MIN(cpu) FROM NS WHERE zone = 'a' AND host != 'h1'", {"q1": [5]}),
        ("SELECT SUM(cpu) FROM NS GROUP BY zone", {"a": [9], "b": [10], "Other": [7]}),
        (
            "SELECT MAX(cpu) FROM SCHEMA(NS, host, zone) GROUP BY host ORDER BY MAX() DESC LIMIT 2",
            {"h3": [10], "h2": [5]},
        ),
        ("SELECT SUM(nothing) FROM NS", {"q1": []}),
        ("SELECT SUM(nothing) FROM NS GROUP BY zone", {}),
    ],
)
def test_answers(fleet, text, expected):
    found = ask(fleet, text)
    assert found == expected
    assert list(found) == list(expected)


def test_one_query_a_request(metrics):
    queries = [{"Id": f"q{number}", "Expression": "SELECT AVG(x) FROM y"} for number in range(2)]
    error = metrics.refused(
        "get_metric_data", MetricDataQueries=queries, StartTime=metrics.ago(hours=1), EndTime=metrics.minute
    )
    assert "only one" in error["Message"]


def test_a_query_feeds_an_expression(fleet):
    text = f'SELECT SUM(cpu) FROM "{fleet.namespace}" GROUP BY zone'
    queries = [
        {"Id": "q1", "Expression": text, "Period": 60, "ReturnData": False},
        {"Id": "e1", "Expression": "SUM(q1)", "Label": "all"},
    ]
    answer = fleet.client.get_metric_data(
        MetricDataQueries=queries, StartTime=fleet.ago(minutes=5), EndTime=fleet.minute + timedelta(minutes=1)
    )
    assert [result["Values"] for result in answer["MetricDataResults"]] == [[26]]

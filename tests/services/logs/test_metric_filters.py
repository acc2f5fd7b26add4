"""PutMetricFilter, DescribeMetricFilters, DeleteMetricFilter and TestMetricFilter, from the API reference."""

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server

LINES = [
    '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534',
    '127.0.0.1 - frank [10/Oct/2000:13:35:22 -0700] "GET /apache_pb.gif HTTP/1.0" 500 5324',
    '127.0.0.1 - frank [10/Oct/2000:13:50:35 -0700] "GET /apache_pb.gif HTTP/1.0" 200 4355',
]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("metric-filters") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client, and groups `g` and `h` without filters."""
    client = running.client("logs")
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    for name in "gh":
        client.create_log_group(logGroupName=name)
    return client


def transformation(name="m", namespace="n", value="1", **more):
    return {"metricName": name, "metricNamespace": namespace, "metricValue": value, **more}


def put(client, name="f", group="g", pattern="ERROR", *, change=None, **more):
    client.put_metric_filter(
        logGroupName=group,
        filterName=name,
        filterPattern=pattern,
        metricTransformations=[transformation(**(change or {}))],
        **more,
    )


def refused(call, *args, **parameters):
    with pytest.raises(ClientError) as caught:
        call(*args, **parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def names(answer):
    return [(each["logGroupName"], each["filterName"]) for each in answer["metricFilters"]]


def test_a_filter_is_described_with_its_members(logs, running):
    before = running.clock.milliseconds()
    put(
        logs,
        pattern='{ $.level = "ERROR" }',
        change={"value": "$.latency", "dimensions": {"Service": "$.service"}, "unit": "Milliseconds"},
    )
    (found,) = logs.describe_metric_filters(logGroupName="g")["metricFilters"]
    assert before <= found.pop("creationTime") <= running.clock.milliseconds()
    assert found == {
        "filterName": "f",
        "filterPattern": '{ $.level = "ERROR" }',
        "metricTransformations": [
            transformation(value="$.latency", dimensions={"Service": "$.service"}, unit="Milliseconds")
        ],
        "logGroupName": "g",
        "applyOnTransformedLogs": False,
    }


def test_a_filter_is_replaced(logs):
    put(logs, pattern="one", change={"defaultValue": 0.0})
    put(logs, pattern="two")
    (found,) = logs.describe_metric_filters(logGroupName="g")["metricFilters"]
    assert found["filterPattern"] == "two"
    assert found["metricTransformations"] == [transformation()]


THREE = {"a": "$.a", "b": "$.b", "c": "$.c"}


@pytest.mark.parametrize(
    ("pattern", "change"),
    [
        ("", {"defaultValue": 0.5}),
        ("{ $.a = 1 }", {"dimensions": THREE}),
        ("[ip, size > 100]", {"value": "$size", "dimensions": {"ip": "$ip"}}),
        ("%ERR|WARN%", {"value": "1.5e3"}),
    ],
)
def test_what_is_taken(logs, pattern, change):
    put(logs, pattern=pattern, change=change)


@pytest.mark.parametrize(
    ("pattern", "change"),
    [
        ("{ $.a = }", {}),
        ("[a, b", {}),
        ("{ $.a = 1 }", {"dimensions": {**THREE, "d": "$.d"}}),
        ("{ $.a = 1 }", {"dimensions": {"a": "$.a"}, "defaultValue": 0.0}),
        ("ERROR", {"dimensions": {"a": "$.a"}}),
        ("ERROR", {"value": "$.a"}),
        ("ERROR", {"value": "many"}),
        ("[a, b]", {"value": "$c"}),
        ("ERROR", {"value": ""}),
        ("ERROR", {"name": ""}),
        ("ERROR", {"namespace": ""}),
        ("ERROR", {"namespace": "AWS/Logs"}),
        ("ERROR", {"name": "a:b"}),
        ("ERROR", {"unit": "Fortnights"}),
        ("ERROR", {"defaultValue": float("nan")}),
        ("ERROR", {"defaultValue": float("inf")}),
        ("ERROR", {"defaultValue": 1e200}),
        ("x" * 1025, {}),
    ],
)
def test_what_is_refused(logs, pattern, change):
    assert refused(put, logs, pattern=pattern, change=change)[0] == "InvalidParameterException"
    assert names(logs.describe_metric_filters(logGroupName="g")) == []


def test_exactly_one_transformation(logs):
    code, _ = refused(
        logs.put_metric_filter,
        logGroupName="g",
        filterName="f",
        filterPattern="",
        metricTransformations=[transformation(), transformation(name="other")],
    )
    assert code == "InvalidParameterException"


def test_groups_that_have_no_filters(logs):
    logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    assert refused(put, logs, group="missing")[0] == "ResourceNotFoundException"
    assert refused(put, logs, group="rare")[0] == "InvalidOperationException"


def test_what_needs_transformers_or_centralization_is_refused(logs):
    assert refused(put, logs, applyOnTransformedLogs=True)[0] == "InvalidParameterException"
    assert refused(put, logs, fieldSelectionCriteria='@aws.region = "us-east-1"')[0] == "NotImplemented"
    assert refused(put, logs, emitSystemFieldDimensions=["@aws.region"])[0] == "NotImplemented"


def test_a_hundred_filters_a_group(logs):
    for number in range(100):
        put(logs, f"f{number:03d}")
    assert refused(put, logs, "one more") == ("LimitExceededException", "Resource limit exceeded.")
    put(logs, "f050", pattern="changed")
    put(logs, "f", group="h")
    pages = logs.get_paginator("describe_metric_filters").paginate(logGroupName="g")
    sizes = [len(page["metricFilters"]) for page in pages]
    assert sizes == [50, 50]


class TestDescribe:
    @pytest.fixture(autouse=True)
    def filters(self, logs):
        put(logs, "b", group="g", change={"name": "m1"})
        put(logs, "a", group="h", change={"name": "m2"})
        put(logs, "bb", group="h", change={"name": "m1", "namespace": "other"})
        put(logs, "a", group="g", change={"name": "m1"})

    ALL = [("g", "a"), ("h", "a"), ("g", "b"), ("h", "bb")]

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ({}, ALL),
            ({"logGroupName": "g"}, [("g", "a"), ("g", "b")]),
            ({"logGroupName": "h", "filterNamePrefix": "b"}, [("h", "bb")]),
            ({"filterNamePrefix": "b"}, ALL),  # documented: used only together with logGroupName
            ({"metricName": "m1", "metricNamespace": "n"}, [("g", "a"), ("g", "b")]),
            ({"metricName": "m1", "metricNamespace": "n", "logGroupName": "h"}, []),
        ],
    )
    def test_filters(self, logs, parameters, expected):
        assert names(logs.describe_metric_filters(**parameters)) == expected

    @pytest.mark.parametrize("limit", [1, 2, 3, 4])
    def test_pages(self, logs, limit):
        pages = logs.get_paginator("describe_metric_filters").paginate(PaginationConfig={"PageSize": limit})
        assert [name for page in pages for name in names(page)] == self.ALL

    @pytest.mark.parametrize("alone", [{"metricName": "m1"}, {"metricNamespace": "n"}])
    def test_name_and_namespace_go_together(self, logs, alone):
        assert refused(logs.describe_metric_filters, **alone)[0] == "InvalidParameterException"

    def test_missing(self, logs):
        assert refused(logs.describe_metric_filters, logGroupName="x")[0] == "ResourceNotFoundException"

    def test_delete(self, logs):
        logs.delete_metric_filter(logGroupName="g", filterName="a")
        assert names(logs.describe_metric_filters(logGroupName="g")) == [("g", "b")]
        for parameters in (
            {"logGroupName": "g", "filterName": "a"},
            {"logGroupName": "x", "filterName": "a"},
        ):
            assert refused(logs.delete_metric_filter, **parameters)[0] == "ResourceNotFoundException"


def test_patterns_are_tried_out_as_the_reference_shows(logs):
    answer = logs.test_metric_filter(
        filterPattern="[ip, identity, user_id, timestamp, request, status_code, size > 4000]",
        logEventMessages=LINES,
    )
    assert [(each["eventNumber"], each["eventMessage"]) for each in answer["matches"]] == [
        (1, LINES[1]),
        (2, LINES[2]),
    ]
    assert answer["matches"][0]["extractedValues"] == {
        "$ip": "127.0.0.1",
        "$identity": "-",
        "$user_id": "frank",
        "$timestamp": "10/Oct/2000:13:35:22 -0700",
        "$request": "GET /apache_pb.gif HTTP/1.0",
        "$status_code": "500",
        "$size": "5324",
    }


def test_a_pattern_that_is_none_is_not_tried_out(logs):
    code, text = refused(logs.test_metric_filter, filterPattern="{ $.a", logEventMessages=["x"])
    assert code == "InvalidParameterException"
    assert "Invalid filter pattern" in text

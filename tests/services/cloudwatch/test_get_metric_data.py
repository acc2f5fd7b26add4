"""GetMetricData, from the API reference and the user guide's pages on metric math, search and dynamic labels."""

from datetime import timedelta

import pytest

from coldframe.services.cloudwatch import queries as module


@pytest.fixture
def filled(metrics):
    """Metrics `a` (0, 1, ... 9) and `b` (10 each) of the ten minutes before the last, in pages of one minute."""
    metrics.start = metrics.ago(minutes=10)
    for minute in range(10):
        metrics.put("a", minute, at=metrics.start + timedelta(minutes=minute), dimensions={"host": "one"})
        metrics.put("b", 10, at=metrics.start + timedelta(minutes=minute), dimensions={"host": "two"})
    return metrics


def stat(metrics, name="a", identifier="m1", statistic="Sum", period=60, host=None, **more):
    host = host or {"a": "one", "b": "two"}.get(name)
    dimensions = [{"Name": "host", "Value": host}] if host else []
    metric = {"Namespace": metrics.namespace, "MetricName": name, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}, **more}


def ask(metrics, *queries, **more):
    more.setdefault("StartTime", metrics.ago(minutes=10))
    more.setdefault("EndTime", metrics.minute)
    more.setdefault("ScanBy", "TimestampAscending")
    return metrics.client.get_metric_data(MetricDataQueries=list(queries), **more)


def expression(text, identifier="e1", **more):
    return {"Id": identifier, "Expression": text, **more}


def test_a_metric(filled):
    (result,) = ask(filled, stat(filled))["MetricDataResults"]
    assert result["Id"] == "m1"
    assert result["Label"] == "a"
    assert result["StatusCode"] == "Complete"
    assert result["Values"] == list(range(10))
    assert result["Timestamps"] == [filled.start + timedelta(minutes=minute) for minute in range(10)]


def test_newest_first_is_the_default(filled):
    queries = [stat(filled)]
    answer = filled.client.get_metric_data(
        MetricDataQueries=queries, StartTime=filled.start, EndTime=filled.minute
    )
    assert answer["MetricDataResults"][0]["Values"] == list(range(9, -1, -1))


def test_an_expression_over_metrics_that_are_not_returned(filled):
    answer = ask(
        filled,
        expression("m2 / e2", Label="ratio"),
        stat(filled, ReturnData=False),
        stat(filled, "b", "m2", ReturnData=False),
        expression("m1 + 1", "e2", ReturnData=False),
    )
    (result,) = answer["MetricDataResults"]
    assert (result["Id"], result["Label"]) == ("e1", "ratio")
    assert result["Values"] == pytest.approx([10 / (value + 1) for value in range(10)])


def test_periods_and_extended_statistics(filled):
    answer = ask(filled, stat(filled, period=300), stat(filled, identifier="m2", period=600, statistic="p90"))
    found = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    assert found == {"m1": [10, 35], "m2": [8]}


def test_search(filled):
    text = f"SEARCH('{{\"{filled.namespace}\",host}}', 'Sum', 60)"
    results = ask(filled, expression(text))["MetricDataResults"]
    assert [(result["Id"], result["Label"], sum(result["Values"])) for result in results] == [
        ("e1", "a one", 45),
        ("e1", "b two", 100),
    ]


def test_one_label_for_many_series_tells_them_apart(filled):
    text = f"SEARCH('{{\"{filled.namespace}\",host}}', 'Sum', 60)"
    found = [
        [result["Label"] for result in ask(filled, expression(text, Label=label))["MetricDataResults"]]
        for label in ("all", "${PROP('Dim.host')}")
    ]
    assert found == [["all a one", "all b two"], ["one", "two"]]


@pytest.mark.parametrize(
    ("asked", "labels"),
    [
        ([("Sum", 60), ("Average", 60)], ["a Sum", "a Average"]),
        ([("Sum", 60), ("Sum", 120)], ["a 60", "a 120"]),
        ([("Sum", 60), ("p99", 120)], ["a Sum 60", "a p99 120"]),
        ([("Sum", 60), ("Sum", 60)], ["a", "a"]),
    ],
)
def test_default_labels_say_what_differs(filled, asked, labels):
    queries = [stat(filled, "a", f"m{number}", *each) for number, each in enumerate(asked)]
    assert [result["Label"] for result in ask(filled, *queries)["MetricDataResults"]] == labels


def test_a_metric_of_minutes_in_shorter_periods(filled):
    (result,) = ask(filled, stat(filled, period=30))["MetricDataResults"]
    assert result["Values"] == list(range(10))
    assert result["Timestamps"] == [filled.start + timedelta(minutes=minute) for minute in range(10)]


def test_without_a_unit_the_data_of_one_unit_are_taken(metrics):
    for value, unit in (60, "Seconds"), (60000, "Milliseconds"), (5, "Count"):
        metrics.put("latency", value, at=metrics.ago(minutes=1), Unit=unit)
        (result,) = ask(metrics, stat(metrics, "latency"))["MetricDataResults"]
        assert result["Values"] == [value]
    said = "Multiple units returned: '[Count, Milliseconds, Seconds]'"
    assert result["Messages"] == [{"Code": "MultipleUnits", "Value": said}]


def test_a_metric_without_data(filled):
    (result,) = ask(filled, stat(filled, "nothing"))["MetricDataResults"]
    assert (result["Values"], result["StatusCode"]) == ([], "Complete")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("${LABEL} of ${PROP('Dim.host')}", "a of one"),
        ("${PROP('MetricName')} ${PROP('Stat')} ${PROP('Period')} ${PROP('Region')}", "a Sum 60 us-east-1"),
        ("[max: ${MAX}, min: ${MIN}, avg: ${AVG}]", "[max: 9, min: 0, avg: 4.5]"),
        ("${SUM} ${FIRST} ${LAST} ${DATAPOINT_COUNT}", "45 0 9 10"),
        ("${MIN_MAX_RANGE} ${FIRST_LAST_RANGE}", "9 9"),
        ("${LAST_TIME_RELATIVE}", "1m ago"),
        ("${PROP('Namespace')}", None),
        ("${PROP('Dim.nothing')} ${PROP('Dim.Host')}", "${PROP('Dim.nothing')} ${PROP('Dim.Host')}"),
        ("${NOTHING} ${MAXIMUM", "${NOTHING} ${MAXIMUM"),
    ],
)
def test_dynamic_labels(filled, label, expected):
    (result,) = ask(filled, stat(filled, Label=label))["MetricDataResults"]
    assert result["Label"] == (filled.namespace if expected is None else expected)


def test_dynamic_labels_of_times(filled):
    names = ("FIRST_TIME", "LAST_TIME", "MIN_TIME", "MAX_TIME")
    label = "|".join(f"${{{name}}}" for name in (*names, "FIRST_LAST_TIME_RANGE", "MIN_MAX_TIME_RANGE"))
    (result,) = ask(filled, stat(filled, Label=label))["MetricDataResults"]
    first, last = (f"{moment:%Y-%m-%d %H:%M:%S} UTC" for moment in (filled.start, filled.ago(minutes=1)))
    assert result["Label"].split("|") == [first, last, first, last, f"{first} - {last}", f"{first} - {last}"]


def test_labels_in_a_time_zone(filled):
    (result,) = ask(filled, stat(filled, Label="${MAX_TIME}"), LabelOptions={"Timezone": "+0130"})[
        "MetricDataResults"
    ]
    last = filled.ago(minutes=1) + timedelta(hours=1, minutes=30)
    assert result["Label"] == f"{last:%Y-%m-%d %H:%M:%S} +0130"


@pytest.mark.parametrize("scan", ["TimestampAscending", "TimestampDescending"])
def test_pages_have_every_point_once(filled, scan):
    queries = [stat(filled), stat(filled, "b", "m2"), stat(filled, "nothing", "m3")]
    seen = {"m1": [], "m2": [], "m3": []}
    pages, more = 0, {}
    while True:
        answer = ask(filled, *queries, MaxDatapoints=3, ScanBy=scan, **more)
        pages += 1
        assert sum(len(result["Values"]) for result in answer["MetricDataResults"]) <= 3
        for result in answer["MetricDataResults"]:
            seen[result["Id"]] += result["Values"]
        if "NextToken" not in answer:
            break
        assert any(result["StatusCode"] == "PartialData" for result in answer["MetricDataResults"])
        more = {"NextToken": answer["NextToken"]}
    assert pages == 7
    values = list(range(10))
    assert seen == {"m1": values if scan.endswith("Ascending") else values[::-1], "m2": [10] * 10, "m3": []}


def test_the_paginator_gives_whole_series(filled):
    pages = filled.client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[stat(filled), expression("m1 * 2")],
        StartTime=filled.start,
        EndTime=filled.minute,
        ScanBy="TimestampAscending",
        MaxDatapoints=7,
    )
    seen = {"m1": {}, "e1": {}}
    for page in pages:
        for result in page["MetricDataResults"]:
            found = dict(zip(result["Timestamps"], result["Values"], strict=True))
            assert not seen[result["Id"]].keys() & found.keys(), "a data point came twice"
            seen[result["Id"]] |= found
    assert list(seen["m1"].values()) == list(range(10))
    assert list(seen["e1"].values()) == [2 * value for value in range(10)]


def test_the_last_page_is_complete_and_has_no_token(filled):
    first = ask(filled, stat(filled), MaxDatapoints=6)
    (result,) = first["MetricDataResults"]
    assert (len(result["Values"]), result["StatusCode"]) == (6, "PartialData")
    last = ask(filled, stat(filled), MaxDatapoints=6, NextToken=first["NextToken"])
    (result,) = last["MetricDataResults"]
    assert (result["Values"], result["StatusCode"]) == ([6, 7, 8, 9], "Complete")
    assert "NextToken" not in last


def test_as_many_points_as_a_page_may_have_are_one_page(filled):
    answer = ask(filled, stat(filled), stat(filled, "b", "m2"), MaxDatapoints=20)
    assert "NextToken" not in answer
    assert {result["StatusCode"] for result in answer["MetricDataResults"]} == {"Complete"}
    assert answer["Messages"] == []


@pytest.mark.parametrize("most", [0, 100_801])
def test_pages_of_no_size(filled, most):
    error = filled.refused(
        "get_metric_data",
        MetricDataQueries=[stat(filled)],
        StartTime=filled.start,
        EndTime=filled.minute,
        MaxDatapoints=most,
    )
    assert error["Code"] == "ValidationError"


def test_a_search_that_finds_too_many_metrics_says_so_and_gives_what_it_may(filled, monkeypatch):
    text = f"SEARCH('{{\"{filled.namespace}\",host}}', 'Sum', 60)"
    assert ask(filled, expression(text))["Messages"] == []
    monkeypatch.setattr(module, "MOST_SEARCHED", 1)
    answer = ask(filled, expression(text))
    assert [message["Value"] for message in answer["Messages"]] == [
        "Maximum number of allowed metrics exceeded"
    ]
    assert len(answer["MetricDataResults"]) == 1


def test_the_end_is_exclusive_and_the_start_is_rounded_down(filled):
    (result,) = ask(
        filled,
        stat(filled),
        StartTime=filled.start + timedelta(minutes=2, seconds=59),
        EndTime=filled.start + timedelta(minutes=5),
    )["MetricDataResults"]
    assert result["Values"] == [2, 3, 4]


@pytest.mark.parametrize("zone", ["0130", "+130", "+01:30", "+0160", "+2400", "UTC"])
def test_a_time_zone_that_is_none(filled, zone):
    error = filled.refused(
        "get_metric_data",
        MetricDataQueries=[stat(filled)],
        StartTime=filled.start,
        EndTime=filled.minute,
        LabelOptions={"Timezone": zone},
    )
    assert error["Code"] == "ValidationError"


def test_values_that_are_missing_count_as_zero_in_arithmetic(filled):
    filled.put("gaps", 5, at=filled.start, dimensions={"host": "gaps"})
    answer = ask(
        filled,
        expression("m1 + m2", "e1"),
        expression("AVG([m1, m2])", "e2"),
        expression("m1 / m2", "e3"),
        expression("IF(m1 + 1, m2)", "e4"),
        stat(filled, "a", "m1", ReturnData=False),
        stat(filled, "gaps", "m2", host="gaps", ReturnData=False),
    )
    found = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    assert found == {
        "e1": [5, *range(1, 10)],
        "e2": [2.5, *(value / 2 for value in range(1, 10))],
        "e3": [0],
        "e4": [5, *[0] * 9],
    }


def test_a_token_of_nobody(filled):
    error = filled.refused(
        "get_metric_data",
        MetricDataQueries=[stat(filled)],
        StartTime=filled.start,
        EndTime=filled.minute,
        NextToken="x",
    )
    assert error["Code"] == "InvalidNextToken"


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ([], "MetricDataQueries is required"),
        ([expression("1", "Big")], "is not matching the expected pattern"),
        ([expression("m1 + m1", "e1"), expression("1", "e1")], "not unique"),
        ([{"Id": "e1"}], "must be specified"),
        ([expression("m9")], "Error in expression 'e1' [Undefined variable 'm9' in the expression]"),
        ([expression("e2"), expression("e1", "e2")], "refers to itself"),
        ([expression("m1 +")], "Error in expression 'e1' [Unexpected end of expression]"),
        ([expression("TIME_SERIES(1)", Period=45)], "Period must be"),
        ([expression(f"TIME_SERIES({number})", f"e{number}") for number in range(501)], "greater than 500"),
    ],
)
def test_what_is_refused(metrics, queries, words):
    error = metrics.refused(
        "get_metric_data", MetricDataQueries=queries, StartTime=metrics.ago(hours=1), EndTime=metrics.minute
    )
    assert error["Code"] == "ValidationError"
    assert words in error["Message"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"statistic": "Median"}, "MetricStat.Stat is not supported"),
        ({"period": 61}, "MetricStat.Period must be"),
        ({"Expression": "1"}, "mutually exclusive"),
        ({"AccountId": "210987654321"}, "not linked"),
    ],
)
def test_what_is_refused_of_a_metric(metrics, change, words):
    error = metrics.refused(
        "get_metric_data",
        MetricDataQueries=[stat(metrics, **change)],
        StartTime=metrics.ago(hours=1),
        EndTime=metrics.minute,
    )
    assert error["Code"] == "ValidationError"
    assert words in error["Message"]


def test_times_the_wrong_way_round(metrics):
    error = metrics.refused(
        "get_metric_data",
        MetricDataQueries=[expression("TIME_SERIES(1)")],
        StartTime=metrics.minute,
        EndTime=metrics.minute,
    )
    assert "StartTime must be less than" in error["Message"]


def test_what_is_not_built_is_501(metrics):
    error = metrics.refused(
        "get_metric_data",
        MetricDataQueries=[stat(metrics), expression("SERVICE_QUOTA(m1)")],
        StartTime=metrics.ago(hours=1),
        EndTime=metrics.minute,
    )
    assert error["Code"] == "NotImplemented"


@pytest.mark.parametrize("text", ["TIME_SERIES(1)", "FILL(m1, 0)", "FILL(m1, REPEAT)"])
def test_a_range_with_too_many_periods_is_refused(metrics, text):
    error = metrics.refused(
        "get_metric_data",
        MetricDataQueries=[stat(metrics, period=1), expression(text)],
        StartTime=metrics.ago(days=20_000),
        EndTime=metrics.minute,
    )
    assert error["Code"] == "ValidationError"
    assert "more than 100,800 periods" in error["Message"]


def test_a_request_reads_so_many_points_and_no_more(filled, monkeypatch):
    queries = [stat(filled, identifier=f"m{number}") for number in range(3)]
    monkeypatch.setattr(module, "MOST_READ", 30)
    assert len(ask(filled, *queries)["MetricDataResults"]) == 3
    monkeypatch.setattr(module, "MOST_READ", 29)
    error = filled.refused(
        "get_metric_data", MetricDataQueries=queries, StartTime=filled.start, EndTime=filled.minute
    )
    assert error["Code"] == "ValidationError"
    assert "read more than 29 data points" in error["Message"]

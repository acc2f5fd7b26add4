"""PutMetricData, GetMetricStatistics and ListMetrics, from the API reference."""

from datetime import UTC, datetime, timedelta

import pytest

DATUM = {"MetricName": "m", "Value": 1.0}


def statistics(metrics, *names, name="m", period=60, start=None, end=None, dimensions=None, **more):
    """The data points of a metric, by default of the last hour."""
    kind = "Statistics" if names and names[0][0].isupper() and "(" not in names[0] else "ExtendedStatistics"
    if names:
        more[kind] = list(names)
    return metrics.client.get_metric_statistics(
        Namespace=metrics.namespace,
        MetricName=name,
        StartTime=start or metrics.ago(hours=1),
        EndTime=end or metrics.minute + timedelta(minutes=1),
        Period=period,
        Dimensions=[{"Name": key, "Value": value} for key, value in (dimensions or {}).items()],
        **more,
    )


class TestPutMetricData:
    def test_values_and_counts(self, metrics):
        metrics.put("m", 1, 5, 9, Counts=[2, 1, 1], Unit="Seconds")
        (point,) = statistics(metrics, "SampleCount", "Sum", "Average", "Minimum", "Maximum")["Datapoints"]
        assert point == {
            "Timestamp": metrics.minute,
            "SampleCount": 4,
            "Sum": 16,
            "Average": 4,
            "Minimum": 1,
            "Maximum": 9,
            "Unit": "Seconds",
        }

    def test_statistic_values(self, metrics):
        values = {"SampleCount": 4, "Sum": 20, "Minimum": 2, "Maximum": 8}
        metrics.put("m", StatisticValues=values)
        answer = statistics(metrics, "SampleCount", "Sum", "Minimum", "Maximum")
        (point,) = answer["Datapoints"]
        assert {name: point[name] for name in values} == values
        assert answer["Label"] == "m"
        # "CloudWatch needs raw data points to calculate percentile statistics."
        assert statistics(metrics, "p50")["Datapoints"] == []

    def test_values_beside_statistic_values_are_taken(self, metrics):
        values = {"SampleCount": 4, "Sum": 20, "Minimum": 2, "Maximum": 8}
        metrics.put("m", 1, 10, StatisticValues=values)
        (point,) = statistics(metrics, "Sum", "SampleCount")["Datapoints"]
        assert (point["Sum"], point["SampleCount"]) == (11, 2)

    def test_no_timestamp_is_now(self, metrics):
        metrics.client.put_metric_data(Namespace=metrics.namespace, MetricData=[DATUM])
        end = metrics.minute + timedelta(minutes=2)
        assert [point["Sum"] for point in statistics(metrics, "Sum", end=end)["Datapoints"]] == [1]

    def test_zero_and_negative_values_count(self, metrics):
        metrics.put("m", 0, -4)
        (point,) = statistics(metrics, "Sum", "Minimum", "Maximum")["Datapoints"]
        assert (point["Sum"], point["Minimum"], point["Maximum"]) == (-4, -4, 0)
        # "Percentile statistics are not available for metrics when any of the metric values are negative numbers."
        assert statistics(metrics, "p50")["Datapoints"] == []

    def test_entity_data(self, metrics):
        entity = {"KeyAttributes": {"Type": "Service", "Name": "cart"}}
        metrics.client.put_metric_data(
            Namespace=metrics.namespace,
            EntityMetricData=[{"Entity": entity, "MetricData": [DATUM]}],
            StrictEntityValidation=True,
        )
        end = metrics.minute + timedelta(minutes=2)
        assert len(statistics(metrics, "Sum", end=end)["Datapoints"]) == 1

    @pytest.mark.parametrize(
        ("change", "code", "words"),
        [
            (
                {"Value": float("nan")},
                "InvalidParameterValue",
                "The value NaN for parameter MetricData.member.1.Value",
            ),
            ({"Value": float("inf")}, "InvalidParameterValue", "Infinity"),
            ({"Value": 2.0**361}, "InvalidParameterValue", "MetricData.member.1.Value is invalid"),
            ({"Value": None}, "MissingParameter", "At least one of the parameters"),
            (
                {"Values": [1.0]},
                "InvalidParameterCombination",
                "MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive",
            ),
            (
                {"StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}},
                "InvalidParameterCombination",
                "MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive",
            ),
            ({"Value": None, "Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue", "same size"),
            ({"Value": None, "Values": [1.0], "Counts": [-1.0]}, "InvalidParameterValue", "greater than 0"),
            ({"Counts": [1.0]}, "InvalidParameterCombination", "Counts"),
            ({"Value": None, "Values": [float(n) for n in range(151)]}, "InvalidParameterValue", "150"),
            (
                {"Value": None, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1}},
                "InvalidParameterCombination",
                "Maximum",
            ),
            (
                {"Value": None, "StatisticValues": {"SampleCount": 0, "Sum": 1, "Minimum": 1, "Maximum": 1}},
                "InvalidParameterValue",
                "SampleCount",
            ),
            ({"StorageResolution": 30}, "InvalidParameterValue", "StorageResolution"),
            ({"Unit": "Parsecs"}, "ValidationError", "enum"),
            ({"MetricName": "caf\u00e9"}, "InvalidParameterValue", "ASCII"),
            (
                {"Dimensions": [{"Name": ":a", "Value": "b"}]},
                "InvalidParameterValue",
                "Dimensions.member.1.Name",
            ),
            (
                {"Dimensions": [{"Name": "a", "Value": "  "}]},
                "InvalidParameterValue",
                "Dimensions.member.1.Value",
            ),
            ({"Dimensions": [{"Name": "a", "Value": "b"}] * 2}, "InvalidParameterValue", "more than once"),
            ({"Dimensions": [{"Name": f"d{n}", "Value": "b"} for n in range(31)]}, "ValidationError", "30"),
        ],
    )
    def test_what_is_refused(self, metrics, change, code, words):
        datum = {key: value for key, value in {**DATUM, **change}.items() if value is not None}
        error = metrics.refused("put_metric_data", Namespace=metrics.namespace, MetricData=[datum])
        assert error["Code"] == code
        assert words in error["Message"]

    def test_nothing_of_a_refused_request_is_stored(self, metrics):
        bad = {"MetricName": "m", "Value": float("nan")}
        metrics.refused("put_metric_data", Namespace=metrics.namespace, MetricData=[DATUM, bad])
        assert metrics.client.list_metrics(Namespace=metrics.namespace)["Metrics"] == []

    @pytest.mark.parametrize(
        ("delta", "taken"),
        [
            (timedelta(days=-14, minutes=5), True),
            (timedelta(days=-14, minutes=-5), False),
            (timedelta(hours=2, minutes=-5), True),
            (timedelta(hours=2, minutes=5), False),
        ],
    )
    def test_two_weeks_back_and_two_hours_ahead(self, metrics, delta, taken):
        datum = {**DATUM, "Timestamp": metrics.minute + delta}
        request = {"Namespace": metrics.namespace, "MetricData": [datum]}
        if taken:
            metrics.client.put_metric_data(**request)
            return
        error = metrics.refused("put_metric_data", **request)
        assert error["Code"] == "InvalidParameterValue"
        assert "MetricData.member.1.Timestamp must specify a time no more than two" in error["Message"]

    def test_a_thousand_metrics_and_no_more(self, metrics):
        request = {"Namespace": metrics.namespace, "MetricData": [DATUM] * 1000}
        metrics.client.put_metric_data(**request)
        request["MetricData"] = [DATUM] * 1001
        error = metrics.refused("put_metric_data", **request)
        assert error["Code"] == "InvalidParameterValue"
        assert "must not have a size greater than 1000" in error["Message"]

    def test_the_namespaces_of_services_are_theirs(self, metrics):
        error = metrics.refused("put_metric_data", Namespace="AWS/EC2", MetricData=[DATUM])
        assert error["Code"] == "InvalidParameterValue"

    def test_data_is_needed(self, metrics):
        error = metrics.refused("put_metric_data", Namespace=metrics.namespace)
        assert error["Code"] == "MissingParameter"


class TestGetMetricStatistics:
    def test_percentiles(self, metrics):
        metrics.put("m", *[float(value) for value in range(1, 101)])
        (point,) = statistics(metrics, "p50", "p99.9", "TM(10%:90%)", "tc90", "PR(:50)")["Datapoints"]
        found = point["ExtendedStatistics"]
        assert found["p50"] == pytest.approx(50, rel=0.011)
        assert found["p99.9"] == pytest.approx(100, rel=0.011)
        assert found["TM(10%:90%)"] == pytest.approx(50.5, rel=0.011)
        assert found["tc90"] == 90
        assert found["PR(:50)"] == pytest.approx(50, abs=1)

    def test_points_are_taken_together_by_period(self, metrics):
        start = metrics.ago(minutes=20)
        for minute in range(20):
            metrics.put("m", minute, at=start + timedelta(minutes=minute))
        points = statistics(metrics, "Sum", start=start, period=300)["Datapoints"]
        assert [point["Timestamp"] for point in points] == [
            start + timedelta(minutes=n) for n in (0, 5, 10, 15)
        ]
        assert [point["Sum"] for point in points] == [10, 35, 60, 85]

    def test_the_start_is_inclusive_and_the_end_is_not(self, metrics):
        for minutes in (3, 2, 1):
            metrics.put("m", minutes, at=metrics.ago(minutes=minutes))
        found = statistics(metrics, "Sum", start=metrics.ago(minutes=2), end=metrics.ago(minutes=1))
        assert [point["Sum"] for point in found["Datapoints"]] == [2]

    def test_high_resolution(self, metrics):
        for second in range(20):
            metrics.put("m", second, at=metrics.minute - timedelta(seconds=60 - second), StorageResolution=1)
        start = metrics.ago(minutes=1)
        found = statistics(metrics, "Sum", start=start + timedelta(seconds=3), period=10)["Datapoints"]
        assert [point["Sum"] for point in found] == [45, 145]
        assert [point["Timestamp"] for point in found] == [start, start + timedelta(seconds=10)]
        (whole,) = statistics(metrics, "Sum")["Datapoints"]
        assert whole["Sum"] == 190

    def test_units(self, metrics):
        metrics.put("m", 1, Unit="Bytes")
        metrics.put("m", 2, Unit="Count")
        assert {point["Unit"]: point["Sum"] for point in statistics(metrics, "Sum")["Datapoints"]} == {
            "Bytes": 1,
            "Count": 2,
        }
        assert [point["Sum"] for point in statistics(metrics, "Sum", Unit="Bytes")["Datapoints"]] == [1]
        assert statistics(metrics, "Sum", Unit="Percent")["Datapoints"] == []

    def test_dimensions_are_another_metric(self, metrics):
        metrics.put("m", 1, dimensions={"b": "1", "a": "2"})
        assert statistics(metrics, "Sum")["Datapoints"] == []
        assert statistics(metrics, "Sum", dimensions={"a": "2"})["Datapoints"] == []
        assert len(statistics(metrics, "Sum", dimensions={"a": "2", "b": "1"})["Datapoints"]) == 1

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"Statistics": ["Sum"], "ExtendedStatistics": ["p50"]}, "InvalidParameterCombination"),
            ({}, "InvalidParameterCombination"),
            ({"Statistics": ["Median"]}, "ValidationError"),
            ({"ExtendedStatistics": ["p200"]}, "InvalidParameterValue"),
            ({"ExtendedStatistics": ["Sum"]}, "InvalidParameterValue"),
            ({"Statistics": ["Sum"], "Period": 45}, "InvalidParameterValue"),
            ({"Statistics": ["Sum"], "Period": 1}, "InvalidParameterCombination"),
            ({"Statistics": ["Sum"], "EndTime": datetime(2001, 1, 1, tzinfo=UTC)}, "InvalidParameterValue"),
        ],
    )
    def test_what_is_refused(self, metrics, change, code):
        request = {
            "Namespace": "n",
            "MetricName": "m",
            "StartTime": metrics.ago(hours=1),
            "EndTime": metrics.minute,
            "Period": 60,
            **change,
        }
        assert metrics.refused("get_metric_statistics", **request)["Code"] == code

    def test_no_more_than_1440_data_points(self, metrics):
        start = metrics.minute - timedelta(days=1)
        assert statistics(metrics, "Sum", start=start, end=metrics.minute)["Datapoints"] == []
        error = metrics.refused(
            "get_metric_statistics",
            Namespace="n",
            MetricName="m",
            StartTime=start - timedelta(minutes=1),
            EndTime=metrics.minute,
            Period=60,
            Statistics=["Sum"],
        )
        assert error["Code"] == "InvalidParameterCombination"
        assert "requested up to 1441 datapoints, which exceeds the limit of 1440" in error["Message"]


class TestListMetrics:
    def test_filters(self, metrics):
        metrics.put("a", 1)
        metrics.put("b", 1, dimensions={"x": "1"})
        metrics.put("b", 1, dimensions={"x": "2", "y": "3"})

        def found(**filters):
            answer = metrics.client.list_metrics(Namespace=metrics.namespace, **filters)
            return [
                (each["MetricName"], {pair["Name"]: pair["Value"] for pair in each["Dimensions"]})
                for each in answer["Metrics"]
            ]

        assert found() == [("a", {}), ("b", {"x": "1"}), ("b", {"x": "2", "y": "3"})]
        assert found(MetricName="a") == [("a", {})]
        assert found(Dimensions=[{"Name": "x"}]) == [("b", {"x": "1"}), ("b", {"x": "2", "y": "3"})]
        assert found(Dimensions=[{"Name": "x", "Value": "1"}]) == [("b", {"x": "1"})]
        assert found(Dimensions=[{"Name": "x"}, {"Name": "y"}]) == [("b", {"x": "2", "y": "3"})]

    def test_recently_active(self, metrics):
        metrics.put("old", 1, at=metrics.ago(hours=4))
        metrics.put("new", 1)
        answer = metrics.client.list_metrics(Namespace=metrics.namespace, RecentlyActive="PT3H")
        assert [each["MetricName"] for each in answer["Metrics"]] == ["new"]

    def test_five_hundred_a_page(self, metrics):
        names = [f"m{number:04}" for number in range(1100)]
        for index in range(0, 1100, 550):
            metrics.client.put_metric_data(
                Namespace=metrics.namespace,
                MetricData=[{"MetricName": name, "Value": 1} for name in names[index : index + 550]],
            )
        pages = list(metrics.client.get_paginator("list_metrics").paginate(Namespace=metrics.namespace))
        assert [len(page["Metrics"]) for page in pages] == [500, 500, 100]
        assert [each["MetricName"] for page in pages for each in page["Metrics"]] == names

    def test_a_token_of_nobody(self, metrics):
        assert metrics.refused("list_metrics", NextToken="x")["Code"] == "InvalidParameterValue"

    def test_metrics_of_other_accounts_and_regions_are_not_seen(self, metrics):
        metrics.put("m", 1)
        elsewhere = metrics.server.client("cloudwatch", region="eu-west-1")
        assert elsewhere.list_metrics(Namespace=metrics.namespace)["Metrics"] == []


def test_two_weeks_without_data(metrics, running):
    metrics.put("m", 1)
    running.clock.advance(15 * 86400)
    try:
        client = running.client("cloudwatch")
        assert client.list_metrics(Namespace=metrics.namespace)["Metrics"] == []
        answer = statistics(metrics, "Sum", period=3600)
        assert [point["Sum"] for point in answer["Datapoints"]] == [1]
    finally:
        running.clock.advance(-15 * 86400)

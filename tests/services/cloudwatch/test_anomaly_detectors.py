"""Anomaly detectors, their model, and alarms on the band."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from coldframe.services.cloudwatch.anomaly.model import train
from tests.services.cloudwatch.alarm_drills import code_and_text, state, tick

HOUR = 3600
MONDAY = int(datetime(2026, 11, 9, tzinfo=UTC).timestamp())
FORTNIGHT = range(MONDAY, MONDAY + 14 * 86400, 300)


def wave(at):
    """Busy by day, quiet by night, with a little jitter."""
    hour = at // HOUR % 24
    return (100.0 if 8 <= hour < 20 else 10.0) + (at // 300 % 5)


def test_the_band_follows_the_hour_of_the_day():
    model = train({at: wave(at) for at in FORTNIGHT}, UTC)
    noon, night = MONDAY + 14 * 86400 + 12 * HOUR, MONDAY + 14 * 86400 + 2 * HOUR
    upper, lower = model.band([noon, night], 2.0)
    assert lower[noon] < 102 < upper[noon] < 120
    assert lower[night] < 12 < upper[night] < 30


def test_a_weekend_is_not_a_weekday():
    values = {at: 5.0 if datetime.fromtimestamp(at, UTC).weekday() >= 5 else 50.0 for at in FORTNIGHT}
    model = train(values, UTC)
    assert model.at(MONDAY + 19 * 86400).middle == 5.0
    assert model.at(MONDAY + 14 * 86400).middle == 50.0


def test_outliers_hardly_move_the_band():
    values = {at: wave(at) for at in FORTNIGHT}
    usual = train(values, UTC).at(MONDAY + 12 * HOUR)
    spoilt = {at: 1e6 if at // 300 % 20 == 0 else value for at, value in values.items()}
    assert abs(train(spoilt, UTC).at(MONDAY + 12 * HOUR).middle - usual.middle) <= 1


def test_more_deviations_make_a_wider_band_and_a_constant_one_has_some_width():
    model = train(dict.fromkeys(FORTNIGHT, 50.0), UTC)
    narrow, wide = model.band([MONDAY], 1.0), model.band([MONDAY], 3.0)
    assert wide[1][MONDAY] < narrow[1][MONDAY] < 50 < narrow[0][MONDAY] < wide[0][MONDAY]


def test_excluded_ranges_do_not_count():
    values = {at: 1000.0 if at < MONDAY + 7 * 86400 else 10.0 for at in FORTNIGHT}
    model = train(values, UTC, [(MONDAY, MONDAY + 7 * 86400)])
    assert model.at(MONDAY).middle == 10.0


def test_the_hours_are_those_of_the_time_zone():
    zone = ZoneInfo("Asia/Tokyo")
    model = train({at: float((at // HOUR + 9) % 24) for at in FORTNIGHT}, zone)
    assert model.at(MONDAY).middle == 9.0


def test_too_little_data_makes_no_model():
    assert train(dict.fromkeys(FORTNIGHT[:20], 1.0), UTC) is None
    assert train({}, UTC) is None


@pytest.fixture
def client(running):
    client = running.client("cloudwatch")
    yield client
    kinds = ["SINGLE_METRIC", "METRIC_MATH"]
    for each in client.describe_anomaly_detectors(AnomalyDetectorTypes=kinds)["AnomalyDetectors"]:
        client.delete_anomaly_detector(AnomalyDetectorId=each["AnomalyDetectorId"])


ABOUT = {"Namespace": "Shop", "MetricName": "Visits", "Stat": "Average"}


def math(expression, *names, namespace="Shop", ids=("m1", "m2"), result="e1", **more):
    """The queries of an expression over metrics: the expression last."""
    metrics = [
        {
            "Id": identifier,
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": name},
                "Period": 300,
                "Stat": "Average",
            },
            "ReturnData": False,
        }
        for identifier, name in zip(ids, names or ("Visits",), strict=False)
    ]
    return [*metrics, {"Id": result, "Expression": expression, "ReturnData": True, **more}]


def test_detectors_are_put_described_and_deleted(client):
    host = [{"Name": "Host", "Value": "a"}]
    client.put_anomaly_detector(
        SingleMetricAnomalyDetector=ABOUT, Configuration={"MetricTimezone": "Asia/Tokyo"}
    )
    client.put_anomaly_detector(**{**ABOUT, "Dimensions": host})
    client.put_anomaly_detector(SingleMetricAnomalyDetector={**ABOUT, "MetricName": "Other"})
    found = client.describe_anomaly_detectors()["AnomalyDetectors"]
    assert sorted((each["MetricName"], len(each["Dimensions"])) for each in found) == [
        ("Other", 0),
        ("Visits", 0),
        ("Visits", 1),
    ]
    [one] = client.describe_anomaly_detectors(MetricName="Visits", Dimensions=host)["AnomalyDetectors"]
    assert one["StateValue"] == "TRAINED_INSUFFICIENT_DATA"
    assert one["SingleMetricAnomalyDetector"]["Dimensions"] == host
    page = client.describe_anomaly_detectors(MaxResults=2)
    assert len(client.describe_anomaly_detectors(NextToken=page["NextToken"])["AnomalyDetectors"]) == 1
    client.put_anomaly_detector(SingleMetricAnomalyDetector=ABOUT)
    assert len(client.describe_anomaly_detectors()["AnomalyDetectors"]) == 3
    ids = [found[0]["AnomalyDetectorId"]]
    by_id = client.describe_anomaly_detectors(AnomalyDetectorIds=ids)["AnomalyDetectors"]
    assert [each["AnomalyDetectorId"] for each in by_id] == ids
    client.delete_anomaly_detector(**ABOUT)
    with pytest.raises(ClientError) as caught:
        client.delete_anomaly_detector(**ABOUT)
    assert code_and_text(caught)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"Namespace": "Shop", "MetricName": "Visits"}, "MissingParameter"),
        ({**ABOUT, "SingleMetricAnomalyDetector": ABOUT}, "InvalidParameterCombination"),
        ({**ABOUT, "Configuration": {"MetricTimezone": "Mars/Olympus"}}, "InvalidParameterValue"),
        (
            {**ABOUT, "Configuration": {"ExcludedTimeRanges": [{"StartTime": 2, "EndTime": 1}]}},
            "InvalidParameterValue",
        ),
        ({"MetricMathAnomalyDetector": {"MetricDataQueries": []}}, "ValidationError"),
        (
            {"MetricMathAnomalyDetector": {"MetricDataQueries": math("m1 * 2", ReturnData=False)}},
            "InvalidParameterValue",
        ),
        ({"MetricMathAnomalyDetector": {"MetricDataQueries": math("m1 *")}}, "InvalidParameterValue"),
        ({"MetricMathAnomalyDetector": {"MetricDataQueries": math("m2 * 2")}}, "InvalidParameterValue"),
        ({"MetricMathAnomalyDetector": {"MetricDataQueries": math("e1 * 2")}}, "InvalidParameterValue"),
        (
            {"MetricMathAnomalyDetector": {"MetricDataQueries": math("SUM(METRICS())")}},
            "InvalidParameterValue",
        ),
        (
            {**ABOUT, "MetricMathAnomalyDetector": {"MetricDataQueries": math("m1 * 2")}},
            "InvalidParameterCombination",
        ),
    ],
)
def test_put_anomaly_detector_refuses(client, request_, code):
    with pytest.raises(ClientError) as caught:
        client.put_anomaly_detector(**request_)
    assert code_and_text(caught)[0] == code


def test_an_alarm_on_the_band(client, running, metrics):
    for ago in range(30, 0, -1):
        metrics.put("Load", 50.0 + ago % 3, at=metrics.minute - timedelta(minutes=5 * ago))
    stat = {
        "Metric": {"Namespace": metrics.namespace, "MetricName": "Load"},
        "Period": 300,
        "Stat": "Average",
    }
    queries = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": True},
        {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True},
    ]
    client.put_metric_alarm(
        AlarmName="odd",
        EvaluationPeriods=1,
        DatapointsToAlarm=1,
        ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold",
        ThresholdMetricId="ad1",
        Metrics=queries,
    )
    tick(running, 5)
    assert state(client, "odd") == "OK"
    metrics.put("Load", 90.0, at=metrics.minute)
    running.clock.advance(600)
    metrics.put("Load", 500.0, at=metrics.minute + timedelta(minutes=4))
    from coldframe.services.cloudwatch.alarm_evaluator import AlarmEvaluator

    running.installation.parts.get(AlarmEvaluator).evaluate(running.account, "us-east-1", "odd")
    found = client.describe_alarms(AlarmNames=["odd"])["MetricAlarms"][0]
    assert found["StateValue"] == "ALARM"
    assert found["StateReason"].startswith("Thresholds Crossed: 1 out of the last 1 datapoints [")
    assert "or greater than the upper thresholds [" in found["StateReason"]


def spoilt(metrics):
    """Five hours of two metrics whose ratio is 1000 in the first half, and then 10."""
    for ago in range(60, 0, -1):
        at = metrics.minute - timedelta(minutes=5 * ago)
        metrics.put("Errors", 500.0 if ago % 2 else 510.0, at=at)
        metrics.put("Calls", 0.5 if ago > 30 else 50.0, at=at)
    return math("m1 / m2", "Errors", "Calls", namespace=metrics.namespace)


def band(client, metrics, queries, name):
    """The lower and upper bound of the query of this name, now."""
    now = metrics.minute + timedelta(minutes=5)
    asked = [
        *[{**query, "ReturnData": False} for query in queries],
        {"Id": "b1", "Expression": f"ANOMALY_DETECTION_BAND({name}, 2)"},
    ]
    results = client.get_metric_data(
        MetricDataQueries=asked, StartTime=now - timedelta(minutes=10), EndTime=now
    )["MetricDataResults"]
    return sorted(each["Values"][0] for each in results)


def test_detectors_on_metric_math(client, metrics):
    queries = spoilt(metrics)
    detector = {"MetricDataQueries": queries}
    client.put_anomaly_detector(MetricMathAnomalyDetector=detector)
    (one,) = client.describe_anomaly_detectors(AnomalyDetectorTypes=["METRIC_MATH"])["AnomalyDetectors"]
    assert one["StateValue"] == "TRAINED"
    # The same under other names is the same detector.
    again = math("x / y", "Errors", "Calls", namespace=metrics.namespace, ids=("x", "y"), result="ratio")
    hour = {
        "StartTime": metrics.minute - timedelta(hours=6),
        "EndTime": metrics.minute - timedelta(hours=1),
    }
    client.put_anomaly_detector(
        MetricMathAnomalyDetector={"MetricDataQueries": again}, Configuration={"ExcludedTimeRanges": [hour]}
    )
    assert client.describe_anomaly_detectors()["AnomalyDetectors"] == []
    (one,) = client.describe_anomaly_detectors(AnomalyDetectorTypes=["METRIC_MATH"])["AnomalyDetectors"]
    assert one["MetricMathAnomalyDetector"]["MetricDataQueries"] == again
    assert one["StateValue"] == "TRAINED_INSUFFICIENT_DATA", "an hour is left"
    assert "Namespace" not in one
    other = math("m2 / m1", "Errors", "Calls", namespace=metrics.namespace)
    client.put_anomaly_detector(MetricMathAnomalyDetector={"MetricDataQueries": other})
    assert (
        len(client.describe_anomaly_detectors(AnomalyDetectorTypes=["METRIC_MATH"])["AnomalyDetectors"]) == 2
    )
    client.delete_anomaly_detector(MetricMathAnomalyDetector=detector)
    with pytest.raises(ClientError) as caught:
        client.delete_anomaly_detector(MetricMathAnomalyDetector=detector)
    assert code_and_text(caught)[0] == "ResourceNotFoundException"


def test_the_band_of_an_expression_is_that_of_its_values(client, metrics):
    queries = spoilt(metrics)
    assert len(band(client, metrics, queries, "e1")) == 2, "no detector is needed"
    middle = metrics.minute - timedelta(minutes=151)
    long = timedelta(hours=9)
    for excluded, least, most in (((middle - long, middle), 9, 12), ((middle, middle + long), 900, 1100)):
        client.put_anomaly_detector(
            MetricMathAnomalyDetector={"MetricDataQueries": queries},
            Configuration={
                "ExcludedTimeRanges": [dict(zip(("StartTime", "EndTime"), excluded, strict=True))]
            },
        )
        lower, upper = band(client, metrics, queries, "e1")
        assert least < lower < upper < most
        assert band(client, metrics, queries, "m1 / m2") == [lower, upper], "the same, written out"


def test_an_alarm_on_the_band_of_an_expression(client, running, metrics):
    for ago in range(30, 0, -1):
        metrics.put("Load", 50.0 + ago % 3, at=metrics.minute - timedelta(minutes=5 * ago))
    queries = math("m1 * 2", "Load", namespace=metrics.namespace)
    client.put_metric_alarm(
        AlarmName="odd-math",
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanUpperThreshold",
        ThresholdMetricId="ad1",
        Metrics=[*queries, {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(e1, 2)", "ReturnData": True}],
    )
    tick(running, 5)
    assert state(client, "odd-math") == "OK"
    metrics.put("Load", 90.0, at=metrics.minute)
    running.clock.advance(600)
    tick(running, 5)
    assert state(client, "odd-math") == "ALARM"

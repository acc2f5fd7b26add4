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
    for each in client.describe_anomaly_detectors()["AnomalyDetectors"]:
        client.delete_anomaly_detector(SingleMetricAnomalyDetector=each["SingleMetricAnomalyDetector"])


ABOUT = {"Namespace": "Shop", "MetricName": "Visits", "Stat": "Average"}


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
        ({"MetricMathAnomalyDetector": {"MetricDataQueries": []}}, "NotImplemented"),
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

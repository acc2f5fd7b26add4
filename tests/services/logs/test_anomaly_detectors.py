"""Log anomaly detectors, from the API reference: training, what is unusual, suppression, and what is usual again."""

import time

import pytest
from botocore.exceptions import ClientError

from coldframe.core.offers import MetricSink
from coldframe.jobs.journal import JobRow
from coldframe.services.logs.anomalies.evaluation import AnomalyDetection
from coldframe.services.logs.anomalies.judgement import Usual, judged, seen_in
from coldframe.services.logs.log_patterns import identifier, taken_apart
from tests.server_fixtures import running_server
from tests.services.logs.conftest import add_group, policy

DAY = 86_400


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("anomalies") / "data") as server:
        yield server


@pytest.fixture
def watched(served, request):
    """A detector of a group of the test's own, trained on ten hours of `GET` lines: (group, detector's ARN)."""
    group = request.node.name[:60].replace("[", "-").replace("]", "")
    add_group(served, group, "one", protection=policy("EmailAddress"))
    for _ in range(10):
        put(served, group, *[f"INFO GET /items/{number} took {number}ms" for number in range(60)])
        served.clock.advance(3600)
    arn = create(served, group)
    evaluate(served)
    yield group, arn
    served.client("logs").delete_log_anomaly_detector(anomalyDetectorArn=arn)


def put(server, group, *messages):
    now = server.clock.milliseconds()
    events = [{"timestamp": now, "message": text} for text in messages]
    server.client("logs").put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


def group_arn(server, group):
    return f"arn:aws:logs:us-east-1:{server.account}:log-group:{group}"


def create(server, group, **more):
    asked = {"logGroupArnList": [group_arn(server, group)], "evaluationFrequency": "ONE_HOUR", **more}
    return server.client("logs").create_log_anomaly_detector(**asked)["anomalyDetectorArn"]


def evaluate(server):
    """Have every detector that is due look, and wait until it has."""
    server.clock.advance(1)
    server.installation.parts.get(AnomalyDetection).trigger()
    deadline = time.monotonic() + 30
    while True:
        with server.installation.store.read() as transaction:
            jobs = transaction.records("", "").everywhere(JobRow)
        if all(row.status not in {"PENDING", "RUNNING"} for _, _, row in jobs if "anomalies" in row.name):
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def an_hour_later(server, group, *messages):
    server.clock.advance(3590)
    put(server, group, *messages)
    server.clock.advance(10)
    evaluate(server)


def anomalies(server, arn, **more):
    return server.client("logs").list_anomalies(anomalyDetectorArn=arn, **more)["anomalies"]


def status(server, arn):
    found = server.client("logs").get_log_anomaly_detector(anomalyDetectorArn=arn)
    return found["anomalyDetectorStatus"]


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_detector_is_created_read_listed_changed_and_deleted(served):
    logs = served.client("logs")
    add_group(served, "crud", "one")
    before = served.clock.milliseconds()
    arn = create(
        served, "crud", detectorName="d", filterPattern="ERROR", anomalyVisibilityTime=7, tags={"a": "b"}
    )
    assert arn.startswith(f"arn:aws:logs:us-east-1:{served.account}:anomaly-detector:")
    found = logs.get_log_anomaly_detector(anomalyDetectorArn=arn)
    del found["ResponseMetadata"]
    assert before <= found.pop("creationTimeStamp") == found.pop("lastModifiedTimeStamp")
    # The server's own evaluation may have come already.
    assert found.pop("anomalyDetectorStatus") in {"INITIALIZING", "TRAINING"}
    assert found == {
        "detectorName": "d",
        "logGroupArnList": [group_arn(served, "crud")],
        "evaluationFrequency": "ONE_HOUR",
        "filterPattern": "ERROR",
        "anomalyVisibilityTime": 7,
    }
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    plain = create(served, "crud")
    everything = logs.get_log_anomaly_detector(anomalyDetectorArn=plain)
    logs.delete_log_anomaly_detector(anomalyDetectorArn=plain)
    assert not {"detectorName", "filterPattern"} & set(everything), "not given, so not described"
    logs.update_log_anomaly_detector(anomalyDetectorArn=arn, enabled=False, evaluationFrequency="TEN_MIN")
    found = logs.get_log_anomaly_detector(anomalyDetectorArn=arn)
    assert (found["anomalyDetectorStatus"], found["evaluationFrequency"]) == ("PAUSED", "TEN_MIN")
    add_group(served, "crud-2", "one")
    other = create(served, "crud-2")
    for more, expected in (({}, [arn, other]), ({"filterLogGroupArn": group_arn(served, "crud-2")}, [other])):
        listed = logs.list_log_anomaly_detectors(**more)["anomalyDetectors"]
        assert [each["anomalyDetectorArn"] for each in listed] == expected
    pages = logs.get_paginator("list_log_anomaly_detectors").paginate(PaginationConfig={"PageSize": 1})
    assert [len(page["anomalyDetectors"]) for page in pages] == [1, 1]
    for each in (arn, other):
        logs.delete_log_anomaly_detector(anomalyDetectorArn=each)
    assert refused(logs.get_log_anomaly_detector, anomalyDetectorArn=arn)[0] == "ResourceNotFoundException"


def test_what_is_wrong_is_refused(served):
    logs = served.client("logs")
    add_group(served, "wrong", "one")
    here = group_arn(served, "wrong")
    for parameters, code in (
        ({"logGroupArnList": []}, "InvalidParameterException"),
        ({"logGroupArnList": [here, here]}, "InvalidParameterException"),
        ({"logGroupArnList": [group_arn(served, "missing")]}, "ResourceNotFoundException"),
        ({"logGroupArnList": [here], "filterPattern": "{ $.a"}, "InvalidParameterException"),
        (
            {"logGroupArnList": [here], "kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1"},
            "NotImplemented",
        ),
    ):
        assert refused(logs.create_log_anomaly_detector, **parameters)[0] == code, parameters
    assert refused(logs.list_anomalies, anomalyDetectorArn="nonsense")[0] == "InvalidParameterException"


def test_without_events_a_detector_goes_on_training(served):
    add_group(served, "silent", "one")
    arn = create(served, "silent")
    evaluate(served)
    assert status(served, arn) == "TRAINING"
    an_hour_later(served, "silent", "the very first line")
    assert (status(served, arn), anomalies(served, arn)) == ("ANALYZING", [])
    served.client("logs").delete_log_anomaly_detector(anomalyDetectorArn=arn)


def test_a_pattern_that_was_never_there_is_an_anomaly(served, watched):
    group, arn = watched
    assert status(served, arn) == "ANALYZING"
    an_hour_later(
        served,
        group,
        "INFO GET /items/7 took 8ms",
        "ERROR disk /dev/sda1 full, 0 bytes left",
        "ERROR disk /dev/sdb2 full, 9 bytes left",
    )
    (found,) = anomalies(served, arn)
    template = taken_apart("ERROR disk /dev/sda1 full, 0 bytes left").template
    assert found["patternId"] == identifier(template)
    assert found["patternString"] == "ERROR disk <*> full, <*> bytes left"
    assert (found["state"], found["active"], found["priority"]) == ("Active", True, "HIGH")
    assert (found["suppressed"], found["logGroupArnList"]) == (False, [group_arn(served, group)])
    assert found["description"] == "New pattern: 2 events in 60 minutes, and none before."
    assert list(found["histogram"].values()) == [2]
    assert {each["message"] for each in found["logSamples"]} == {
        "ERROR disk /dev/sda1 full, 0 bytes left",
        "ERROR disk /dev/sdb2 full, 9 bytes left",
    }
    dynamic = [each for each in found["patternTokens"] if each["isDynamic"]]
    assert [(each["dynamicTokenPosition"], each["inferredTokenName"]) for each in dynamic] == [
        (1, "Path-1"),
        (2, "Number-2"),
    ]
    assert dynamic[0]["enumerations"] == {"/dev/sda1": 1, "/dev/sdb2": 1}
    an_hour_later(served, group, "INFO GET /items/7 took 8ms")
    (found,) = anomalies(served, arn)
    assert (found["active"], found["state"]) == (False, "Active")
    an_hour_later(served, group, "ERROR disk /dev/sdc1 full, 1 bytes left")
    (found,) = anomalies(served, arn)
    assert (found["active"], list(found["histogram"].values())) == (True, [2, 1])


def test_a_pattern_that_is_far_more_frequent_than_usual_is_an_anomaly(served, watched):
    group, arn = watched
    an_hour_later(served, group, *[f"INFO GET /items/{number} took 1ms" for number in range(70)])
    assert anomalies(served, arn) == []
    an_hour_later(served, group, *[f"INFO GET /items/{number} took 1ms" for number in range(400)])
    (found,) = anomalies(served, arn)
    assert found["description"].startswith("Unusual frequency: 400 events in 60 minutes, where ")
    assert found["priority"] == "MEDIUM"
    served.installation.parts.get(MetricSink).flush()
    metric = {"Namespace": "AWS/Logs", "MetricName": "AnomalyCount"}
    listed = served.client("cloudwatch").list_metrics(**metric)["Metrics"]
    assert {"Name": "LogAnomalyPriority", "Value": "MEDIUM"} in [
        each for row in listed for each in row["Dimensions"]
    ]


def test_only_masked_text_is_kept(served, watched):
    group, arn = watched
    an_hour_later(served, group, "ERROR no mail to jane@example.com")
    (found,) = anomalies(served, arn)
    assert found["patternString"] == "ERROR no mail to <*>"
    assert "jane" not in str(found)


def test_suppressed_anomalies_are_not_added_to(served, watched):
    group, arn = watched
    logs = served.client("logs")
    an_hour_later(served, group, "WARN low memory")
    (found,) = anomalies(served, arn)
    logs.update_anomaly(
        anomalyDetectorArn=arn,
        anomalyId=found["anomalyId"],
        suppressionType="LIMITED",
        suppressionPeriod={"value": 90, "suppressionUnit": "MINUTES"},
    )
    an_hour_later(served, group, "WARN low memory")
    (found,) = anomalies(served, arn, suppressionState="SUPPRESSED")
    assert (found["state"], found["isPatternLevelSuppression"]) == ("Suppressed", False)
    assert found["suppressedUntil"] - found["suppressedDate"] == 5400
    assert list(found["histogram"].values()) == [1]
    assert anomalies(served, arn, suppressionState="UNSUPPRESSED") == []
    an_hour_later(served, group, "WARN low memory")
    (found,) = anomalies(served, arn)
    assert (found["state"], len(found["histogram"])) == ("Active", 2)
    logs.update_anomaly(anomalyDetectorArn=arn, patternId=found["patternId"], suppressionType="INFINITE")
    (found,) = anomalies(served, arn)
    assert (found["state"], found["isPatternLevelSuppression"], found["suppressedUntil"]) == (
        "Suppressed",
        True,
        0,
    )
    logs.update_anomaly(anomalyDetectorArn=arn, patternId=found["patternId"])
    assert anomalies(served, arn)[0]["state"] == "Active"


def test_what_is_taken_as_usual_is_no_anomaly_any_more(served, watched):
    group, arn = watched
    an_hour_later(served, group, "WARN reload 1", "WARN reload 2")
    (found,) = anomalies(served, arn)
    served.client("logs").update_anomaly(anomalyDetectorArn=arn, anomalyId=found["anomalyId"], baseline=True)
    an_hour_later(served, group, "WARN reload 3")
    (found,) = anomalies(served, arn)
    assert (found["state"], len(found["histogram"])) == ("Baseline", 1)
    an_hour_later(served, group, *[f"WARN reload {number}" for number in range(50)])
    assert sorted(each["state"] for each in anomalies(served, arn)) == ["Active", "Baseline"]


def test_after_its_visibility_time_an_anomaly_is_usual(served, watched):
    group, arn = watched
    an_hour_later(served, group, "WARN reload 1")
    served.clock.advance(22 * DAY)
    an_hour_later(served, group, "WARN reload 2")
    assert [each["state"] for each in anomalies(served, arn)] == ["Baseline"]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"anomalyId": "x" * 36, "patternId": "y" * 32},
        {"patternId": "y" * 32, "suppressionType": "LIMITED"},
    ],
)
def test_updates_that_do_not_fit(served, watched, more):
    _, arn = watched
    update = served.client("logs").update_anomaly
    assert refused(update, anomalyDetectorArn=arn, **more)[0] == "InvalidParameterException"
    for missing in ({"anomalyId": "x" * 36}, {"patternId": "y" * 32}):
        assert refused(update, anomalyDetectorArn=arn, **missing)[0] == "ResourceNotFoundException"


def test_a_detector_whose_group_is_gone_fails(served):
    add_group(served, "gone", "one")
    arn = create(served, "gone")
    served.client("logs").delete_log_group(logGroupName="gone")
    evaluate(served)
    assert status(served, arn) == "FAILED"
    served.client("logs").delete_log_anomaly_detector(anomalyDetectorArn=arn)


def test_what_a_detector_knows_outlives_a_restart(tmp_path):
    folder = tmp_path / "data"
    with running_server(folder) as server:
        add_group(server, "app", "one")
        put(server, "app", "INFO steady 1")
        arn = create(server, "app")
        evaluate(server)
        an_hour_later(server, "app", "ERROR 1")
        root = (server.account, server.access_key_id, server.secret_access_key)
        known = anomalies(server, arn)
        assert len(known) == 1
    with running_server(folder, root=root) as server:
        assert anomalies(server, arn) == known
        server.clock.advance(3700)
        an_hour_later(server, "app", "INFO steady 2", "ERROR 2")
        assert [len(each["histogram"]) for each in anomalies(server, arn)] == [2]


def test_the_rule():
    usual = {
        taken_apart(f"job {name}").template: Usual(average)
        for name, average in (("a", 4.0), ("b", 100.0), ("c", None))
    }
    counts = (("a", 11), ("b", 131), ("c", 1), ("d", 1))
    seen = seen_in((0, f"job {name}") for name, count in counts for _ in range(count))
    assert [(each.template, each.kind) for each in judged(seen, usual, 5)] == [
        ("job b", "frequent"),
        ("job a", "frequent"),
        ("job c", "new"),
        ("job d", "new"),
    ]
    seen = seen_in((0, f"job {name}") for name, count in (("a", 10), ("b", 130)) for _ in range(count))
    assert judged(seen, usual, 5) == []

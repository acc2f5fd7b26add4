"""Contributor Insights rules and their reports, from the documentation of the rule syntax."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from coldframe.services.cloudwatch.insight_rules import definition
from coldframe.services.cloudwatch.insight_rules.matching import contribution
from tests.services.cloudwatch.alarm_drills import code_and_text, tick

MINUTE = 60_000


def rule(**changed):
    given = {
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
        "LogGroupNames": ["/shop/*"],
        "LogFormat": "JSON",
        "Contribution": {"Keys": ["$.ip"], "Filters": []},
        "AggregateOn": "Count",
    }
    return json.dumps({**given, **changed})


def by(*keys, filters=(), value=None):
    return {"Keys": list(keys), "Filters": list(filters), **({"ValueOf": value} if value else {})}


@pytest.fixture
def client(running):
    client = running.client("cloudwatch")
    yield client
    names = [each["Name"] for each in client.describe_insight_rules()["InsightRules"]]
    if names:
        client.delete_insight_rules(RuleNames=names)


@pytest.fixture
def events(running):
    """Two minutes of events in two log groups; the minute in which they begin, in milliseconds."""
    logs = running.client("logs")
    start = (running.clock.milliseconds() // MINUTE - 3) * MINUTE
    log = [
        (0, "/shop/web", {"ip": "10.0.0.1", "bytes": 100, "method": "GET"}),
        (1, "/shop/web", {"ip": "10.0.0.2", "bytes": 900, "method": "PUT"}),
        (2, "/shop/api", {"ip": "10.0.0.1", "bytes": 50, "method": "PUT"}),
        (MINUTE, "/shop/web", {"ip": "10.0.0.1", "bytes": 7, "method": "GET"}),
        (MINUTE + 1, "/shop/web", {"method": "GET"}),
        (MINUTE + 2, "/other", {"ip": "10.0.0.9", "bytes": 1, "method": "GET"}),
    ]
    for group in ("/shop/web", "/shop/api", "/other"):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        batch = [
            {"timestamp": start + at, "message": json.dumps(event)}
            for at, name, event in log
            if name == group
        ]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=batch)
    yield start
    for group in ("/shop/web", "/shop/api", "/other"):
        logs.delete_log_group(logGroupName=group)


def report(client, start, **request):
    begun = datetime.fromtimestamp(start / 1000, UTC)
    return client.get_insight_rule_report(
        RuleName="r", StartTime=begun, EndTime=begun + timedelta(minutes=3), Period=60, **request
    )


def test_a_report_counts_contributors(client, events):
    client.put_insight_rule(RuleName="r", RuleDefinition=rule())
    found = report(
        client, events, Metrics=["UniqueContributors", "MaxContributorValue", "SampleCount", "Average"]
    )
    assert (found["KeyLabels"], found["AggregationStatistic"]) == (["$.ip"], "COUNT")
    assert (found["AggregateValue"], found["ApproximateUniqueCount"]) == (4.0, 2)
    first, second = found["Contributors"]
    assert (first["Keys"], first["ApproximateAggregateValue"]) == (["10.0.0.1"], 3.0)
    assert [point["ApproximateValue"] for point in first["Datapoints"]] == [2.0, 1.0]
    assert (second["Keys"], second["ApproximateAggregateValue"]) == (["10.0.0.2"], 1.0)
    points = found["MetricDatapoints"]
    assert [point["UniqueContributors"] for point in points] == [2.0, 1.0]
    assert [point["MaxContributorValue"] for point in points] == [2.0, 1.0]
    assert [point["SampleCount"] for point in points] == [3.0, 1.0]
    assert "Sum" not in points[0]
    assert points[0]["Timestamp"] == datetime.fromtimestamp(events / 1000, UTC)


def test_a_report_sums_a_field_and_ranks(client, events):
    client.put_insight_rule(
        RuleName="r", RuleDefinition=rule(AggregateOn="Sum", Contribution=by("$.ip", value="$.bytes"))
    )
    found = report(client, events, Metrics=["Sum", "Minimum", "Maximum"], MaxContributorCount=1)
    assert [one["Keys"] for one in found["Contributors"]] == [["10.0.0.2"]]
    assert (found["AggregationStatistic"], found["AggregateValue"]) == ("SUM", 1057.0)
    assert found["ApproximateUniqueCount"] == 2
    first = found["MetricDatapoints"][0]
    assert (first["Sum"], first["Minimum"], first["Maximum"]) == (1050.0, 50.0, 900.0)
    ranked = report(client, events, OrderBy="Maximum")["Contributors"]
    assert [one["ApproximateAggregateValue"] for one in ranked] == [900.0, 100.0]


def test_filters_and_several_keys(client, events):
    only = by("$.method", "$.ip", filters=[{"Match": "$.bytes", "GreaterThan": 60}])
    client.put_insight_rule(RuleName="r", RuleDefinition=rule(Contribution=only))
    found = report(client, events)
    assert [one["Keys"] for one in found["Contributors"]] == [["GET", "10.0.0.1"], ["PUT", "10.0.0.2"]]


def test_masked_data_stays_masked(client, running):
    logs = running.client("logs")
    logs.create_log_group(logGroupName="/shop/private")
    logs.create_log_stream(logGroupName="/shop/private", logStreamName="s")
    identifiers = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
    policy = {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {"Sid": "a", "DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"Sid": "d", "DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    logs.put_data_protection_policy(logGroupIdentifier="/shop/private", policyDocument=json.dumps(policy))
    now = running.clock.milliseconds()
    event = {"timestamp": now - 1000, "message": json.dumps({"ip": "anna.schmidt@example.com"})}
    logs.put_log_events(logGroupName="/shop/private", logStreamName="s", logEvents=[event])
    client.put_insight_rule(RuleName="r", RuleDefinition=rule(LogGroupNames=["/shop/private"]))
    [one] = report(client, now - 60_000)["Contributors"]
    assert set(one["Keys"][0]) == {"*"}
    logs.delete_log_group(logGroupName="/shop/private")


def test_metric_math_reads_a_rule_as_the_caller(client, events, running):
    client.put_insight_rule(RuleName="r", RuleDefinition=rule(LogGroupNames=["/shop/web"]))
    begun = datetime.fromtimestamp(events / 1000, UTC)
    query = {"Id": "e1", "Expression": "INSIGHT_RULE_METRIC('r', 'UniqueContributors')", "Period": 60}

    def read(reader):
        found = reader.get_metric_data(
            MetricDataQueries=[query],
            StartTime=begun,
            EndTime=begun + timedelta(minutes=2),
            ScanBy="TimestampAscending",
        )
        return found["MetricDataResults"][0]["Values"]

    assert read(client) == [2.0, 1.0]
    iam = running.client("iam")
    iam.create_user(UserName="eve")
    allow = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "cloudwatch:*", "Resource": "*"}],
    }
    iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps(allow))
    key = iam.create_access_key(UserName="eve")["AccessKey"]
    eve = running.client(
        "cloudwatch", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    with pytest.raises(ClientError, match="not authorized to perform: logs:"):
        read(eve)
    with pytest.raises(ClientError, match="not authorized to perform: logs:"):
        report(eve, events)


def watching(**changed):
    request = {
        "AlarmName": "contributors",
        "Metrics": [
            {"Id": "e1", "Expression": "INSIGHT_RULE_METRIC('r', 'UniqueContributors')", "Period": 60}
        ],
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    return request | changed


def test_an_alarm_watches_a_rule(client, running):
    logs = running.client("logs")
    logs.create_log_group(logGroupName="/shop/door")
    logs.create_log_stream(logGroupName="/shop/door", logStreamName="s")
    client.put_insight_rule(RuleName="r", RuleDefinition=rule(LogGroupNames=["/shop/door"]))
    client.put_metric_alarm(**watching())
    running.clock.advance(60 - running.clock.seconds() % 60)
    begun = running.clock.milliseconds()
    events = [{"timestamp": begun + at, "message": json.dumps({"ip": f"10.0.0.{at}"})} for at in (1, 2)]
    logs.put_log_events(logGroupName="/shop/door", logStreamName="s", logEvents=events)
    tick(running, 61)
    found = client.describe_alarms(AlarmNames=["contributors"])["MetricAlarms"][0]
    assert (found["StateValue"], found.get("EvaluationState")) == ("ALARM", None)
    assert json.loads(found["StateReasonData"])["recentDatapoints"] == [2.0]
    client.delete_alarms(AlarmNames=["contributors"])
    logs.delete_log_group(logGroupName="/shop/door")


def test_an_alarm_tells_nobody_what_the_report_may_not(client, running):
    iam = running.client("iam")
    iam.create_user(UserName="mallory")
    key = iam.create_access_key(UserName="mallory")["AccessKey"]
    mallory = running.client(
        "cloudwatch", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )

    def may(*actions):
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_user_policy(UserName="mallory", PolicyName="p", PolicyDocument=json.dumps(document))

    may("cloudwatch:*")
    for put in (False, True):
        if put:
            client.put_insight_rule(RuleName="r", RuleDefinition=rule(LogGroupNames=["/shop/door"]))
        with pytest.raises(ClientError, match="not authorized to perform: logs:FilterLogEvents"):
            mallory.put_metric_alarm(**watching())
    may("cloudwatch:*", "logs:FilterLogEvents")
    mallory.put_metric_alarm(**watching())
    client.delete_alarms(AlarmNames=["contributors"])


def test_rules_are_described_enabled_disabled_and_deleted(client, running):
    for name in ("b", "a", "c"):
        client.put_insight_rule(RuleName=name, RuleDefinition=rule(), RuleState="DISABLED")
    first = client.describe_insight_rules(MaxResults=2)
    assert [each["Name"] for each in first["InsightRules"]] == ["a", "b"]
    assert first["InsightRules"][0]["Schema"] == '{"Name":"CloudWatchLogRule","Version":1}'
    rest = client.describe_insight_rules(MaxResults=2, NextToken=first["NextToken"])
    assert [each["Name"] for each in rest["InsightRules"]] == ["c"]
    failures = client.enable_insight_rules(RuleNames=["a", "nobody"])["Failures"]
    assert [(each["FailureResource"], each["ExceptionType"]) for each in failures] == [
        ("nobody", "ResourceNotFoundException")
    ]
    states = {each["Name"]: each["State"] for each in client.describe_insight_rules()["InsightRules"]}
    assert states == {"a": "ENABLED", "b": "DISABLED", "c": "DISABLED"}
    assert client.delete_insight_rules(RuleNames=["b"])["Failures"] == []
    arn = f"arn:aws:cloudwatch:us-east-1:{running.account}:insight-rule/a"
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "k", "Value": "v"}])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": "v"}]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "JSON"),
        (rule(Schema={"Name": "CloudWatchLogRule", "Version": 2}), "Schema"),
        (rule(LogFormat="XML"), "LogFormat"),
        (rule(LogGroupNames=[]), "LogGroupNames"),
        (rule(LogGroupARNs=["x"]), "exactly one"),
        (rule(Contribution=by()), "Keys"),
        (rule(Contribution=by(*["$.a"] * 5)), "at most 4"),
        (rule(Contribution=by("ip")), "$."),
        (rule(AggregateOn="Mean"), "AggregateOn"),
        (rule(AggregateOn="Sum"), "ValueOf"),
        (rule(Contribution=by("$.a", filters=[{"Match": "$.a", "Like": 1}])), "Filters[0]"),
        (rule(Contribution=by("$.a", filters=[{"Match": "$.a", "In": "x"}])), "Filters[0].In"),
        (rule(Contribution=by("$.a", filters=[{"Match": "$.a", "GreaterThan": "x"}])), "must be a number"),
        (rule(LogFormat="CLF", Contribution=by("ip")), "Fields"),
        (rule(Color="red"), "Color"),
    ],
)
def test_a_wrong_definition_is_refused(client, text, named):
    with pytest.raises(ClientError) as caught:
        client.put_insight_rule(RuleName="r", RuleDefinition=text)
    code, message = code_and_text(caught)
    assert code == "InvalidParameterValue"
    assert named in message


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"Metrics": ["Median"]}, "Median"),
        ({"MaxContributorCount": 101}, "MaxContributorCount"),
        ({"OrderBy": "Name"}, "OrderBy"),
    ],
)
def test_a_wrong_report_is_refused(client, running, changed, named):
    client.put_insight_rule(RuleName="r", RuleDefinition=rule())
    with pytest.raises(ClientError) as caught:
        report(client, running.clock.milliseconds(), **changed)
    assert named in code_and_text(caught)[1]


def test_a_report_of_no_rule(client, running):
    with pytest.raises(ClientError) as caught:
        report(client, running.clock.milliseconds())
    assert code_and_text(caught)[0] == "ResourceNotFoundException"


LINE = '10.1.1.1 - frank [10/Oct/2026:13:55:36 -0700] "GET /a b HTTP/1.0" 200 2326'


@pytest.mark.parametrize(
    ("keys", "filters", "expected"),
    [
        (["ip", "status"], [], ("10.1.1.1", "200")),
        (["5"], [], ("GET /a b HTTP/1.0",)),
        (["4"], [], ("10/Oct/2026:13:55:36 -0700",)),
        (["ip"], [{"Match": "status", "EqualTo": 200}], ("10.1.1.1",)),
        (["ip"], [{"Match": "status", "NotEqualTo": 200}], None),
        (["ip"], [{"Match": "5", "StartsWith": ["GET", "PUT"]}], ("10.1.1.1",)),
        (["ip"], [{"Match": "9", "IsPresent": True}], None),
    ],
)
def test_the_common_log_format(keys, filters, expected):
    text = rule(LogFormat="CLF", Fields={"1": "ip", "6": "status"}, Contribution=by(*keys, filters=filters))
    found = contribution(definition.read(text), LINE)
    assert (found.keys if found else None) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"In": ["PUT", "GET"]}, True),
        ({"NotIn": ["PUT", "GET"]}, False),
        ({"StartsWith": ["G"]}, True),
        ({"IsPresent": True}, True),
        ({"IsPresent": False}, False),
        ({"GreaterThan": 1}, False),
    ],
)
def test_filters_on_json(condition, expected):
    filters = [{"Match": "$.request.methods[0]", **condition}]
    about = definition.read(rule(Contribution=by("$.ip", filters=filters)))
    event = json.dumps({"ip": 1, "request": {"methods": ["GET"]}})
    assert (contribution(about, event) is not None) is expected
    assert contribution(about, "no JSON") is None

"""PutTransformer, GetTransformer, DeleteTransformer, TestTransformer, and where transformed events go."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from coldframe.core.offers import MetricSink
from coldframe.services.logs.records import LogGroup
from coldframe.services.logs.transformers import Origin
from coldframe.services.logs.transforming import transformer_for
from tests.server_fixtures import running_server
from tests.services.logs.conftest import policy

JSON = {"parseJSON": {}}
LEVEL = [{"grok": {"match": "%{LOGLEVEL:level} %{GREEDYDATA:text}"}}]
ACCOUNT_TRANSFORMER = "TRANSFORMER_POLICY"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("transformers") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client, groups `g`, `h` and `target` with streams `s`, and no policies of the account."""
    client = running.client("logs")
    for row in client.describe_account_policies(policyType=ACCOUNT_TRANSFORMER)["accountPolicies"]:
        client.delete_account_policy(policyName=row["policyName"], policyType=ACCOUNT_TRANSFORMER)
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    for name in ("g", "h", "target"):
        client.create_log_group(logGroupName=name)
        client.create_log_stream(logGroupName=name, logStreamName="s")
    return client


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def send(client, running, *texts, group="g"):
    now = running.clock.milliseconds()
    events = [{"timestamp": now, "message": text} for text in texts]
    client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def seen(client, group="target"):
    return [event["message"] for event in client.filter_log_events(logGroupName=group)["events"]]


def subscribe(client, running, pattern, **more):
    arn = f"arn:aws:logs:us-east-1:{running.account}:log-group:target"
    client.put_subscription_filter(
        logGroupName="g", filterName="f", filterPattern=pattern, destinationArn=arn, **more
    )


def sums(running, namespace, name, **dimensions):
    """The sum of a metric over the last and the next minutes, as CloudWatch tells it."""
    running.installation.parts.get(MetricSink).flush()
    now = datetime.fromtimestamp(running.clock.seconds(), UTC)
    points = running.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def policy_document(config=LEVEL):
    return json.dumps(config)


def put_account(client, name, prefix=None, config=LEVEL):
    more = {} if prefix is None else {"selectionCriteria": f'LogGroupNamePrefix IN ["{prefix}"]'}
    return client.put_account_policy(
        policyName=name, policyType=ACCOUNT_TRANSFORMER, policyDocument=policy_document(config), **more
    )


def test_put_get_and_delete(logs, running):
    arn = f"arn:aws:logs:us-east-1:{running.account}:log-group:g"
    before = running.clock.milliseconds()
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=LEVEL)
    running.clock.advance(5)
    logs.put_transformer(logGroupIdentifier=arn, transformerConfig=[JSON])
    answer = logs.get_transformer(logGroupIdentifier="g")
    assert answer["logGroupIdentifier"] == arn
    assert answer["transformerConfig"] == [JSON]
    assert before <= answer["creationTime"] <= answer["lastModifiedTime"] - 5000
    logs.delete_transformer(logGroupIdentifier="g")
    for call in (logs.get_transformer, logs.delete_transformer):
        assert refused(call, logGroupIdentifier="g")[0] == "ResourceNotFoundException"
        assert refused(call, logGroupIdentifier="missing")[0] == "ResourceNotFoundException"


def test_a_transformer_goes_with_its_group(logs):
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=LEVEL)
    logs.delete_log_group(logGroupName="g")
    logs.create_log_group(logGroupName="g")
    assert refused(logs.get_transformer, logGroupIdentifier="g")[0] == "ResourceNotFoundException"


def test_only_groups_of_the_standard_class(logs):
    logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    code, _ = refused(logs.put_transformer, logGroupIdentifier="rare", transformerConfig=LEVEL)
    assert code == "InvalidOperationException"


def test_errors_name_the_processor_and_the_reason(logs):
    trimming = {"trimString": {"withKeys": ["a"]}}
    for config, said in (
        ([trimming], "trimString: the first processor must be a parser"),
        ([{"grok": {"match": "%{MINE:a}"}}], "grok: match: MINE"),
        ([{}], "exactly one processor"),
        ([JSON, {"addKeys": {"entries": [{"key": "a.b.c.d", "value": "x"}]}}], "addKeys: the path"),
    ):
        for call, more in (
            (logs.put_transformer, {"logGroupIdentifier": "g"}),
            (logs.test_transformer, {"logEventMessages": ["x"]}),
        ):
            code, text = refused(call, transformerConfig=config, **more)
            assert code == "InvalidParameterException"
            assert said in text
    ocsf = [{"parseToOCSF": {"eventSource": "VPCFlow", "ocsfVersion": "V1.1"}}]
    assert (
        refused(logs.put_transformer, logGroupIdentifier="g", transformerConfig=ocsf)[0] == "NotImplemented"
    )


def test_try_out(logs, running):
    config = [*LEVEL, {"copyValue": {"entries": [{"source": "@accountId", "target": "account"}]}}]
    answer = logs.test_transformer(transformerConfig=config, logEventMessages=["INFO all is well", "nothing"])
    first, second = answer["transformedLogs"]
    assert (first["eventNumber"], first["eventMessage"]) == (1, "INFO all is well")
    assert json.loads(first["transformedEventMessage"]) == {
        "level": "INFO",
        "text": "all is well",
        "account": running.account,
    }
    assert json.loads(second["transformedEventMessage"]) == {
        "@message": "nothing",
        "@transformationError": "grok: the text does not match the pattern",
    }


def test_filters_on_transformed_events_need_a_transformer(logs, running):
    with pytest.raises(ClientError, match="active log transformer"):
        subscribe(logs, running, "", applyOnTransformedLogs=True)
    put_account(logs, "p", "g")
    subscribe(logs, running, "", applyOnTransformedLogs=True)
    found = logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]
    assert found[0]["applyOnTransformedLogs"] is True


def test_a_subscription_gets_transformed_events_and_the_group_keeps_the_original(logs, running):
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=LEVEL)
    subscribe(logs, running, '{ $.level = "ERROR" }', applyOnTransformedLogs=True)
    send(logs, running, "ERROR no disk", "INFO fine", "garbage")
    assert [json.loads(text) for text in seen(logs)] == [{"level": "ERROR", "text": "no disk"}]
    assert seen(logs, "g") == ["ERROR no disk", "INFO fine", "garbage"]


def test_a_subscription_without_the_flag_gets_the_original(logs, running):
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=LEVEL)
    subscribe(logs, running, "ERROR")
    send(logs, running, "ERROR no disk")
    assert seen(logs) == ["ERROR no disk"]


def test_only_masked_text_is_transformed(logs, running):
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("EmailAddress"))
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=LEVEL)
    subscribe(logs, running, "", applyOnTransformedLogs=True)
    send(logs, running, "ERROR mail to ann@example.com", "ann@example.com")
    texts = seen(logs)
    assert json.loads(texts[0]) == {"level": "ERROR", "text": "mail to ***************"}
    assert texts[1] == "***************"
    for text in texts:
        assert "ann@" not in text


def test_metric_filters_on_transformed_events_and_the_metrics_of_transformation(logs, running):
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=LEVEL)
    for name, flag in (("transformed", True), ("original", False)):
        logs.put_metric_filter(
            logGroupName="g",
            filterName=name,
            filterPattern='{ $.level = "ERROR" }',
            metricTransformations=[{"metricName": name, "metricNamespace": "n", "metricValue": "1"}],
            applyOnTransformedLogs=flag,
        )
    names = ("TransformationErrors", "TransformedLogEvents")
    before = {name: sums(running, "AWS/Logs", name, LogGroupName="g") for name in names}
    send(logs, running, "ERROR a", "ERROR b", "INFO c", "garbage")
    assert sums(running, "n", "transformed") == 2
    assert sums(running, "n", "original") == 0
    after = {name: sums(running, "AWS/Logs", name, LogGroupName="g") for name in before}
    assert after["TransformationErrors"] - before["TransformationErrors"] == 1
    assert after["TransformedLogEvents"] - before["TransformedLogEvents"] == 3


def test_the_groups_own_transformer_goes_before_the_accounts(logs, running):
    put_account(logs, "p", "g", [{"grok": {"match": "%{WORD:first} %{DATA:rest}"}}])
    subscribe(logs, running, "", applyOnTransformedLogs=True)
    send(logs, running, "ERROR a")
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=LEVEL)
    send(logs, running, "ERROR b")
    logs.delete_transformer(logGroupIdentifier="g")
    send(logs, running, "ERROR c")
    assert [json.loads(text) for text in seen(logs)] == [
        {"first": "ERROR", "rest": "a"},
        {"level": "ERROR", "text": "b"},
        {"first": "ERROR", "rest": "c"},
    ]


def test_policies_of_the_account_by_prefix(logs):
    for number in range(20):
        put_account(logs, f"p{number}", f"app-{number:02}")
    put_account(logs, "p3", "app-03")
    assert refused(put_account, client=logs, name="q", prefix="other")[0] == "LimitExceededException"
    assert refused(put_account, client=logs, name="all")[0] == "LimitExceededException"
    logs.delete_account_policy(policyName="p19", policyType=ACCOUNT_TRANSFORMER)
    for prefix in ("app-0", "app-030"):
        code, text = refused(put_account, client=logs, name="q", prefix=prefix)
        assert (code, "overlaps" in text) == ("InvalidParameterException", True)
    found = logs.describe_account_policies(policyType=ACCOUNT_TRANSFORMER)["accountPolicies"]
    assert len(found) == 19
    assert found[0]["selectionCriteria"] == 'LogGroupNamePrefix IN ["app-00"]'


def test_one_policy_for_all_groups_stands_alone(logs):
    put_account(logs, "all")
    assert refused(put_account, client=logs, name="p", prefix="g")[0] == "LimitExceededException"


@pytest.mark.parametrize(
    ("document", "criteria"),
    [
        ("{", None),
        ("{}", None),
        ("[]", None),
        ('[{"trimString": {"withKeys": ["a"]}}]', None),
        ('[{"parseJSON": {}}]', 'LogGroupName NOT IN ["a"]'),
        ('[{"parseJSON": {}}]', 'LogGroupNamePrefix NOT IN ["a"]'),
        ('[{"parseJSON": {}}]', "LogGroupNamePrefix IN []"),
        ('[{"parseJSON": {}}]', 'LogGroupNamePrefix IN [""]'),
        ('[{"parseJSON": {}}]', "LogGroupNamePrefix IN [5]"),
        ("[" * 20_000, None),
    ],
)
def test_policies_of_the_account_that_are_refused(logs, document, criteria):
    more = {} if criteria is None else {"selectionCriteria": criteria}
    code, _ = refused(
        logs.put_account_policy,
        policyName="p",
        policyType=ACCOUNT_TRANSFORMER,
        policyDocument=document,
        **more,
    )
    assert code == "InvalidParameterException"
    assert logs.describe_account_policies(policyType=ACCOUNT_TRANSFORMER)["accountPolicies"] == []


def test_readers_transform_as_they_read(logs, running):
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=LEVEL)
    with running.installation.store.read() as transaction:
        records = transaction.records(running.account, "us-east-1")
        transformer = transformer_for(records, records.get(LogGroup, "g"))
        assert transformer_for(records, records.get(LogGroup, "h")) is None
    assert json.loads(transformer.transform("INFO x", Origin("g")).text) == {"level": "INFO", "text": "x"}

"""PutIndexPolicy, DescribeIndexPolicies, DeleteIndexPolicy and DescribeFieldIndexes, from the API reference."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server

KIND = "FIELD_INDEX_POLICY"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("field-indexes") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client, groups `g` and `h` with streams `s`, and no policies of the account."""
    client = running.client("logs")
    for row in client.describe_account_policies(policyType=KIND)["accountPolicies"]:
        client.delete_account_policy(policyName=row["policyName"], policyType=KIND)
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    for name in "gh":
        client.create_log_group(logGroupName=name)
        client.create_log_stream(logGroupName=name, logStreamName="s")
    return client


def code_of(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def document(*fields, **v2):
    said = {"Fields": list(fields)} if fields else {}
    if v2:
        said["FieldsV2"] = {name: {"type": kind} for name, kind in v2.items()}
    return json.dumps(said)


def send(client, at, *messages, group="g"):
    events = [
        {"timestamp": at, "message": each if isinstance(each, str) else json.dumps(each)} for each in messages
    ]
    client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def policies(client, group="g"):
    return client.describe_index_policies(logGroupIdentifiers=[group])["indexPolicies"]


def test_put_describe_and_delete(logs, running):
    text = document("requestId", apiName="FACET")
    arn = f"arn:aws:logs:us-east-1:{running.account}:log-group:g"
    put = logs.put_index_policy(logGroupIdentifier=arn, policyDocument=text)["indexPolicy"]
    assert policies(logs) == [put]
    assert abs(put.pop("lastUpdateTime") - running.clock.milliseconds()) < 5000
    assert put == {"logGroupIdentifier": arn, "policyDocument": text, "source": "LOG_GROUP"}
    logs.delete_index_policy(logGroupIdentifier="g")
    assert policies(logs) == []
    assert code_of(logs.delete_index_policy, logGroupIdentifier="g") == "ResourceNotFoundException"
    assert code_of(logs.delete_index_policy, logGroupIdentifier="missing") == "ResourceNotFoundException"


def test_the_policy_of_the_account_applies_until_the_group_has_its_own(logs):
    criteria = 'LogGroupNamePrefix IN ["g"]'
    logs.put_account_policy(
        policyName="p", policyType=KIND, policyDocument=document("a"), selectionCriteria=criteria
    )
    (found,) = policies(logs)
    assert (found["source"], found["policyName"]) == ("ACCOUNT", "p")
    assert policies(logs, "h") == []
    logs.put_index_policy(logGroupIdentifier="g", policyDocument=document("b"))
    (found,) = policies(logs)
    assert found["source"] == "LOG_GROUP"
    assert "policyName" not in found
    logs.delete_index_policy(logGroupIdentifier="g")
    assert policies(logs)[0]["source"] == "ACCOUNT"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"Fields": []}',
        '{"Fields": ["a"], "More": 1}',
        '{"Fields": [5]}',
        document(*(f"f{n}" for n in range(21))),
        document("x" * 101),
        document(""),
        document("a", "a"),
        document("a", a="FACET"),
        document(a="TREE"),
        document("@mine"),
        '{"Fields": ["\\ud800"',
    ],
)
def test_documents_that_are_refused(logs, text):
    for call, more in (
        (logs.put_index_policy, {"logGroupIdentifier": "g"}),
        (logs.put_account_policy, {"policyName": "p", "policyType": KIND}),
    ):
        assert code_of(call, policyDocument=text, **more) == "InvalidParameterException"
    assert policies(logs) == []


def test_what_a_policy_may_hold(logs):
    for text in (
        document(*(f"f{n}" for n in range(20))),
        document("x" * 100),
        document("@logStream", "@@mine"),
    ):
        logs.put_index_policy(logGroupIdentifier="g", policyDocument=text)


def test_only_groups_of_the_standard_class(logs):
    logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    parameters = {"logGroupIdentifier": "rare", "policyDocument": document("a")}
    assert code_of(logs.put_index_policy, **parameters) == "InvalidParameterException"


def test_a_selection_by_data_source_is_not_built(logs):
    parameters = {"policyName": "p", "policyType": KIND, "policyDocument": document("a")}
    criteria = "DataSourceName = 'amazon_vpc' AND DataSourceType = 'flow'"
    assert code_of(logs.put_account_policy, selectionCriteria=criteria, **parameters) == "NotImplemented"


def test_the_fields_that_events_have(logs, running):
    now = running.clock.milliseconds()
    send(logs, now - 9000, {"requestId": "before the policy", "traceId": "t"})
    running.clock.advance(1)
    text = document("requestId", "user.id", "RequestId", status="FACET")
    logs.put_index_policy(logGroupIdentifier="g", policyDocument=text)
    running.clock.advance(1)
    send(logs, now - 5000, {"requestId": "r1", "user": {"id": 7}})
    send(logs, now - 3000, {"requestId": "r2", "status": 200}, "requestId=r3")
    found = logs.describe_field_indexes(logGroupIdentifiers=["g"], indexCategories=["CUSTOM"])["fieldIndexes"]
    told = {
        each["fieldIndexName"]: (each["firstEventTime"], each["lastEventTime"], each["type"])
        for each in found
    }
    assert told == {
        "requestId": (now - 5000, now - 3000, "FIELD_INDEX"),
        "user.id": (now - 5000, now - 5000, "FIELD_INDEX"),
        "status": (now - 3000, now - 3000, "FACET"),
    }
    usual = logs.describe_field_indexes(logGroupIdentifiers=["g"])["fieldIndexes"]
    defaults = {each["fieldIndexName"] for each in usual if each["indexCategory"] == "DEFAULT"}
    assert defaults == {"@logStream", "@aws.region", "@aws.account", "traceId"}
    assert logs.describe_field_indexes(logGroupIdentifiers=["h"])["fieldIndexes"] == []


def test_fields_that_a_transformer_makes(logs, running):
    logs.put_transformer(
        logGroupIdentifier="g", transformerConfig=[{"grok": {"match": "%{WORD:verb} %{DATA:rest}"}}]
    )
    logs.put_index_policy(logGroupIdentifier="g", policyDocument=document("verb"))
    send(logs, running.clock.milliseconds(), "GET /")
    found = logs.describe_field_indexes(logGroupIdentifiers=["g"], indexCategories=["CUSTOM"])["fieldIndexes"]
    assert [each["fieldIndexName"] for each in found] == ["verb"]


def test_a_missing_group(logs):
    assert code_of(logs.describe_field_indexes, logGroupIdentifiers=["x"]) == "ResourceNotFoundException"

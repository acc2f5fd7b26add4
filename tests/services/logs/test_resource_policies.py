"""PutResourcePolicy, DescribeResourcePolicies and DeleteResourcePolicy, and what the policies let services do."""

import json

import pytest
from botocore.exceptions import ClientError

from coldframe.identity.caller import Caller
from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("policies") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client in a server without policies, with groups `g` and `h`."""
    client = running.client("logs")
    for policy in client.describe_resource_policies()["resourcePolicies"]:
        client.delete_resource_policy(policyName=policy["policyName"])
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    for name in "gh":
        client.create_log_group(logGroupName=name)
        client.create_log_stream(logGroupName=name, logStreamName="s")
    return client


def document(running, *, service="route53.amazonaws.com", actions=("logs:PutLogEvents",), group="g", **more):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": [service]},
        "Action": list(actions),
        "Resource": f"arn:aws:logs:us-east-1:{running.account}:log-group:{group}:*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | more]})


def arn_of(running, group):
    return f"arn:aws:logs:us-east-1:{running.account}:log-group:{group}"


def code_of(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def names(answer):
    return [each["policyName"] for each in answer["resourcePolicies"]]


def test_a_policy_of_the_account(logs, running):
    text, before = document(running), running.clock.milliseconds()
    answer = logs.put_resource_policy(policyName="p", policyDocument=text)
    policy = answer["resourcePolicy"]
    assert "revisionId" not in answer
    assert before <= policy["lastUpdatedTime"] <= running.clock.milliseconds()
    (shown,) = logs.describe_resource_policies()["resourcePolicies"]
    assert {**shown, "policyDocument": text} == policy
    # As AWS gives a policy back: a list of one principal is no list.
    statement = json.loads(text)["Statement"][0]
    statement["Principal"]["Service"] = statement["Principal"]["Service"][0]
    assert json.loads(shown["policyDocument"])["Statement"] == [statement]
    assert (policy["policyName"], policy["policyDocument"], policy["policyScope"]) == ("p", text, "ACCOUNT")
    changed = document(running, service="es.amazonaws.com")
    logs.put_resource_policy(policyName="p", policyDocument=changed)
    (shown,) = logs.describe_resource_policies()["resourcePolicies"]
    assert json.loads(shown["policyDocument"])["Statement"][0]["Principal"] == {"Service": "es.amazonaws.com"}
    plain = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "logs:*", "Resource": "*"}}'
    logs.put_resource_policy(policyName="p", policyDocument=plain)
    (shown,) = logs.describe_resource_policies()["resourcePolicies"]
    assert json.loads(shown["policyDocument"]) == {"Version": "2008-10-17", **json.loads(plain)}
    logs.delete_resource_policy(policyName="p")
    assert names(logs.describe_resource_policies()) == []
    assert code_of(logs.delete_resource_policy, policyName="p") == "ResourceNotFoundException"


def test_ten_of_the_account_and_their_pages(logs, running):
    text = document(running)
    for number in reversed(range(10)):
        logs.put_resource_policy(policyName=f"p{number}", policyDocument=text)
    assert code_of(logs.put_resource_policy, policyName="q", policyDocument=text) == "LimitExceededException"
    logs.put_resource_policy(policyName="p3", policyDocument=text)
    pages = logs.get_paginator("describe_resource_policies").paginate(PaginationConfig={"PageSize": 4})
    found = [names(page) for page in pages]
    assert [len(page) for page in found] == [4, 4, 2]
    assert [name for page in found for name in page] == [f"p{number}" for number in range(10)]


@pytest.mark.parametrize(
    "parameters",
    [
        {"policyDocument": "ok"},
        {"policyName": "p"},
        {"policyName": "p", "policyDocument": "{"},
        {"policyName": "p", "policyDocument": '{"Version":"2012-10-17","Statement":[]}'},
        {
            "policyName": "p",
            "policyDocument": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
        },
    ],
)
def test_refusals(logs, running, parameters):
    if parameters.get("policyDocument") == "ok":
        parameters = {"policyDocument": document(running)}
    assert code_of(logs.put_resource_policy, **parameters) == "InvalidParameterException"
    assert code_of(logs.delete_resource_policy) == "InvalidParameterException"


def test_the_policy_of_a_group_and_its_revisions(logs, running):
    arn, text = arn_of(running, "g"), document(running)
    given = {"policyName": "p", "policyDocument": text, "resourceArn": arn}
    assert code_of(logs.put_resource_policy, **given, expectedRevisionId="x") == "OperationAbortedException"
    first = logs.put_resource_policy(**given)
    assert first["resourcePolicy"]["policyScope"] == "RESOURCE"
    assert first["resourcePolicy"]["resourceArn"] == arn
    assert first["resourcePolicy"]["revisionId"] == first["revisionId"]
    assert code_of(logs.put_resource_policy, **given) == "InvalidParameterException"
    assert code_of(logs.put_resource_policy, **given, expectedRevisionId="x") == "OperationAbortedException"
    second = logs.put_resource_policy(**given, expectedRevisionId=first["revisionId"])
    assert second["revisionId"] != first["revisionId"]
    assert code_of(logs.put_resource_policy, **{**given, "policyName": "q"}) == "LimitExceededException"

    assert names(logs.describe_resource_policies()) == []
    for filters in (
        {"resourceArn": arn},
        {"policyScope": "RESOURCE"},
        {"policyScope": "RESOURCE", "resourceArn": arn},
    ):
        assert names(logs.describe_resource_policies(**filters)) == ["p"]
    assert names(logs.describe_resource_policies(resourceArn=arn_of(running, "h"))) == []
    assert (
        code_of(logs.describe_resource_policies, resourceArn=arn, policyScope="ACCOUNT")
        == "InvalidParameterException"
    )

    aimed = {"policyName": "p", "resourceArn": arn}
    assert (
        code_of(logs.delete_resource_policy, **aimed, expectedRevisionId=first["revisionId"])
        == "OperationAbortedException"
    )
    logs.delete_resource_policy(**aimed, expectedRevisionId=second["revisionId"])
    assert names(logs.describe_resource_policies(policyScope="RESOURCE")) == []


def test_the_policy_of_a_group_goes_with_it(logs, running):
    given = {"policyName": "p", "policyDocument": document(running), "resourceArn": arn_of(running, "g")}
    logs.put_resource_policy(**given)
    logs.delete_log_group(logGroupName="g")
    assert names(logs.describe_resource_policies(policyScope="RESOURCE")) == []
    assert code_of(logs.put_resource_policy, **given) == "ResourceNotFoundException"


class TestServices:
    @pytest.fixture
    def route53(self, running):
        """A client that acts as the service, in this account."""
        service = Caller(kind="service", arn="route53.amazonaws.com", account=running.account)
        return running.installation.clients("logs", principal=service, region="us-east-1")

    @pytest.fixture
    def attempt(self, running, route53):
        def put(group="g"):
            now = running.clock.milliseconds()
            route53.put_log_events(
                logGroupName=group, logStreamName="s", logEvents=[{"timestamp": now, "message": "query"}]
            )

        return put

    def test_nothing_without_a_policy(self, logs, attempt):
        with pytest.raises(ClientError, match="not authorized"):
            attempt()

    def test_what_the_account_allows(self, logs, running, attempt, route53):
        logs.put_resource_policy(policyName="p", policyDocument=document(running))
        attempt()
        with pytest.raises(ClientError, match="not authorized"):
            attempt("h")
        with pytest.raises(ClientError, match="not authorized"):
            route53.create_log_stream(logGroupName="g", logStreamName="t")
        logs.delete_resource_policy(policyName="p")
        with pytest.raises(ClientError, match="not authorized"):
            attempt()

    def test_what_a_group_allows(self, logs, running, attempt):
        text = document(running, group="*")
        logs.put_resource_policy(policyName="p", policyDocument=text, resourceArn=arn_of(running, "g"))
        attempt("g")
        with pytest.raises(ClientError, match="not authorized"):
            attempt("h")

    def test_another_service(self, logs, running, attempt):
        logs.put_resource_policy(policyName="p", policyDocument=document(running, service="es.amazonaws.com"))
        with pytest.raises(ClientError, match="not authorized"):
            attempt()

    def test_a_denial_in_another_policy(self, logs, running, attempt):
        logs.put_resource_policy(policyName="p", policyDocument=document(running))
        logs.put_resource_policy(policyName="q", policyDocument=document(running, Effect="Deny"))
        with pytest.raises(ClientError, match="not authorized"):
            attempt()

    def test_only_what_policies_of_groups_may_allow(self, logs, running, route53):
        actions = ("logs:DeleteLogGroup", "logs:GetLogEvents", "logs:CreateLogStream")
        logs.put_resource_policy(policyName="p", policyDocument=document(running, actions=actions))
        route53.create_log_stream(logGroupName="g", logStreamName="t")
        with pytest.raises(ClientError, match="not authorized"):
            route53.delete_log_group(logGroupName="g")

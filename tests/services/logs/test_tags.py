"""Tags of log groups and destinations, by both families of operations."""

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server

ROLE = "arn:aws:iam::{}:role/delivery"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("tags") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    client = running.client("logs")
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    client.create_log_group(logGroupName="g", tags={"made": "with"})
    return client


@pytest.fixture(params=["group", "destination"])
def arn(request, logs, running):
    """The ARN of a thing that has the tag made=with."""
    group = f"arn:aws:logs:us-east-1:{running.account}:log-group:g"
    if request.param == "group":
        return group
    logs.delete_destination(destinationName="d") if logs.describe_destinations()["destinations"] else None
    answer = logs.put_destination(
        destinationName="d", targetArn=group, roleArn=ROLE.format(running.account), tags={"made": "with"}
    )
    return answer["destination"]["arn"]


def code_of(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_tag_and_untag(logs, arn):
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"made": "with"}
    logs.tag_resource(resourceArn=arn, tags={"made": "anew", "empty": "", "Zoë": "x y"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"made": "anew", "empty": "", "Zoë": "x y"}
    logs.untag_resource(resourceArn=arn, tagKeys=["made", "never there"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"empty": "", "Zoë": "x y"}


def test_fifty_tags_at_most(logs, arn):
    logs.tag_resource(resourceArn=arn, tags={f"k{number}": "v" for number in range(49)})
    with pytest.raises(logs.exceptions.TooManyTagsException) as caught:
        logs.tag_resource(resourceArn=arn, tags={"one more": ""})
    assert caught.value.response["resourceName"] == arn
    assert len(logs.list_tags_for_resource(resourceArn=arn)["tags"]) == 50
    logs.tag_resource(resourceArn=arn, tags={"k1": "changed"})


@pytest.mark.parametrize("key", ["aws:x", "AWS:x"])
def test_keys_of_aws(logs, arn, key):
    assert code_of(logs.tag_resource, resourceArn=arn, tags={key: "v"}) == "InvalidParameterException"
    assert code_of(logs.untag_resource, resourceArn=arn, tagKeys=[key]) == "InvalidParameterException"


def test_a_group_is_not_created_with_tags_of_aws(logs):
    assert (
        code_of(logs.create_log_group, logGroupName="h", tags={"aws:x": "v"}) == "InvalidParameterException"
    )


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("arn:aws:logs:us-east-1:{}:log-group:missing", "ResourceNotFoundException"),
        ("arn:aws:logs:us-east-1:{}:destination:missing", "ResourceNotFoundException"),
        ("arn:aws:logs:eu-west-1:{}:log-group:g", "ResourceNotFoundException"),
        ("arn:aws:logs:eu-west-1:{}:destination:d", "ResourceNotFoundException"),
        ("arn:aws:s3:::bucket", "InvalidParameterException"),
        ("g", "InvalidParameterException"),
    ],
)
def test_resources_without_tags(logs, running, resource, code):
    resource = resource.format(running.account)
    assert code_of(logs.list_tags_for_resource, resourceArn=resource) == code
    assert code_of(logs.tag_resource, resourceArn=resource, tags={"a": "b"}) == code


def test_the_older_operations(logs):
    logs.tag_log_group(logGroupName="g", tags={"more": "1"})
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == {"made": "with", "more": "1"}
    logs.untag_log_group(logGroupName="g", tags=["made"])
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == {"more": "1"}
    many = {f"k{number}": "v" for number in range(50)}
    assert code_of(logs.tag_log_group, logGroupName="g", tags=many) == "InvalidParameterException"
    for call, more in ((logs.tag_log_group, {"tags": {"a": "b"}}), (logs.untag_log_group, {"tags": ["a"]})):
        assert code_of(call, logGroupName="missing", **more) == "ResourceNotFoundException"
    assert code_of(logs.list_tags_log_group, logGroupName="missing") == "ResourceNotFoundException"

"""Dev mode: any credentials are accepted, and reset empties every service."""

import json
import urllib.error
import urllib.request

import pytest

from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("dev") / "data", dev=True) as server:
        yield server


def keys(key_id):
    return {"aws_access_key_id": key_id, "aws_secret_access_key": "whatever"}


def test_made_up_credentials_are_the_dev_account(dev):
    assert dev.client("sts", **keys("test")).get_caller_identity()["Account"] == "123456789012"


def test_twelve_digits_name_their_account(dev):
    assert dev.client("sts", **keys("111122223333")).get_caller_identity()["Account"] == "111122223333"


def test_accounts_do_not_see_each_other(dev):
    dev.client("logs", **keys("111122223333")).create_log_group(logGroupName="mine")
    assert dev.client("logs", **keys("444455556666")).describe_log_groups()["logGroups"] == []


def test_a_key_that_was_given_out_is_still_checked(dev):
    from botocore.exceptions import ClientError

    iam = dev.client("iam", **keys("test"))
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    right = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert dev.client("sts", **right).get_caller_identity()["Arn"].endswith(":user/ann")
    with pytest.raises(ClientError):
        dev.client("sts", **{**right, "aws_secret_access_key": "wrong"}).get_caller_identity()


def test_made_up_credentials_may_take_on_a_role_whose_trust_policy_names_a_service(dev):
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = dev.client("iam", **keys("test")).create_role(RoleName="taken", AssumeRolePolicyDocument=document)
    session = dev.client("sts", **keys("test")).assume_role(
        RoleArn=role["Role"]["Arn"], RoleSessionName="session"
    )
    assert session["AssumedRoleUser"]["Arn"].endswith(":assumed-role/taken/session")


def test_a_topic_reaches_a_queue_without_a_policy_and_not_one_that_denies(dev):
    sns, sqs = dev.client("sns", **keys("test")), dev.client("sqs", **keys("test"))
    topic = sns.create_topic(Name="dev")["TopicArn"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    urls = []
    for name, attributes in (("open", {}), ("shut", {"Policy": policy})):
        urls.append(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        arn = topic.replace(":sns:", ":sqs:").replace(":dev", f":{name}")
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="x")
    assert len(sqs.receive_message(QueueUrl=urls[0], WaitTimeSeconds=10)["Messages"]) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=urls[1])


def test_reset_empties_everything(dev):
    logs = dev.client("logs", **keys("test"))
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="one")
    event = {"timestamp": dev.clock.milliseconds(), "message": "before"}
    logs.put_log_events(logGroupName="app", logStreamName="one", logEvents=[event])
    with urllib.request.urlopen(
        urllib.request.Request(f"{dev.endpoint}/_coldframe/reset", method="POST")
    ) as answer:
        assert answer.status == 200
    assert logs.describe_log_groups()["logGroups"] == []
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="one")
    assert logs.get_log_events(logGroupName="app", logStreamName="one")["events"] == []


def test_reset_is_not_there_without_dev_mode(server):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(f"{server.endpoint}/_coldframe/reset", method="POST"))
    with refused.value as answer:
        assert answer.code == 403

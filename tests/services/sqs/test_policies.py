"""Who may use a queue: its policy, other accounts, services on behalf of a resource."""

import contextlib
import json

import pytest
from botocore.exceptions import ClientError

from coldframe.identity.caller import Caller
from tests.services.sqs.conftest import code, receive


@pytest.fixture
def other(server):
    """Credentials of a user of another account, who may do everything there."""
    organizations = server.client("organizations")
    with contextlib.suppress(organizations.exceptions.AlreadyInOrganizationException):
        organizations.create_organization()
    status = organizations.create_account(Email=f"a{id(server)}@example.com", AccountName="a")[
        "CreateAccountStatus"
    ]
    while status["State"] == "IN_PROGRESS":
        status = organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])[
            "CreateAccountStatus"
        ]
    account = status["AccountId"]
    iam, name = server.client("iam"), "visitor"
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    sts = server.client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    return account, sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]


def test_another_account_needs_the_queues_policy(server, sqs, make, other) -> None:
    account, credentials = other
    url = make("across")
    theirs = server.client_as("sqs", credentials)
    with pytest.raises(ClientError) as error:
        theirs.send_message(QueueUrl=url, MessageBody="x")
    assert code(error) in {"AccessDenied", "AccessDeniedException"}
    sqs.add_permission(
        QueueUrl=url, Label="l", AWSAccountIds=[account], Actions=["SendMessage", "GetQueueUrl"]
    )
    theirs.send_message(QueueUrl=url, MessageBody="x")
    theirs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}])
    name = url.rpartition("/")[2]
    assert theirs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=server.account)["QueueUrl"] == url
    with pytest.raises(ClientError):
        theirs.receive_message(QueueUrl=url)
    everything = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert len(theirs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2
    for denied in (
        lambda: theirs.delete_queue(QueueUrl=url),
        lambda: theirs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"}),
        lambda: theirs.tag_queue(QueueUrl=url, Tags={"a": "b"}),
    ):
        with pytest.raises(ClientError) as error:
            denied()
        assert code(error) in {"AccessDenied", "AccessDeniedException"}


def test_a_service_gets_in_on_behalf_of_the_resource_that_the_policy_names(server, sqs, make, arn) -> None:
    url = make("served")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn(url),
        "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/r"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def client(source):
        caller = Caller(kind="service", arn="events.amazonaws.com", source_arn=source)
        return server.installation.clients("sqs", principal=caller, region="us-east-1")

    client("arn:aws:events:us-east-1:123456789012:rule/r").send_message(QueueUrl=url, MessageBody="in")
    with pytest.raises(ClientError):
        client("arn:aws:events:us-east-1:123456789012:rule/s").send_message(QueueUrl=url, MessageBody="out")
    assert [message["Body"] for message in receive(sqs, url)] == ["in"]

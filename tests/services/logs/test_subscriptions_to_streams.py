"""Subscription filters that deliver to Firehose, from the user guide: role, test record, payloads, nothing lost."""

import gzip
import json
import secrets
import time

import pytest
from botocore.exceptions import ClientError

from coldframe.core.client_errors import ClientError as InnerError
from coldframe.core.store import StoreUnavailable
from coldframe.engines.queue import Reading
from coldframe.services.firehose.buffers import Buffers, unpack
from coldframe.services.firehose.records import DeliveryStream
from coldframe.services.logs.records import WaitingPayload
from coldframe.services.logs.subscriptions import delivery
from coldframe.services.logs.subscriptions.delivery import SubscriptionDelivery
from tests.server_fixtures import running_server
from tests.services.logs.conftest import policy


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(service, **condition):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document(statement | ({"Condition": condition} if condition else {}))


def allowing(action, resource="*"):
    return document({"Effect": "Allow", "Action": action, "Resource": resource})


def make_role(server, name, trust, actions):
    iam = server.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=allowing(actions))
    return role


def make_stream(server, name):
    """A stream whose records stay in its buffer for the 15 minutes that a test does not last."""
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{server.account}:role/writer",
            "BucketARN": "arn:aws:s3:::bucket",
            "BufferingHints": {"IntervalInSeconds": 900, "SizeInMBs": 128},
        },
    )
    return f"arn:aws:firehose:us-east-1:{server.account}:deliverystream/{name}"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with roles `writer` (Firehose to S3) and `sender` (Logs to Firehose)."""
    with running_server(tmp_path_factory.mktemp("streams") / "data") as server:
        make_role(server, "writer", trusting("firehose.amazonaws.com"), "s3:*")
        make_role(server, "sender", trusting("logs.amazonaws.com"), "firehose:Put*")
        server.client("s3").create_bucket(Bucket="bucket")
        yield server


@pytest.fixture
def place(served):
    """A log group, a stream of it and a delivery stream, all of the test's own: group name, stream ARN."""
    name = f"g{secrets.token_hex(4)}"
    logs = served.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name, make_stream(served, name)


def role_arn(server, name="sender"):
    return f"arn:aws:iam::{server.account}:role/{name}"


def subscribe(server, group, stream, **more):
    parameters = {"filterName": "f", "filterPattern": "", "roleArn": role_arn(server), **more}
    server.client("logs").put_subscription_filter(logGroupName=group, destinationArn=stream, **parameters)


def send(server, group, *messages, stream="s"):
    now = server.clock.milliseconds()
    server.client("logs").put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": text} for text in messages],
    )


def buffered(server, arn):
    """What is in the buffer of a delivery stream, oldest first, read as a consumer reads it."""
    with server.installation.store.read() as transaction:
        records = transaction.records(server.account, "us-east-1")
        stream = records.get(DeliveryStream, arn.rpartition("/")[2])
    now = server.clock.milliseconds()
    reading = Reading(now=now, hidden_until=now, limit=500)
    found = server.installation.parts.get(Buffers).receive(stream.id, reading)
    bodies = [unpack(server.installation.seal, each.id, each.body) for each in found]
    return [json.loads(gzip.decompress(body)) for body in bodies]


def arrived(server, arn, count):
    """Wait until so many data messages are in the stream's buffer."""
    deadline = time.monotonic() + 30
    while True:
        found = [each for each in buffered(server, arn) if each["messageType"] == "DATA_MESSAGE"]
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def refused(call, *arguments, **parameters):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def waiting(server):
    with server.installation.store.read() as transaction:
        return transaction.records("", "").everywhere(WaitingPayload)


def test_a_test_record_and_then_the_events(served, place):
    group, stream = place
    before = served.clock.milliseconds()
    subscribe(served, group, stream, filterPattern="ERROR", distribution="Random")
    (test,) = buffered(served, stream)
    (event,) = test.pop("logEvents")
    assert test == {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
    }
    assert before <= event["timestamp"] <= served.clock.milliseconds()
    assert "Checking health of destination Firehose" in event["message"]

    send(served, group, "ERROR one", "fine", "ERROR two")
    (found,) = arrived(served, stream, 1)
    events = served.client("logs").filter_log_events(logGroupName=group, filterPattern="ERROR")["events"]
    assert found == {
        "messageType": "DATA_MESSAGE",
        "owner": served.account,
        "logGroup": group,
        "logStream": "s",
        "subscriptionFilters": ["f"],
        "logEvents": [
            {"id": each["eventId"], "timestamp": each["timestamp"], "message": each["message"]}
            for each in events
        ],
    }
    assert [each["message"] for each in found["logEvents"]] == ["ERROR one", "ERROR two"]


def test_each_stream_and_each_filter_has_messages_of_its_own(served, place):
    group, stream = place
    served.client("logs").create_log_stream(logGroupName=group, logStreamName="t")
    subscribe(served, group, stream, filterName="all")
    subscribe(served, group, stream, filterName="some", filterPattern="x")
    send(served, group, "x", "y")
    send(served, group, "y", stream="t")
    found = arrived(served, stream, 3)
    seen = [(each["subscriptionFilters"], each["logStream"], len(each["logEvents"])) for each in found]
    assert sorted(seen) == [(["all"], "s", 2), (["all"], "t", 1), (["some"], "s", 1)]


def test_only_masked_text_is_delivered(served, place):
    group, stream = place
    served.client("logs").put_data_protection_policy(
        logGroupIdentifier=group, policyDocument=policy("EmailAddress")
    )
    subscribe(served, group, stream)
    send(served, group, "mail from jane@example.com")
    (found,) = arrived(served, stream, 1)
    assert [each["message"] for each in found["logEvents"]] == ["mail from ****************"]


def test_an_account_policy_delivers_too(served, place):
    group, stream = place
    logs = served.client("logs")
    text = json.dumps({"DestinationArn": stream, "RoleArn": role_arn(served), "FilterPattern": ""})
    logs.put_account_policy(
        policyName="everything", policyType="SUBSCRIPTION_FILTER_POLICY", policyDocument=text
    )
    try:
        assert len(buffered(served, stream)) == 1
        send(served, group, "one")
        (found,) = arrived(served, stream, 1)
    finally:
        logs.delete_account_policy(policyName="everything", policyType="SUBSCRIPTION_FILTER_POLICY")
    assert (found["subscriptionFilters"], found["policyLevel"]) == (["everything"], "ACCOUNT_LEVEL_POLICY")


def test_a_destination_delivers_as_its_own_role(served, place):
    group, stream = place
    answer = served.client("logs").put_destination(
        destinationName=group, targetArn=stream, roleArn=role_arn(served)
    )
    served.client("logs").put_subscription_filter(
        logGroupName=group,
        filterName="f",
        filterPattern="",
        destinationArn=answer["destination"]["arn"],
    )
    send(served, group, "one")
    assert [each["message"] for each in arrived(served, stream, 1)[0]["logEvents"]] == ["one"]


def test_a_role_may_trust_the_groups_of_its_own_account_only(served, place):
    group, stream = place
    source = {"StringLike": {"aws:SourceArn": f"arn:aws:logs:us-east-1:{served.account}:*"}}
    regional = trusting("logs.us-east-1.amazonaws.com", **source)
    make_role(served, f"own-{group}", regional, "firehose:PutRecord*")
    subscribe(served, group, stream, roleArn=role_arn(served, f"own-{group}"))
    source["StringLike"]["aws:SourceArn"] = "arn:aws:logs:us-east-1:999999999999:*"
    foreign = trusting("logs.amazonaws.com", **source)
    make_role(served, f"foreign-{group}", foreign, "firehose:PutRecord*")
    code, text = refused(subscribe, served, group, stream, roleArn=role_arn(served, f"foreign-{group}"))
    assert code == "InvalidParameterException"
    assert "Could not deliver test message to specified Firehose stream" in text


def test_streams_and_roles_that_do_not_work(served, place):
    group, stream = place
    make_role(served, f"idle-{group}", trusting("logs.amazonaws.com"), "s3:*")
    cases = [
        {"stream": stream + "-missing"},
        {"roleArn": role_arn(served, "missing")},
        {"roleArn": role_arn(served, "writer")},
        {"roleArn": role_arn(served, f"idle-{group}")},
        {"stream": stream.replace(served.account, "222222222222")},
    ]
    for case in cases:
        chosen = {"stream": stream, **case}
        code, text = refused(subscribe, served, group, **chosen)
        assert code == "InvalidParameterException", case
        assert text.startswith("Could not deliver test message to specified Firehose stream."), case
    found = served.client("logs").describe_subscription_filters(logGroupName=group)
    assert found["subscriptionFilters"] == []


def test_the_caller_must_be_allowed_to_pass_the_role(served, place):
    group, stream = place
    iam = served.client("iam")
    iam.create_user(UserName=group)
    iam.put_user_policy(UserName=group, PolicyName="p", PolicyDocument=allowing("logs:*"))
    key = iam.create_access_key(UserName=group)["AccessKey"]
    user = served.client(
        "logs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    asked = {"logGroupName": group, "filterName": "f", "filterPattern": "", "destinationArn": stream}
    code, text = refused(user.put_subscription_filter, **asked, roleArn=role_arn(served))
    assert (code, "iam:PassRole" in text) == ("AccessDeniedException", True)


def test_what_firehose_does_not_take_is_tried_again(served, place, monkeypatch):
    group, stream = place
    subscribe(served, group, stream)
    monkeypatch.setattr(delivery, "_AGAIN", 1)
    monkeypatch.setattr(delivery, "_LOOK_AGAIN", 0.01)
    failures = []
    real = delivery.recipient_client

    def failing(*arguments):
        if len(failures) < 3:
            failures.append(1)
            raise InnerError({"Error": {"Code": "ServiceUnavailableException", "Message": "slow"}}, "Put")
        return real(*arguments)

    monkeypatch.setattr(delivery, "recipient_client", failing)
    send(served, group, "one")
    (found,) = arrived(served, stream, 1)
    assert [each["message"] for each in found["logEvents"]] == ["one"]
    assert len(failures) == 3


def test_nothing_acknowledged_is_lost_by_a_stop(tmp_path, monkeypatch):
    """The process ends between the acknowledgement and the delivery; the next one delivers."""
    folder = tmp_path / "data"
    with monkeypatch.context() as patched, running_server(folder) as server:
        make_role(server, "writer", trusting("firehose.amazonaws.com"), "s3:*")
        make_role(server, "sender", trusting("logs.amazonaws.com"), "firehose:Put*")
        server.client("logs").create_log_group(logGroupName="g")
        server.client("logs").create_log_stream(logGroupName="g", logStreamName="s")
        stream = make_stream(server, "g")
        subscribe(server, "g", stream)
        patched.setattr(SubscriptionDelivery, "_arrived", lambda self, recipient: None)
        send(server, "g", "one", "two")
        assert len(waiting(server)) == 1
        root = (server.account, server.access_key_id, server.secret_access_key)
    with running_server(folder, root=root) as server:
        server.installation.parts.get(SubscriptionDelivery).resume()
        (found,) = arrived(server, stream, 1)
        assert [each["message"] for each in found["logEvents"]] == ["one", "two"]
        deadline = time.monotonic() + 30
        while waiting(server) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert waiting(server) == []


def test_a_batch_whose_delivery_cannot_be_written_down_is_not_acknowledged(served, place, monkeypatch):
    group, stream = place
    subscribe(served, group, stream)

    def full(*_):
        raise StoreUnavailable("no space is left for the store")

    with monkeypatch.context() as patched:
        patched.setattr(SubscriptionDelivery, "keep", full)
        with pytest.raises(ClientError) as caught:
            send(served, group, "one")
    assert caught.value.response["Error"]["Code"] == "ServiceUnavailableException"
    send(served, group, "one, sent again")
    (found,) = arrived(served, stream, 1)
    assert [each["message"] for each in found["logEvents"]] == ["one, sent again"]


def test_what_waits_for_longer_than_a_day_is_dropped(served, place, monkeypatch):
    group, stream = place
    subscribe(served, group, stream)
    monkeypatch.setattr(delivery, "_AGAIN", 1)
    monkeypatch.setattr(delivery, "_LOOK_AGAIN", 0.01)
    served.client("firehose").delete_delivery_stream(DeliveryStreamName=group)
    send(served, group, "one")
    assert [row.source.rpartition(":")[2] for _, _, row in waiting(served)] == [group]
    served.clock.advance(25 * 3600)
    deadline = time.monotonic() + 30
    while waiting(served) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert waiting(served) == []

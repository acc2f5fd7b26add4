"""Queues with a KMS key: senders need to make data keys, readers to decrypt, and messages lie encrypted."""

import pytest
from botocore.exceptions import ClientError

from tests.services.sqs.conftest import code, receive

MARKER = "the-quick-brown-fox"


@pytest.fixture
def kms(server):
    return server.client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def user(server):
    """A client of SQS whose user has a policy of the statements given."""

    def make(name, *statements):
        _, key = server.add_user(name, *statements)
        return server.client("sqs", **key)

    return make


def allow(*actions, resource="*", **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def test_attributes_of_encryption(sqs, make, key):
    url = make(KmsMasterKeyId=key)
    names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert found == {
        "KmsMasterKeyId": key,
        "KmsDataKeyReusePeriodSeconds": "300",
        "SqsManagedSseEnabled": "false",
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert found == {"SqsManagedSseEnabled": "true"}


@pytest.mark.parametrize("fifo", [False, True])
def test_messages_come_back(server, sqs, make, key, fifo):
    url = make(
        KmsMasterKeyId=key, **({"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {})
    )
    group = {"MessageGroupId": "g"} if fifo else {}
    sqs.send_message(QueueUrl=url, MessageBody=f"{MARKER} 1", **group)
    entries = [{"Id": str(n), "MessageBody": f"{MARKER} {n}", **group} for n in (2, 3)]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 2
    found = receive(sqs, url)
    assert sorted(message["Body"] for message in found) == [f"{MARKER} {n}" for n in (1, 2, 3)]
    data = server.installation.settings.data_dir
    files = [path for path in (data / "queues").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if MARKER.encode() in path.read_bytes()] == []


def test_who_sends_and_who_reads(sqs, make, arn, key, user):
    url = make(KmsMasterKeyId=key)
    context = {"StringEquals": {"kms:EncryptionContext:aws:sqs:arn": arn(url)}}
    sender = user("sse-sender", allow("sqs:*"), allow("kms:GenerateDataKey", resource=key, Condition=context))
    reader = user("sse-reader", allow("sqs:*"), allow("kms:Decrypt", resource=key, Condition=context))
    sender.send_message(QueueUrl=url, MessageBody="x")
    with pytest.raises(ClientError) as error:
        reader.send_message(QueueUrl=url, MessageBody="y")
    assert code(error) == "KMS.AccessDeniedException"
    for wait in (0, 1):
        with pytest.raises(ClientError) as error:
            receive(sender, url, WaitTimeSeconds=wait)
        assert code(error) == "KMS.AccessDeniedException"
    (message,) = receive(reader, url, AttributeNames=["ApproximateReceiveCount"])
    assert message["Body"] == "x"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1", "refused readings do not count"


def test_keys_that_are_not_usable(sqs, make, kms, key):
    url = make(KmsMasterKeyId=key)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    kms.disable_key(KeyId=key)
    for use in (lambda: sqs.send_message(QueueUrl=url, MessageBody="y"), lambda: receive(sqs, url)):
        with pytest.raises(ClientError) as error:
            use()
        assert code(error) == "KMS.DisabledException"
    kms.enable_key(KeyId=key)
    assert [message["Body"] for message in receive(sqs, url)] == ["x"]
    gone = make(KmsMasterKeyId="alias/nobody")
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=gone, MessageBody="x")
    assert code(error) == "KMS.NotFoundException"


def test_the_managed_key(sqs, make, kms):
    url = make(KmsMasterKeyId="alias/aws/sqs")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert [message["Body"] for message in receive(sqs, url)] == ["x"]
    assert kms.describe_key(KeyId="alias/aws/sqs")["KeyMetadata"]["KeyManager"] == "AWS"


def test_changing_the_key_leaves_what_is_there(sqs, make, kms, key):
    url = make(KmsMasterKeyId=key)
    sqs.send_message(QueueUrl=url, MessageBody="old")
    other = kms.create_key()["KeyMetadata"]["Arn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": other})
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert sorted(message["Body"] for message in receive(sqs, url)) == ["new", "old"]

"""Event notifications: who hears of what, in the documented form, and only of what really happened."""

import json

import pytest

from coldframe.services.s3.messenger import Messenger
from tests.services.s3.test_objects import refused
from tests.services.s3.test_words import error_of

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
TOPIC = "arn:aws:sns:us-east-1:123456789012:t"


@pytest.fixture
def heard(s3_server, monkeypatch):
    """Puts itself in the place of queues and topics; gives the names of events, keys and targets."""
    sent = []
    messenger = s3_server.installation.parts.get(Messenger)
    monkeypatch.setattr(messenger, "send", lambda *message: sent.append(message))

    def hear(count):
        deadline = 200
        while len(sent) < count and deadline:
            deadline -= 1
            s3_server.client("s3").list_buckets()
        return sent

    return hear


def configured(s3, bucket, **configuration):
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True
    )


def test_created_and_removed(s3, s3_server, bucket, heard):
    configured(
        s3,
        bucket,
        QueueConfigurations=[{"Id": "one", "QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}],
        TopicConfigurations=[{"Id": "two", "TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:Delete"]}],
    )
    s3.put_object(Bucket=bucket, Key="a b/ü.txt", Body=b"12345")
    assert refused(s3.put_object, Bucket=bucket, Key="a b/ü.txt", Body=b"", IfNoneMatch="*")[1] == 412
    s3.delete_object(Bucket=bucket, Key="a b/ü.txt")
    sent = sorted(heard(2))
    assert [message[0] for message in sent] == [TOPIC, QUEUE]
    assert {message[2:] for message in sent} == {(f"arn:aws:s3:::{bucket}", s3_server.account)}
    [removed], [created] = (json.loads(message[1])["Records"] for message in sent)
    assert (created["eventName"], removed["eventName"]) == ("ObjectCreated:Put", "ObjectRemoved:Delete")
    assert created["s3"]["object"]["key"] == "a+b/%C3%BC.txt"
    assert created["s3"]["object"]["size"] == 5
    assert created["s3"]["bucket"]["name"] == bucket
    assert created["s3"]["configurationId"] == "one"


def test_filters(s3, bucket, heard):
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]
    entry = {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:Put"], "Filter": {"Key": {"FilterRules": rules}}}
    configured(s3, bucket, QueueConfigurations=[entry])
    for key in ("in/a.png", "out/a.jpg", "in/a.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.copy_object(Bucket=bucket, Key="in/b.jpg", CopySource=f"{bucket}/in/a.jpg")
    [message] = heard(1)
    assert json.loads(message[1])["Records"][0]["s3"]["object"]["key"] == "in/a.jpg"


def test_a_new_configuration_is_tried(s3, bucket, heard):
    entry = {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [entry]}
    )
    [message] = heard(1)
    assert json.loads(message[1])["Event"] == "s3:TestEvent"


def test_a_queue_hears_of_it_if_its_policy_lets_s3_in(s3, s3_server, bucket):
    sqs = s3_server.client("sqs")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    conditions = {
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
        "StringEquals": {"aws:SourceAccount": s3_server.account},
    }
    statement = {
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn, "Condition": conditions,
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    configured(
        s3, bucket, QueueConfigurations=[{"Id": "one", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"] == "k"


def test_targets_are_tried_before_they_are_kept(s3, s3_server, bucket):
    """A queue that is not there, and one whose policy does not let this bucket in, are named, and nothing is kept."""
    sqs = s3_server.client("sqs")
    url = sqs.create_queue(QueueName="of-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    gone = f"arn:aws:sqs:us-east-1:{s3_server.account}:no-queue"
    entries = [
        {"Id": name, "QueueArn": target, "Events": ["s3:ObjectCreated:*"]}
        for name, target in (("1", gone), ("2", arn))
    ]
    wanted = {"Bucket": bucket, "NotificationConfiguration": {"QueueConfigurations": entries}}
    said = error_of(s3.put_bucket_notification_configuration, **wanted)
    assert said == {
        "Code": "InvalidArgument",
        "ArgumentName1": gone,
        "ArgumentValue1": "The destination queue does not exist",
        "ArgumentName2": arn,
        "ArgumentValue2": "Permissions on the destination queue do not allow S3 to publish notifications from this bucket",
    }
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    wanted["NotificationConfiguration"] = {"QueueConfigurations": entries[1:]}
    s3.put_bucket_notification_configuration(**wanted)
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Event"] == "s3:TestEvent"


def test_filters_that_cannot_be(s3, bucket):
    def said(rule):
        entry = {
            "QueueArn": QUEUE,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [rule]}},
        }
        wanted = {"QueueConfigurations": [entry]}
        return error_of(
            s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=wanted
        )

    assert said({"Name": "INVALID", "Value": "v"}) == {
        "Code": "InvalidArgument",
        "ArgumentName": "FilterRule.Name",
        "ArgumentValue": "INVALID",
    }
    assert said({"Name": "prefix"})["Code"] == "MalformedXML"


def test_acls_tags_and_restores_that_change(s3, s3_server, bucket, heard):
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345", StorageClass="GLACIER")
    wanted = ["s3:ObjectAcl:Put", "s3:ObjectTagging:*", "s3:ObjectRestore:*"]
    configured(s3, bucket, QueueConfigurations=[{"QueueArn": QUEUE, "Events": wanted}])
    for acl in ("private", "public-read"):  # the first is what it has
        s3.put_object_acl(Bucket=bucket, Key="k", ACL=acl)
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 1})
    records = {}
    for message in heard(5):
        [record] = json.loads(message[1])["Records"]
        records[record["eventName"]] = record
    assert sorted(records) == [
        "ObjectAcl:Put",
        "ObjectRestore:Completed",
        "ObjectRestore:Post",
        "ObjectTagging:Delete",
        "ObjectTagging:Put",
    ]
    assert records["ObjectAcl:Put"]["s3"]["object"].keys() == {"key", "eTag"}
    assert {records[name]["eventVersion"] for name in records if "Restore" not in name} == {"2.3"}
    restored = records["ObjectRestore:Completed"]
    assert restored["s3"]["object"]["size"] == 5
    assert restored["glacierEventData"]["restoreEventData"]["lifecycleRestoreStorageClass"] == "GLACIER"
    assert restored["userIdentity"]["principalId"].startswith("AmazonCustomer:")


def test_versions_in_messages(s3, new_bucket, heard):
    bucket = new_bucket(versioned=True)
    configured(
        s3,
        bucket,
        QueueConfigurations=[{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}],
    )
    s3.delete_object(Bucket=bucket, Key="k")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    about = {}
    for message in heard(2):
        [record] = json.loads(message[1])["Records"]
        about[record["eventName"]] = record["s3"]["object"]
    assert about["ObjectRemoved:DeleteMarkerCreated"]["eTag"] == "d41d8cd98f00b204e9800998ecf8427e"
    assert "versionId" in about["ObjectRemoved:DeleteMarkerCreated"]
    assert "versionId" not in about["ObjectCreated:Put"]


def test_names_of_filter_rules_in_any_case(s3, bucket):
    rules = [{"Name": "PREFIX", "Value": "a"}, {"Name": "suffix", "Value": "b"}]
    entry = {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    configured(s3, bucket, QueueConfigurations=[entry])
    [kept] = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert [rule["Name"] for rule in kept["Filter"]["Key"]["FilterRules"]] == ["Prefix", "Suffix"]
    entry["Filter"]["Key"]["FilterRules"][0]["Name"] = "infix"
    said = error_of(configured, s3=s3, bucket=bucket, QueueConfigurations=[entry])
    assert (said["ArgumentName"], said["ArgumentValue"]) == ("FilterRule.Name", "infix")


def test_of_many_keys_deleted_at_once_also_those_are_told_that_were_not_there(s3, bucket, heard):
    configured(s3, bucket, QueueConfigurations=[{"QueueArn": QUEUE, "Events": ["s3:ObjectRemoved:*"]}])
    s3.put_object(Bucket=bucket, Key="there")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "there"}, {"Key": "never"}]})
    keys = [json.loads(message[1])["Records"][0]["s3"]["object"]["key"] for message in heard(2)]
    assert sorted(keys) == ["never", "there"]


def test_the_trace_of_the_request_goes_to_the_queue(s3, s3_server, bucket):
    sqs, trace = s3_server.client("sqs"), "Root=1-3152b799-8954dae64eda91bc9a23a7e8"
    url = sqs.create_queue(QueueName="traced")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": statement}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    configured(s3, bucket, QueueConfigurations=[{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}])
    tracing = s3_server.client("s3")
    tracing.meta.events.register(
        "before-send.s3.*", lambda request, **_: request.headers.update({"X-Amzn-Trace-Id": trace})
    )
    tracing.put_object(Bucket=bucket, Key="k")
    wanted = {"QueueUrl": url, "WaitTimeSeconds": 20, "MessageSystemAttributeNames": ["AWSTraceHeader"]}
    [message] = sqs.receive_message(**wanted)["Messages"]
    assert message["Attributes"] == {"AWSTraceHeader": trace}

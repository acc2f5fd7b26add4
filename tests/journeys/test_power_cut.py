"""Power cuts under load: what any service acknowledged is there once, whole and nowhere in clear, and the server goes on."""

import json
import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import ServerProcess, events_of, until

pytestmark = [needs_root, pytest.mark.xdist_group("power-cut")]

# Must lie nowhere on the disk in clear: an e-mail address in a log event, a message, an object, a secret.
MAIL, MESSAGE, OBJECT, SECRET = (
    b"hidden.person@example.com",
    b"clear-message",
    b"clear-object",
    b"clear-secret",
)
PART = b"p" * (5 << 20)


class Client(threading.Thread):
    """One client that does one kind of work again and again; `acknowledged` is what it was told is done."""

    def __init__(self, server, work, disk):
        super().__init__(daemon=True)
        self.work, self.disk = work(server), disk
        self.acknowledged, self.begun, self.failure = [], [], None

    def run(self):
        for step in range(100_000):
            self.begun.append(step)
            try:
                done = self.work.do(step)
                if self.disk.failing:
                    return
                self.acknowledged.append(done)
            except ClientError as error:
                # After the cut the disk refuses everything; before it nothing may be refused.
                self.failure = error
                return
            except BotoCoreError:
                return


class Logs:
    """Events of a group that masks addresses."""

    def __init__(self, server):
        logs = server.client("logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        kind = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"
        statements = [
            {"Sid": "a", "DataIdentifier": [kind], "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"Sid": "d", "DataIdentifier": [kind], "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ]
        policy = {"Name": "p", "Version": "2021-06-01", "Statement": statements}
        logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=json.dumps(policy))
        self.logs = logs

    def do(self, step):
        text = f"event {step} {MAIL.decode()} {'x' * (step % 7 * 100)}"
        event = {"timestamp": int(time.time() * 1000), "message": text}
        self.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
        return step

    @staticmethod
    def check(server, client):
        logs = server.client("logs")
        found = [int(text.split()[1]) for text in events_of(logs, "g", "s")]
        whole = logs.filter_log_events(logGroupName="g", unmask=True)["events"]
        assert all(MAIL.decode() in event["message"] for event in whole)
        once(client, found)


class Objects:
    """Objects, each put twice in a bucket with versions, every tenth one in parts."""

    def __init__(self, server):
        self.s3 = server.client("s3")
        self.s3.create_bucket(Bucket="versioned")
        self.s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})

    def do(self, step):
        key, versions = f"k{step}", []
        for turn in range(2):
            if step % 10 == 9:
                upload = self.s3.create_multipart_upload(Bucket="versioned", Key=key)["UploadId"]
                parts = []
                for number, body in enumerate((PART, self.body(step, turn)), 1):
                    made = self.s3.upload_part(
                        Bucket="versioned", Key=key, UploadId=upload, PartNumber=number, Body=body
                    )
                    parts.append({"ETag": made["ETag"], "PartNumber": number})
                done = self.s3.complete_multipart_upload(
                    Bucket="versioned", Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
                )
            else:
                done = self.s3.put_object(Bucket="versioned", Key=key, Body=self.body(step, turn))
            versions.append(done["VersionId"])
        return step, versions

    @staticmethod
    def body(step, turn):
        return OBJECT + f" {step} {turn} ".encode() * (1 + step * 997 % 20_000)

    @staticmethod
    def check(server, client):
        s3 = server.client("s3")
        for step, versions in client.acknowledged:
            for turn, version in enumerate(versions):
                body = s3.get_object(Bucket="versioned", Key=f"k{step}", VersionId=version)["Body"].read()
                assert body.endswith(Objects.body(step, turn))
                assert len(body) == len(Objects.body(step, turn)) + (len(PART) if step % 10 == 9 else 0)
        # What was under way is there whole or not at all.
        for page in s3.get_paginator("list_object_versions").paginate(Bucket="versioned"):
            for row in page.get("Versions", []):
                got = s3.get_object(Bucket="versioned", Key=row["Key"], VersionId=row["VersionId"])[
                    "Body"
                ].read()
                assert len(got) == row["Size"]


class Messages:
    """Messages sent to a queue, and published to a topic that a queue has subscribed."""

    def __init__(self, server):
        self.sqs, self.sns = server.client("sqs"), server.client("sns")
        everybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
        self.direct = self.sqs.create_queue(QueueName="direct")["QueueUrl"]
        fanned = self.sqs.create_queue(QueueName="fanned", Attributes={"Policy": policy})["QueueUrl"]
        self.topic = self.sns.create_topic(Name="t")["TopicArn"]
        arn = self.sqs.get_queue_attributes(QueueUrl=fanned, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def do(self, step):
        self.sqs.send_message(QueueUrl=self.direct, MessageBody=f"{MESSAGE.decode()} {step}")
        self.sns.publish(TopicArn=self.topic, Message=f"{MESSAGE.decode()} {step}")
        return step

    @staticmethod
    def check(server, client):
        sqs = server.client("sqs")

        def everything(name, at_least, read):
            url, found = sqs.get_queue_url(QueueName=name)["QueueUrl"], []

            def all_there():
                more = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600)
                found.extend(int(read(message["Body"]).split()[1]) for message in more.get("Messages", []))
                return not more.get("Messages") and len(set(found)) >= at_least

            until(all_there)
            return found

        once(client, everything("direct", len(client.acknowledged), str))
        # SNS delivers at least once.
        read = everything("fanned", len(client.acknowledged), lambda body: json.loads(body)["Message"])
        assert set(client.acknowledged) <= set(read) <= set(client.begun)


class Metrics:
    """Data of a metric."""

    def __init__(self, server):
        self.cloudwatch = server.client("cloudwatch")

    def do(self, step):
        self.cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": float(step)}])
        return step

    @staticmethod
    def check(server, client):
        now = datetime.now(UTC)
        points = server.client("cloudwatch").get_metric_statistics(
            Namespace="n", MetricName="m", StartTime=now - timedelta(minutes=10), EndTime=now + timedelta(minutes=2),
            Period=60, Statistics=["SampleCount"],
        )["Datapoints"]  # fmt: skip
        assert len(client.acknowledged) <= sum(point["SampleCount"] for point in points) <= len(client.begun)


class Streams:
    """Records of a delivery stream, which becomes an object of each once its buffer is due."""

    def __init__(self, server):
        s3, iam, self.firehose = server.client("s3"), server.client("iam"), server.client("firehose")
        s3.create_bucket(Bucket="delivered")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "firehose.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = iam.create_role(
            RoleName="deliverer",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        iam.attach_role_policy(RoleName="deliverer", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
        hints = {"SizeInMBs": 1, "IntervalInSeconds": 1}
        self.firehose.create_delivery_stream(
            DeliveryStreamName="d",
            ExtendedS3DestinationConfiguration={
                "RoleARN": role, "BucketARN": "arn:aws:s3:::delivered", "BufferingHints": hints,
            },
        )  # fmt: skip
        active = "ACTIVE"
        until(
            lambda: (
                self.firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"][
                    "DeliveryStreamStatus"
                ]
                == active
            )
        )

    def do(self, step):
        record = {"Data": f"{MESSAGE.decode()} {step}\n".encode()}
        self.firehose.put_record(DeliveryStreamName="d", Record=record)
        return step

    @staticmethod
    def check(server, client):
        s3 = server.client("s3")

        def delivered():
            found = set()
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket="delivered"):
                for row in page.get("Contents", []):
                    lines = s3.get_object(Bucket="delivered", Key=row["Key"])["Body"].read().splitlines()
                    found |= {int(line.split()[1]) for line in lines}
            return found if set(client.acknowledged) <= found else None

        assert until(delivered) <= set(client.begun)


class Keys:
    """Keys of KMS with what they encrypted, secrets with two versions, users with an access key."""

    def __init__(self, server):
        self.server = server
        self.kms, self.secrets, self.iam = (server.client(name) for name in ("kms", "secretsmanager", "iam"))

    def do(self, step):
        key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        sealed = self.kms.encrypt(KeyId=key, Plaintext=b"%d" % step)["CiphertextBlob"]
        self.secrets.create_secret(Name=f"s{step}", SecretString="first")
        self.secrets.put_secret_value(SecretId=f"s{step}", SecretString=f"{SECRET.decode()} {step}")
        self.iam.create_user(UserName=f"u{step}")
        made = self.iam.create_access_key(UserName=f"u{step}")["AccessKey"]
        return step, sealed, made

    @staticmethod
    def check(server, client):
        kms, secrets = server.client("kms"), server.client("secretsmanager")
        for step, sealed, made in client.acknowledged:
            assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"%d" % step
            assert (
                secrets.get_secret_value(SecretId=f"s{step}")["SecretString"] == f"{SECRET.decode()} {step}"
            )
            caller = server.client(
                "sts",
                aws_access_key_id=made["AccessKeyId"],
                aws_secret_access_key=made["SecretAccessKey"],
            ).get_caller_identity()
            assert caller["Arn"].endswith(f":user/u{step}")


def once(client, found):
    """What was acknowledged is there once, what was under way once at most, and nothing else."""
    assert len(found) == len(set(found))
    lost, strange = set(client.acknowledged) - set(found), set(found) - set(client.begun)
    assert not lost, f"{sorted(lost)[:10]} of {len(client.acknowledged)} are lost; {len(found)} are there"
    assert not strange, sorted(strange)[:10]


WORK = [Logs, Objects, Messages, Metrics, Streams, Keys]


def cut_under_load(tmp_path, disk, seed, work=WORK, acknowledged=8):
    """Cut the power at a random moment while clients of every service work, and see what is there afterwards."""
    data, chance = disk.folder / "data", random.Random(seed)
    with ServerProcess(data, "--tls-port", "0", log=tmp_path / f"before-{seed}") as server:
        clients = [Client(server, each, disk) for each in work]
        for client in clients:
            client.start()
        until(lambda: all(len(client.acknowledged) >= acknowledged or client.failure for client in clients))
        time.sleep(chance.random())
        assert not [client.failure for client in clients if client.failure]
        disk.cut()
        # Nobody waits for ever for a disk that is gone.
        for client in clients:
            client.join(30)
            assert not client.is_alive(), client.work
        server.kill()
    disk.back()
    log = tmp_path / f"after-{seed}"
    with ServerProcess(data, "--tls-port", "0", log=log) as server:
        for client, each in zip(clients, work, strict=True):
            each.check(server, client)
        # It goes on working.
        server.client("logs").create_log_group(logGroupName="afterwards")
        server.client("s3").create_bucket(Bucket="afterwards")
        server.client("s3").put_object(Bucket="afterwards", Key="k", Body=b"x")
        queue = server.client("sqs").create_queue(QueueName="afterwards")["QueueUrl"]
        server.client("sqs").send_message(QueueUrl=queue, MessageBody="x")
        assert server.stop() == 0
    said = log.read_text(encoding="utf-8")
    assert "Traceback" not in said, said
    assert "ERROR" not in said, said
    assert "WARNING" not in said, said
    assert disk.holds(MAIL, MESSAGE, OBJECT, SECRET) == []


@pytest.mark.parametrize("options", ["", "data=writeback,noauto_da_alloc"])
def test_what_was_acknowledged_survives_a_power_cut(tmp_path, options):
    with cut_disk(options) as disk:
        cut_under_load(tmp_path, disk, options)

"""kill -9 while messages are sent and published: what was acknowledged is received, each from SQS exactly once."""

import json
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from coldframe.services.sns.delivery import Deliverer
from tests.journeys.process import ServerProcess
from tests.server_fixtures import running_server

CLIENTS = 3


def test_what_was_acknowledged_arrives(tmp_path):
    data = tmp_path / "data"
    sent, published = [], []
    with ServerProcess(data) as server:
        sqs, sns = server.client("sqs"), server.client("sns")
        direct = sqs.create_queue(QueueName="direct")["QueueUrl"]
        everybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
        fanned = sqs.create_queue(QueueName="fanned", Attributes={"Policy": policy})["QueueUrl"]
        topic = sns.create_topic(Name="t")["TopicArn"]
        arn = sqs.get_queue_attributes(QueueUrl=fanned, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

        def work(number):
            queue, news = server.client("sqs"), server.client("sns")
            try:
                for step in range(100_000):
                    sent.append(
                        queue.send_message(QueueUrl=direct, MessageBody=f"{number}-{step}")["MessageId"]
                    )
                    text = f"{number}:{step}"
                    news.publish(TopicArn=topic, Message=text)
                    published.append(text)
            except (BotoCoreError, ClientError):
                return  # the server is gone

        threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        server.kill()
        for thread in threads:
            thread.join()
        root = server.root
    assert len(sent) > 20
    assert len(published) > 20
    keys = (root.account, root.access_key_id, root.secret_access_key)
    with running_server(data, root=keys) as server:
        server.clock.advance(60)
        server.installation.parts.get(Deliverer).resume()
        sqs = server.client("sqs")
        got = [message["MessageId"] for message in everything(sqs, "direct", len(sent))]
        assert set(sent) <= set(got)
        assert len(got) == len(set(got)) <= len(sent) + CLIENTS
        arrived = {message["Body"] for message in everything(sqs, "fanned", len(published))}
        assert set(published) <= arrived


def everything(sqs, name, at_least):
    """All messages of a queue, once there are so many."""
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found, ends = [], time.monotonic() + 20
    while time.monotonic() < ends:
        more = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=600
        )
        found += more.get("Messages", [])
        if not more.get("Messages") and len(found) >= at_least:
            break
    return found

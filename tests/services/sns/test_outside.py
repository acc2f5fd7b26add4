"""Subscribers outside of AWS: mailboxes by a relay, phones that nothing here reaches, hosts that are allowed."""

import email
import email.policy
import re
import socketserver
import threading
import time
import urllib.request

import pytest

from coldframe.services.sns.subscription_attributes import may_deliver_to
from tests.server_fixtures import running_server
from tests.services.sns.conftest import received


class Relay(socketserver.ThreadingTCPServer):
    """An SMTP server that keeps what it gets; it refuses mail to `refused@`."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails, self.attempts = [], []

    def wait(self, count, seconds=8):
        ends = time.monotonic() + seconds
        while len(self.mails) < count and time.monotonic() < ends:
            time.sleep(0.02)
        return [email.message_from_bytes(each, policy=email.policy.default) for each in self.mails]


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        say = lambda text: self.wfile.write(f"{text}\r\n".encode())  # noqa: E731
        say("220 relay")
        while line := self.rfile.readline().decode().strip():
            command = line[:4].upper()
            if command == "RCPT" and "refused@" in line:
                self.server.attempts.append(line)
                say("550 no such mailbox")
            elif command == "DATA":
                say("354 go on")
                body = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    body += part
                self.server.mails.append(body)
                say("250 kept")
            elif command == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")


@pytest.fixture
def relay():
    with Relay() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def mailing(tmp_path, relay):
    """A server that mails by the relay."""
    address = f"127.0.0.1:{relay.server_address[1]}"
    with running_server(tmp_path / "data", mail_relay=address) as running:
        yield running


def test_a_mailbox_confirms_by_the_link_it_is_sent_and_then_gets_messages(mailing, relay) -> None:
    sns = mailing.client("sns")
    topic = sns.create_topic(Name="news", Attributes={"DisplayName": 'The "News"'})["TopicArn"]
    made = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="reader@example.com")
    assert made["SubscriptionArn"] == "pending confirmation"
    sns.publish(TopicArn=topic, Message="before it is confirmed")
    (asked,) = relay.wait(1)
    assert asked["To"] == "reader@example.com"
    assert asked["Subject"] == "AWS Notification - Subscription Confirmation"
    link = re.search(r"http://\S+", asked.get_content())[0]
    with urllib.request.urlopen(link) as answer:
        assert b"<SubscriptionArn>arn:aws:sns" in answer.read()
    sns.publish(TopicArn=topic, Subject="Hi", Message="Grüße")
    found = relay.wait(2)[1]
    assert (found["From"], found["Subject"]) == ("The News <no-reply@sns.amazonaws.com>", "Hi")
    assert found.get_content().splitlines()[0] == "Grüße"
    assert "Action=Unsubscribe" in found.get_content()


def test_a_mailbox_that_the_relay_refuses_stays_unconfirmed(mailing, relay) -> None:
    sns = mailing.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint="refused@example.com")
    ends = time.monotonic() + 8
    while not relay.attempts and time.monotonic() < ends:
        time.sleep(0.02)
    assert relay.attempts, "the relay was asked"
    assert relay.mails == []
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"


def test_a_phone_is_subscribed_at_once_and_never_reached(sns, sqs, make_topic, make_queue) -> None:
    topic, (url, queue) = make_topic(), make_queue()
    arn = sns.subscribe(
        TopicArn=topic,
        Protocol="sms",
        Endpoint="+1 555-0100-000",
        Attributes={"RedrivePolicy": f'{{"deadLetterTargetArn": "{queue}"}}'},
    )["SubscriptionArn"]
    assert arn.startswith(topic)
    sns.publish(TopicArn=topic, Message="text")
    (message,) = received(sqs, url)
    assert '"Message": "text"' in message["Body"]


def test_mail_is_never_raw(sns, make_topic) -> None:
    with pytest.raises(sns.exceptions.InvalidParameterException) as raised:
        sns.subscribe(
            TopicArn=make_topic(),
            Protocol="email",
            Endpoint="reader@example.com",
            Attributes={"RawMessageDelivery": "true"},
        )
    assert "does not support raw message delivery" in raised.value.response["Error"]["Message"]


def test_who_subscribed_is_told_to_whoever_asks(server, sns, make_topic, make_queue) -> None:
    topic, (_, queue) = make_topic(), make_queue()
    allowed = {"Effect": "Allow", "Action": "sns:*", "Resource": "*"}
    user, key = server.add_user("subscriber", allowed)
    other = server.client("sns", **key)
    arn = other.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert told["SubscriptionPrincipal"] == user


def test_hosts_elsewhere_are_for_the_operator_to_allow(sns, make_topic, caplog) -> None:
    topic = make_topic()
    made = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://hooks.example/x")
    assert made["SubscriptionArn"] == "pending confirmation"
    ends = time.monotonic() + 8
    while "hooks.example" not in caplog.text and time.monotonic() < ends:
        time.sleep(0.02)
    assert "hooks.example is no host that this server may deliver to" in caplog.text


@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("127.8.9.1", True),
        ("localhost", True),
        ("::1", True),
        ("hooks.example", True),
        ("HOOKS.example", True),
        ("192.0.2.7", True),
        ("other.example", False),
        ("hooks.example.org", False),
        ("192.0.3.7", False),
        ("169.254.169.254", False),
    ],
)
def test_a_host_is_allowed_by_its_name_or_its_network(host, may) -> None:
    assert may_deliver_to(host, ("hooks.example", "192.0.2.0/24")) is may


def test_messages_are_in_queues_when_publish_answers_in_dev_mode(tmp_path) -> None:
    with running_server(tmp_path / "data", dev=True) as running:
        keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "x"}
        sns, sqs = running.client("sns", **keys), running.client("sqs", **keys)
        topic = sns.create_topic(Name="t")["TopicArn"]
        urls = [sqs.create_queue(QueueName=f"q{number}")["QueueUrl"] for number in range(5)]
        for url in urls:
            queue = f"arn:aws:sqs:us-east-1:123456789012:{url.rpartition('/')[2]}"
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        for _ in range(10):
            sns.publish(TopicArn=topic, Message="x")
            for url in urls:
                assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1

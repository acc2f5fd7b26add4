"""HTTP endpoints: confirmed by their token, tried again, given up to dead letters. Source: Amazon SNS Developer Guide."""

import json
import queue
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError

from coldframe.core.arns import parse
from coldframe.engines.queue import New
from coldframe.services.sns.delivery import Deliverer
from coldframe.services.sns.outbox import Notification, Outbox, pack
from tests.services.sns.conftest import code, received

_QUICK = json.dumps(
    {
        "healthyRetryPolicy": {
            "minDelayTarget": 1,
            "maxDelayTarget": 1,
            "numRetries": 2,
            "numNoDelayRetries": 1,
        }
    }
)


class Endpoint:
    """An HTTP server that keeps what it is sent, and answers with the statuses given and then with 200."""

    def __init__(self) -> None:
        self.got: queue.Queue = queue.Queue()
        self.statuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.got.put((dict(self.headers), body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?x=1"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def next(self) -> tuple[dict[str, str], str]:
        return self.got.get(timeout=15)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def endpoint():
    made = Endpoint()
    yield made
    made.close()


def confirmed(sns, topic, endpoint, **attributes):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes=attributes)
    _, body = endpoint.next()
    token = json.loads(body)["Token"]
    return sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]


def test_an_endpoint_gets_nothing_before_it_has_confirmed(sns, make_topic, endpoint) -> None:
    topic = make_topic()
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    headers, body = endpoint.next()
    asked = json.loads(body)
    assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
    sns.publish(TopicArn=topic, Message="too early")
    with pytest.raises(ClientError) as error:
        sns.confirm_subscription(TopicArn=topic, Token="wrong")
    assert code(error) == "InvalidParameter"
    with urllib.request.urlopen(asked["SubscribeURL"]) as visited:
        assert b"<SubscriptionArn>arn:" in visited.read()
    sns.publish(TopicArn=topic, Message="now", Subject="s")
    headers, body = endpoint.next()
    notification = json.loads(body)
    assert (headers["x-amz-sns-message-type"], notification["Message"]) == ("Notification", "now")
    assert headers["x-amz-sns-topic-arn"] == topic
    assert headers["x-amz-sns-subscription-arn"].startswith(topic)
    with urllib.request.urlopen(notification["UnsubscribeURL"]):
        pass
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


@pytest.mark.parametrize("raw", ["true", "false"])
def test_an_endpoint_is_told_that_its_subscription_has_ended_and_may_restore_it(
    server, sns, make_topic, endpoint, raw
) -> None:
    topic = make_topic()
    arn = confirmed(sns, topic, endpoint, RawMessageDelivery=raw)
    endpoint.statuses = [500]
    sns.publish(TopicArn=topic, Message="on its way")
    endpoint.next()  # it is tried again in twenty seconds, when nobody wants it any more
    sns.unsubscribe(SubscriptionArn=arn)
    headers, body = endpoint.next()
    told = json.loads(body)
    assert headers["x-amz-sns-message-type"] == told["Type"] == "UnsubscribeConfirmation"
    assert headers["x-amz-sns-subscription-arn"] == arn
    assert told["Message"].startswith(f"You have chosen to deactivate subscription {arn}.\nTo cancel")
    assert {"Token", "SubscribeURL", "Signature", "SigningCertURL"} < told.keys()
    assert "UnsubscribeURL" not in told
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    with pytest.raises(ClientError) as error:
        sns.get_subscription_attributes(SubscriptionArn=arn)
    assert code(error) == "NotFound"
    sns.publish(TopicArn=topic, Message="for nobody")
    server.clock.advance(21)
    with urllib.request.urlopen(told["SubscribeURL"]) as visited:
        assert f"<SubscriptionArn>{arn}</SubscriptionArn>".encode() in visited.read()
    sns.publish(TopicArn=topic, Message="back again")
    _, body = endpoint.next()
    assert (body if raw == "true" else json.loads(body)["Message"]) == "back again"
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["RawMessageDelivery"] == raw


def test_what_a_crash_left_for_an_ended_subscription_is_dropped(server, sns, make_topic, endpoint) -> None:
    topic = make_topic()
    arn = confirmed(sns, topic, endpoint)
    sns.unsubscribe(SubscriptionArn=arn)
    endpoint.next()
    installation, identifier = server.installation, arn.rpartition(":")[2]
    outbox, now = installation.parts.get(Outbox), installation.clock.milliseconds()
    left = pack(installation.seal, "left", Notification("Notification", topic, "left by a crash", now))
    outbox.send(identifier, [New("left", left, now)], now)
    installation.parts.get(Deliverer).due(parse(topic), [identifier])
    installation.parts.get(Deliverer).wait_for({identifier}, 10)
    assert identifier not in outbox.queues()
    assert endpoint.got.empty()


def test_what_has_ended_cannot_be_restored_after_three_days(server, sns, make_topic, endpoint) -> None:
    topic = make_topic()
    sns.unsubscribe(SubscriptionArn=confirmed(sns, topic, endpoint))
    token = json.loads(endpoint.next()[1])["Token"]
    server.clock.advance(3 * 24 * 3600 + 1)
    with pytest.raises(ClientError) as error:
        sns.confirm_subscription(TopicArn=topic, Token=token)
    assert error.value.response["Error"]["Message"] == "Invalid parameter: Token"
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_raw_delivery(sns, make_topic, endpoint) -> None:
    topic = make_topic()
    confirmed(sns, topic, endpoint, RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message="plain")
    headers, body = endpoint.next()
    assert (headers["x-amz-sns-rawdelivery"], body) == ("true", "plain")


def test_endpoints_get_the_content_type_that_a_delivery_policy_names(sns, make_topic, endpoint) -> None:
    policy = {"http": {"defaultRequestPolicy": {"headerContentType": "application/json"}}}
    topic = make_topic(DeliveryPolicy=json.dumps(policy))
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    shown = json.loads(attributes["DeliveryPolicy"])["http"]
    assert shown == {"disableSubscriptionOverrides": False, **policy["http"]}
    effective = json.loads(attributes["EffectiveDeliveryPolicy"])["http"]
    assert effective["defaultRequestPolicy"] == {"headerContentType": "application/json"}
    assert effective["defaultHealthyRetryPolicy"]["numRetries"] == 3
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    headers, body = endpoint.next()
    assert headers["Content-Type"] == "text/plain; charset=UTF-8", "asking to confirm is always text"
    assert (headers["Accept-Encoding"], headers["Connection"]) == ("gzip,deflate", "Keep-Alive")
    arn = sns.confirm_subscription(TopicArn=topic, Token=json.loads(body)["Token"])["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="x")
    assert endpoint.next()[0]["Content-Type"] == "application/json", "the topic's"
    own = json.dumps({"requestPolicy": {"headerContentType": "text/csv"}})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=own)
    sns.publish(TopicArn=topic, Message="x")
    assert endpoint.next()[0]["Content-Type"] == "text/csv", "its own"
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    shown, effective = (
        json.loads(attributes[name]) for name in ("DeliveryPolicy", "EffectiveDeliveryPolicy")
    )
    assert shown == {
        "healthyRetryPolicy": None,
        "sicklyRetryPolicy": None,
        "throttlePolicy": None,
        "requestPolicy": {"headerContentType": "text/csv"},
        "guaranteed": False,
    }
    assert (effective["requestPolicy"], effective["healthyRetryPolicy"]["numRetries"]) == (
        shown["requestPolicy"],
        3,
    )
    own = json.dumps({"healthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 20, "numRetries": 5}})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=own)
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    shown = json.loads(attributes["DeliveryPolicy"])["healthyRetryPolicy"]
    said = {name: value for name, value in shown.items() if value is not None}
    assert said == json.loads(own)["healthyRetryPolicy"], "defaults are in the effective policy alone"
    effective = json.loads(attributes["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]
    assert (effective["numRetries"], effective["backoffFunction"]) == (5, "linear")
    wrong = json.dumps({"requestPolicy": {"headerContentType": "text/elvish"}})
    with pytest.raises(ClientError) as error:
        sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=wrong
        )
    assert code(error) == "InvalidParameter"


def test_a_token_confirms_whatever_topic_is_named_with_it(sns, make_topic, endpoint) -> None:
    topic, other = make_topic(), make_topic()
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    token = json.loads(endpoint.next()[1])["Token"]
    for wrong in ("none", topic.replace("us-east-1", "eu-west-1")):
        with pytest.raises(ClientError) as error:
            sns.confirm_subscription(TopicArn=wrong, Token=token)
        assert error.value.response["Error"]["Message"] == "Invalid parameter: Topic"
    for named in (other, f"{topic}x"):
        answer = sns.confirm_subscription(TopicArn=named, Token=token)
        assert answer["SubscriptionArn"].startswith(f"{topic}:")


def test_failures_are_tried_again_until_one_succeeds(sns, make_topic, endpoint) -> None:
    topic = make_topic()
    confirmed(sns, topic, endpoint, DeliveryPolicy=_QUICK, RawMessageDelivery="true")
    endpoint.statuses = [500, 429]
    sns.publish(TopicArn=topic, Message="again")
    assert [endpoint.next()[1] for _ in range(3)] == ["again"] * 3


@pytest.mark.parametrize(("statuses", "tries"), [([500, 500, 500, 200], 3), ([404, 200], 1)])
def test_what_is_given_up_goes_to_dead_letters(
    sns, sqs, make_topic, make_queue, endpoint, statuses, tries
) -> None:
    topic, (url, dead) = make_topic(), make_queue()
    policy = json.dumps({"deadLetterTargetArn": dead})
    confirmed(sns, topic, endpoint, DeliveryPolicy=_QUICK, RawMessageDelivery="true", RedrivePolicy=policy)
    endpoint.statuses = list(statuses)
    sns.publish(TopicArn=topic, Message="given up")
    assert [message["Body"] for message in received(sqs, url)] == ["given up"]
    assert endpoint.got.qsize() == tries


def test_a_locked_subscription_needs_a_signature_to_end(sns, make_topic, endpoint) -> None:
    topic = make_topic()
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    token = json.loads(endpoint.next()[1])["Token"]
    arn = sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")[
        "SubscriptionArn"
    ]
    sns.publish(TopicArn=topic, Message="x")
    link = json.loads(endpoint.next()[1])["UnsubscribeURL"]
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(link)
    assert error.value.code == 403
    error.value.close()
    sns.unsubscribe(SubscriptionArn=arn)

"""Queue URLs whose host names a region, as AWS's do, and X-Ray's header on its way through a queue."""

import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest

from tests.server_fixtures import running_server
from tests.services.sqs.conftest import code, receive

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def test_a_url_of_another_region_is_no_address_of_this_endpoint(server, sqs, make) -> None:
    path = make().partition("//")[2].partition("/")[2]
    for host in ("sqs.us-east-1.amazonaws.com", "us-east-1.queue.amazonaws.com", "queue.amazonaws.com"):
        sqs.send_message(QueueUrl=f"https://{host}/{path}", MessageBody="x")
    for host in ("sqs.eu-west-1.amazonaws.com", "eu-west-1.queue.amazonaws.com"):
        with pytest.raises(sqs.exceptions.InvalidAddress) as raised:
            sqs.send_message(QueueUrl=f"https://{host}/{path}", MessageBody="x")
        assert raised.value.response["Error"]["Message"].endswith("is not valid for this endpoint.")
    assert code(raised) == "InvalidAddress"


def test_the_host_says_the_region_of_a_request_without_a_signature(tmp_path) -> None:
    with running_server(tmp_path / "data", dev=True) as served:
        keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "x"}
        url = served.client("sqs", region="eu-west-1", **keys).create_queue(QueueName="q")["QueueUrl"]

        def get(host):
            request = urllib.request.Request(
                f"{url}?{urlencode({'Action': 'SendMessage', 'MessageBody': 'x'})}", headers={"Host": host}
            )
            try:
                with urllib.request.urlopen(request) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code

        assert get("sqs.eu-west-1.localhost") == 200
        assert get("sqs.us-west-2.localhost") == 400
        assert get("localhost") == 400


def test_a_trace_comes_by_its_header_or_its_attribute(server, make) -> None:
    url, sqs = make(), server.client("sqs")

    def traced(request, **_):
        request.headers["X-Amzn-Trace-Id"] = TRACE

    sqs.meta.events.register("before-send.sqs.*", traced)
    sqs.send_message(QueueUrl=url, MessageBody="header")
    entry = {"Id": "a", "MessageBody": "batch"}
    sqs.send_message_batch(QueueUrl=url, Entries=[entry])
    own = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=own"}}
    sqs.send_message(QueueUrl=url, MessageBody="own", MessageSystemAttributes=own)
    got = receive(sqs, url, MessageSystemAttributeNames=["AWSTraceHeader"])
    assert {each["Body"]: each["Attributes"]["AWSTraceHeader"] for each in got} == {
        "header": TRACE,
        "batch": TRACE,
        "own": "Root=own",
    }


def test_a_new_deduplication_scope_takes_effect_a_minute_later(server, sqs, make) -> None:
    url = make(FifoQueue="true")

    def send(group, identifier):
        sqs.send_message(
            QueueUrl=url, MessageBody=group, MessageGroupId=group, MessageDeduplicationId=identifier
        )
        got = receive(sqs, url)
        for message in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in got]

    assert (send("a", "1"), send("b", "1")) == (["a"], [])
    wanted = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)
    have = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert {name: have[name] for name in wanted} == wanted
    assert (send("c", "1"), send("d", "2"), send("e", "2")) == ([], ["d"], [])
    server.clock.advance(61)
    assert (send("f", "3"), send("g", "3")) == (["f"], ["g"])
    with pytest.raises(sqs.exceptions.ClientError) as raised:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"DeduplicationScope": "queue"})
    assert code(raised) == "InvalidParameterValue"
    back = {"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=back)
    assert (send("h", "4"), send("i", "4")) == (["h"], ["i"])
    server.clock.advance(61)
    assert (send("j", "5"), send("k", "5")) == (["j"], [])

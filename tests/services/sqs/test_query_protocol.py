"""The query protocol that older SDKs speak: form fields in, XML out, the codes that they know."""

import json
import urllib.error
import urllib.request
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

_SPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


@pytest.fixture
def call(server):
    """Sends an action as a signed form; answers the status and the XML."""
    own = botocore.credentials.Credentials(server.access_key_id, server.secret_access_key)

    def send(path="/", *, keys=own, **fields):
        body = urlencode({"Version": "2012-11-05", **fields})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = botocore.awsrequest.AWSRequest("POST", server.endpoint + path, data=body, headers=headers)
        botocore.auth.SigV4Auth(keys, "sqs", "us-east-1").add_auth(request)
        wire = urllib.request.Request(request.url, body.encode(), dict(request.headers.items()))
        try:
            with urllib.request.urlopen(wire) as answer:
                return answer.status, ET.fromstring(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, ET.fromstring(error.read())

    return send


def texts(document, *path):
    return [found.text for found in document.findall("/".join(f"{_SPACE}{name}" for name in path))]


def test_a_message_goes_through_by_forms(call, server) -> None:
    status, made = call(
        Action="CreateQueue", QueueName="old",
        **{"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "0", "Tag.1.Key": "a", "Tag.1.Value": "b"},
    )  # fmt: skip
    assert status == 200
    assert texts(made, "CreateQueueResult", "QueueUrl") == [f"{server.endpoint}/{server.account}/old"]
    path = f"/{server.account}/old"
    attribute = {
        "MessageAttribute.1.Name": "n",
        "MessageAttribute.1.Value.DataType": "String",
        "MessageAttribute.1.Value.StringValue": "v",
    }
    status, _ = call(path, Action="SendMessage", MessageBody="<hello> & é", **attribute)
    assert status == 200
    batch = {
        "SendMessageBatchRequestEntry.1.Id": "one",
        "SendMessageBatchRequestEntry.1.MessageBody": "second",
    }
    status, sent = call(path, Action="SendMessageBatch", **batch)
    assert texts(sent, "SendMessageBatchResult", "SendMessageBatchResultEntry", "Id") == ["one"]
    names = {"AttributeName.1": "All", "MessageAttributeName.1": "All", "MaxNumberOfMessages": "10"}
    _, got = call(path, Action="ReceiveMessage", **names)
    assert texts(got, "ReceiveMessageResult", "Message", "Body") == ["<hello> & é", "second"]
    assert "SenderId" in texts(got, "ReceiveMessageResult", "Message", "Attribute", "Name")
    assert texts(got, "ReceiveMessageResult", "Message", "MessageAttribute", "Value", "StringValue") == ["v"]
    handle = texts(got, "ReceiveMessageResult", "Message", "ReceiptHandle")[0]
    assert call(path, Action="DeleteMessage", ReceiptHandle=handle)[0] == 200
    _, found = call(path, Action="GetQueueAttributes", **{"AttributeName.1": "VisibilityTimeout"})
    assert texts(found, "GetQueueAttributesResult", "Attribute", "Value") == ["0"]
    _, tags = call(path, Action="ListQueueTags")
    assert texts(tags, "ListQueueTagsResult", "Tag", "Key") == ["a"]
    _, listed = call(Action="ListQueues", QueueNamePrefix="old")
    assert texts(listed, "ListQueuesResult", "QueueUrl") == [f"{server.endpoint}/{server.account}/old"]


def test_long_polls_answer_by_xml(call, server) -> None:
    call(Action="CreateQueue", QueueName="waiting")
    status, got = call(f"/{server.account}/waiting", Action="ReceiveMessage", WaitTimeSeconds="1")
    assert (status, got.tag) == (200, f"{_SPACE}ReceiveMessageResponse")


def test_errors_have_the_codes_that_older_sdks_know(call, server) -> None:
    status, fault = call(f"/{server.account}/absent", Action="SendMessage", MessageBody="x")
    assert status == 400
    assert texts(fault, "Error", "Code") == ["AWS.SimpleQueueService.NonExistentQueue"]
    assert texts(fault, "Error", "Detail") == [None]
    status, fault = call(Action="Nothing")
    assert (
        status,
        texts(fault, "Error", "Code") or [e.text for e in fault.iter() if e.tag.endswith("Code")],
    ) == (400, ["InvalidAction"])


def test_an_absent_queue_is_told_of_in_the_words_of_this_protocol(call, server, sqs) -> None:
    _, fault = call(f"/{server.account}/absent", Action="ReceiveMessage")
    assert texts(fault, "Error", "Message") == ["The specified queue does not exist for this wsdl version."]
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as raised:
        sqs.receive_message(QueueUrl=f"{server.endpoint}/{server.account}/absent")
    assert raised.value.response["Error"]["Message"] == "The specified queue does not exist."


def test_who_accepts_json_gets_json(get, sqs, make) -> None:
    url = make("json")
    path = url.partition("//")[2].partition("/")[2]
    status, sent = get(path, {"Action": "SendMessage", "MessageBody": "hello"})
    result = sent["SendMessageResponse"]["SendMessageResult"]
    assert status == 200
    assert result["MD5OfMessageBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert result["SequenceNumber"] is None
    assert sent["SendMessageResponse"]["ResponseMetadata"]["RequestId"]
    names = {"AttributeName.1": "ApproximateReceiveCount"}
    _, got = get(path, {"Action": "ReceiveMessage", **names})
    (message,) = got["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"]
    assert message["Body"] == "hello"
    assert message["Attributes"] == [{"Name": "ApproximateReceiveCount", "Value": "1"}]
    assert message["MessageAttributes"] is None
    _, none = get(path, {"Action": "ReceiveMessage"})
    assert none["ReceiveMessageResponse"]["ReceiveMessageResult"] == {"messages": None}
    _, listed = get("", {"Action": "ListQueues", "QueueNamePrefix": url.rpartition("/")[2]})
    assert listed["ListQueuesResponse"]["ListQueuesResult"] == {"queueUrls": [url], "NextToken": None}
    status, fault = get(path, {"Action": "SendMessage"})
    assert (status, fault["Error"]["Code"], fault["Error"]["Type"]) == (400, "MissingParameter", "Sender")
    assert get(f"{path}-absent", {"Action": "ReceiveMessage"})[1]["Error"]["Message"].endswith(
        "wsdl version."
    )


def test_a_queue_url_is_no_endpoint_of_every_action(get, make) -> None:
    path = make("endpoint").partition("//")[2].partition("/")[2]
    for action in ("ListQueues", "CreateQueue", "FooBar"):
        status, fault = get(path, {"Action": action, "QueueName": "x"})
        assert (status, fault["Error"]["Code"]) == (400, "InvalidAction")
        assert fault["Error"]["Message"] == f"The action {action} is not valid for this endpoint."
    assert get(path, {}) == (404, "<UnknownOperationException/>\n")


@pytest.fixture
def get(server):
    """Sends an action as a signed GET that accepts JSON; answers the status and the document."""
    keys = botocore.credentials.Credentials(server.access_key_id, server.secret_access_key)

    def send(path, fields):
        url = f"{server.endpoint}/{path}?{urlencode(fields)}"
        request = botocore.awsrequest.AWSRequest("GET", url, headers={"Accept": "application/json"})
        botocore.auth.SigV4Auth(keys, "sqs", "us-east-1").add_auth(request)
        wire = urllib.request.Request(url, headers=dict(request.headers.items()))
        try:
            with urllib.request.urlopen(wire) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            return error.code, json.loads(text) if text.startswith("{") else text

    return send


def test_refused_signatures_have_the_words_of_the_protocol(call, server) -> None:
    unknown = botocore.credentials.Credentials("AKIAIOSFODNN7EXAMPLE", "x")
    status, refused = call(keys=unknown, Action="ListQueues")
    assert (status, texts(refused, "Error", "Code")) == (403, ["InvalidClientTokenId"])
    wrong = botocore.credentials.Credentials(server.access_key_id, "x")
    status, refused = call(keys=wrong, Action="ListQueues")
    assert (status, texts(refused, "Error", "Code")) == (403, ["SignatureDoesNotMatch"])

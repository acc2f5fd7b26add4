"""Faults on the wire: where each protocol puts code, message, further members and status."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import cbor2
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from coldframe.core.faults import AccessDenied, InternalFailure, NotBuilt, ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols import protocol_of, typed
from tests.gateway.protocols.models import service


def fault(name, wire, raised, operation=None):
    model = service(name)
    chosen = model.operation_model(operation) if operation else None
    return protocol_of(model, wire).fault(model, chosen, raised, "request-1")


def test_json_has_type_message_and_members():
    raised = ServiceFault(
        "InvalidSequenceTokenException", "The given sequenceToken is invalid.", expectedSequenceToken="49"
    )
    response = fault("logs", "json", raised, "PutLogEvents")
    assert (response.status, response.headers["x-amzn-requestid"]) == (400, "request-1")
    assert json.loads(response.body) == {
        "__type": "InvalidSequenceTokenException",
        "message": "The given sequenceToken is invalid.",
        "expectedSequenceToken": "49",
    }


def test_members_that_the_shape_has_not_stay_here():
    response = fault(
        "logs", "json", ServiceFault("ResourceNotFoundException", "no", inner="detail"), "PutLogEvents"
    )
    assert b"detail" not in response.body


def test_rest_json_has_the_errortype_header_and_the_modelled_status():
    response = fault("lambda", "rest-json", ServiceFault("ResourceNotFoundException", "no"), "GetFunction")
    assert (response.status, response.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    throttled = ServiceFault(
        "TooManyRequestsException", "slow down", retryAfterSeconds="7", Reason="CallerRateLimitExceeded"
    )
    response = fault("lambda", "rest-json", throttled, "GetFunction")
    assert (response.status, response.headers["retry-after"]) == (429, "7")
    assert json.loads(response.body)["Reason"] == "CallerRateLimitExceeded"


def test_a_query_fault_goes_by_shape_name_or_by_wire_code():
    for code in ("DBInstanceNotFoundFault", "DBInstanceNotFound"):
        response = fault("rds", "query", ServiceFault(code, "DBInstance a not found."), "DeleteDBInstance")
        assert response.status == 404
        root = ET.fromstring(response.body)
        texts = {node.tag.rpartition("}")[2]: node.text for node in root.iter()}
        assert (texts["Code"], texts["Type"], texts["RequestId"]) == (
            "DBInstanceNotFound",
            "Sender",
            "request-1",
        )
        assert root.tag == "{http://rds.amazonaws.com/doc/2014-10-31/}ErrorResponse"


def test_ec2_and_s3_have_documents_of_their_own():
    root = ET.fromstring(fault("ec2", "ec2", ServiceFault("InvalidVolume.NotFound", "no")).body)
    assert [node.tag for node in root.iter()] == [
        "Response",
        "Errors",
        "Error",
        "Code",
        "Message",
        "RequestID",
    ]
    root = ET.fromstring(fault("s3", "rest-xml", ServiceFault("NoSuchBucket", "no"), "CreateBucket").body)
    assert [node.tag for node in root.iter()] == ["Error", "Code", "Message", "RequestId", "HostId"]
    missing = ServiceFault("NoSuchKey", "no", Key="a<b", Inner={"not": "text"})
    root = ET.fromstring(fault("s3", "rest-xml", missing).body)
    assert [(node.tag, node.text) for node in root][2:] == [
        ("Key", "a<b"),
        ("RequestId", "request-1"),
        ("HostId", root.findtext("HostId")),
    ]
    assert root.findtext("HostId") not in {None, "request-1"}
    root = ET.fromstring(fault("s3control", "rest-xml", ServiceFault("NoSuchJob", "no")).body)
    assert root.tag == "ErrorResponse"


def test_services_that_were_query_once_also_send_the_old_code():
    raised = ServiceFault("QueueDoesNotExist", "no")
    response = fault("sqs", "json", raised, "GetQueueUrl")
    assert json.loads(response.body)["__type"] == "QueueDoesNotExist"
    assert response.headers["x-amzn-query-error"].endswith(";Sender")
    response = fault(
        "cloudwatch", "smithy-rpc-v2-cbor", ServiceFault("DashboardNotFoundError", "no"), "GetDashboard"
    )
    assert cbor2.loads(response.body)["__type"] == "DashboardNotFoundError"
    assert response.headers["x-amzn-query-error"] == "ResourceNotFound;Sender"


@pytest.mark.parametrize(
    ("name", "wire", "code", "status"),
    [
        ("logs", "json", "AccessDeniedException", 400),
        ("lambda", "rest-json", "AccessDeniedException", 403),
        ("iam", "query", "AccessDenied", 403),
        ("s3", "rest-xml", "AccessDenied", 403),
        ("ec2", "ec2", "UnauthorizedOperation", 403),
    ],
)
def test_a_denial_has_the_code_of_the_protocol(name, wire, code, status):
    response = fault(name, wire, AccessDenied("User: x is not authorized"))
    assert response.status == status
    assert code.encode() in response.body + response.headers.get("x-amzn-errortype", "").encode()


@pytest.mark.parametrize(
    ("name", "wire"),
    [("logs", "json"), ("lambda", "rest-json"), ("iam", "query"), ("s3", "rest-xml"), ("ec2", "ec2")],
)
def test_what_is_not_built_and_what_broke(name, wire):
    response = fault(name, wire, NotBuilt("GetX is not built here."))
    assert response.status == 501
    assert b"GetX is not built here." in response.body
    assert b"NotImplemented" in response.body + response.headers.get("x-amzn-errortype", "").encode()
    assert fault(name, wire, InternalFailure("See request-1.")).status == 500


def test_nothing_can_break_out_of_a_document_or_a_header():
    response = fault("iam", "query", ServiceFault("Code", "</Message><Code>Other</Code> \x00\ud800"))
    root = ET.fromstring(response.body)
    assert [node.text for node in root.iter() if node.tag.endswith("Code")] == ["Code"]
    model = service("s3")
    answered = protocol_of(model, "rest-xml").answer(
        model.operation_model("GetObject"), {"Metadata": {"a": "x\r\nset-cookie: y"}, "Body": b""}, "id"
    )
    assert answered.headers["x-amz-meta-a"] == "x  set-cookie: y"


def test_one_service_never_answers_with_the_shapes_of_another():
    """`Tag` has Key and Value in rds, key and value in logs and ecs: caches belong to one service's model."""
    rds, ecs = service("rds"), service("ecs")
    listed = protocol_of(rds, "query").answer(
        rds.operation_model("ListTagsForResource"), {"TagList": [{"Key": "k", "Value": "v"}]}, "id"
    )
    assert b"<Tag><Key>k</Key><Value>v</Value></Tag>" in listed.body
    told = protocol_of(ecs, "json").answer(
        ecs.operation_model("ListTagsForResource"), {"tags": [{"key": "k"}]}, "id"
    )
    assert json.loads(told.body) == {"tags": [{"key": "k"}]}


def test_plans_are_whole_whichever_thread_makes_them(monkeypatch):
    """Eight threads ask a fresh model at once; each must read every nested member."""
    fill = typed.Types._fill

    def slow_fill(*arguments):
        time.sleep(0.002)  # so that other threads come while a type is half made
        fill(*arguments)

    monkeypatch.setattr(typed.Types, "_fill", slow_fill)
    body = b'{"TableName":"t","Item":{"a":{"M":{"b":{"L":[{"S":"c"}]}}}}}'
    sent = WireRequest("POST", "/", "", {}, body)
    for _ in range(2):
        model = ServiceModel(Loader().load_service_model("dynamodb", "service-2"), "dynamodb")
        operations = [
            model.operation_model(name) for name in ("PutItem", "BatchWriteItem", "TransactWriteItems")
        ]
        protocol = protocol_of(model, "json")
        start = threading.Barrier(8)

        def ask(at, start=start, protocol=protocol, operations=operations):
            start.wait()
            protocol.parse(operations[at % 3], WireRequest("POST", "/", "", {}, b"{}"))
            return protocol.parse(operations[0], sent)

        with ThreadPoolExecutor(8) as threads:
            for got in threads.map(ask, range(8)):
                assert got == {"TableName": "t", "Item": {"a": {"M": {"b": {"L": [{"S": "c"}]}}}}}


def test_the_location_of_a_bucket_is_the_root_of_its_document():
    model = service("s3")
    operation = model.operation_model("GetBucketLocation")
    body = protocol_of(model, "rest-xml").answer(operation, {"LocationConstraint": "eu-west-1"}, "id").body
    root = ET.fromstring(body)
    assert (root.tag, root.text) == (
        "{http://s3.amazonaws.com/doc/2006-03-01/}LocationConstraint",
        "eu-west-1",
    )
    assert ET.fromstring(protocol_of(model, "rest-xml").answer(operation, {}, "id").body).text is None

"""Every operation of every service of the design: botocore writes what we read, and reads what we write."""

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence

from coldframe.core.faults import AccessDenied, NotBuilt, ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols import choose, protocol_of
from coldframe.gateway.route import Router
from tests.gateway.protocols.models import SERVICES, Values, service, services

# Operations that share method and path with another one: requests go to the one that replaced them,
# and the list of directory buckets, which AWS keeps at another endpoint, gives way to that of all buckets.
REPLACED = {
    "ListDirectoryBuckets": "ListBuckets",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
}
# They have a member Event and a flattened list Events whose elements are named Event as well.
AMBIGUOUS = {"GetBucketNotification", "PutBucketNotification"}
WIRES = [
    (name, wire)
    for name in SERVICES
    for wire in service(name).metadata.get("protocols") or [service(name).protocol]
]


@pytest.fixture(scope="module")
def router():
    return Router(services())


def wire_request(model, sent):
    body = sent["body"]
    if isinstance(body, dict):
        body = percent_encode_sequence(body)
    body = body.encode() if isinstance(body, str) else body
    path, _, query = sent["url_path"].partition("?")
    more = (
        sent["query_string"]
        if isinstance(sent["query_string"], str)
        else percent_encode_sequence(sent["query_string"])
    )
    headers = {name.lower(): str(value) for name, value in sent["headers"].items()}
    scope = f"AK/20260101/us-east-1/{model.signing_name}/aws4_request"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    headers["host"] = "127.0.0.1:4566"
    return WireRequest(sent["method"], path, "&".join(part for part in (query, more) if part), headers, body)


def without_empty(value):
    """Drop what a client cannot show: an empty structure, list, map or payload is the same as none."""
    if isinstance(value, dict):
        pruned = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item not in ({}, [], b"", "")}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("name", "wire"), WIRES)
def test_requests(router, name, wire):
    model = service(name)
    serializer = create_serializer(wire, include_validation=False)
    wrong = []
    for operation_name in model.operation_names:
        operation = model.operation_model(operation_name)
        if operation.has_event_stream_input:
            continue
        values = Values(operation_name)
        params = values.structure(operation.input_shape) if operation.input_shape else {}
        request = wire_request(model, serializer.serialize_to_request(params, operation))
        route = router.route(request)
        if (route.service, route.operation.name) != (model, REPLACED.get(operation_name, operation_name)):
            wrong.append((operation_name, "routed to", route.service, route.operation))
            continue
        if route.protocol.name != wire:
            wrong.append((operation_name, "protocol", route.protocol.name))
        got = route.protocol.parse(operation, route.request)
        if operation_name in AMBIGUOUS:
            continue
        if without_empty(got) != without_empty(params):
            wrong.append((operation_name, got, params))
    assert wrong == []


def answered(model, operation, wire, response):
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    parsed_from = {
        "status_code": response.status,
        "headers": HeadersDict(response.headers),
        "body": body,
        "context": {"operation_name": operation.name},
    }
    parsed = create_parser(wire).parse(parsed_from, operation.output_shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


def as_text(value, payload):
    if payload and isinstance(value.get(payload), bytes):
        value = {**value, payload: value[payload].decode()}
    return value


@pytest.mark.parametrize(("name", "wire"), WIRES)
def test_answers(name, wire):
    model = service(name)
    wrong = []
    for operation_name in model.operation_names:
        operation = model.operation_model(operation_name)
        if operation.has_event_stream_output or operation_name in AMBIGUOUS:
            continue
        shape = operation.output_shape
        result = Values(operation_name, output=True).structure(shape) if shape else {}
        for member_name, member in shape.members.items() if shape else ():
            if member.serialization.get("location") == "statusCode":
                result[member_name] = 200
        response = protocol_of(model, wire).answer(operation, result, "request-id")
        payload = shape.serialization.get("payload") if shape else None
        got = answered(model, operation, wire, response)
        if without_empty(as_text(got, payload)) != without_empty(as_text(result, payload)):
            wrong.append((operation_name, got, result))
    assert wrong == []


@pytest.mark.parametrize(("name", "wire"), WIRES)
def test_faults(name, wire):
    model = service(name)
    parser = create_parser(wire)
    protocol = protocol_of(model, wire)
    operation = model.operation_model(model.operation_names[0])
    shapes = {
        shape.name: shape
        for one in model.operation_names
        for shape in model.operation_model(one).error_shapes
    }
    for shape in list(shapes.values()) + model.error_shapes:
        fault = ServiceFault(shape.name, "What is wrong & why")
        response = protocol.fault(model, operation, fault, "request-id")
        headers = HeadersDict(response.headers)
        raw = {"status_code": response.status, "headers": headers, "body": response.body, "context": {}}
        error = parser.parse(raw, operation.output_shape)["Error"]
        assert (error["Code"], error["Message"]) == (shape.error_code, "What is wrong & why")
        assert 400 <= response.status < 600
    expected = {"ec2": "UnauthorizedOperation", "query": "AccessDenied", "rest-xml": "AccessDenied"}
    for fault, code in (
        (AccessDenied("no"), expected.get(wire, "AccessDeniedException")),
        (NotBuilt("not"), "NotImplemented"),
    ):
        response = protocol.fault(model, None, fault, "request-id")
        headers = HeadersDict(response.headers)
        raw = {"status_code": response.status, "headers": headers, "body": response.body, "context": {}}
        error = parser.parse(raw, None)["Error"]
        if not (model.is_query_compatible and code == "AccessDeniedException"):
            assert error["Code"] == code
        assert response.status == (501 if isinstance(fault, NotBuilt) else response.status)


def test_choose_takes_what_the_request_shows():
    cloudwatch = service("cloudwatch")
    shown = {
        "json": WireRequest(
            "POST", "/", "", {"x-amz-target": "GraniteServiceVersion20100801.ListMetrics"}, b"{}"
        ),
        "query": WireRequest("POST", "/", "", {}, b"Action=ListMetrics&Version=2010-08-01"),
        "smithy-rpc-v2-cbor": WireRequest(
            "POST",
            "/service/GraniteServiceVersion20100801/operation/ListMetrics",
            "",
            {"smithy-protocol": "rpc-v2-cbor"},
            b"",
        ),
    }
    assert {name: choose(cloudwatch, request).name for name, request in shown.items()} == {
        name: name for name in shown
    }

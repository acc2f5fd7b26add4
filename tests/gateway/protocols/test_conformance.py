"""botocore's protocol test cases, read backwards: its requests must parse, its results must be written."""

import base64
import json
import math
import tomllib
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import cbor2
import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway import protocols

CASES = Path(__file__).parent / "cases"
EXCEPTIONS = tomllib.loads((CASES / "exceptions.toml").read_text("utf-8"))


def load(kind):
    for path in sorted((CASES / kind).glob("*.json")):
        for number, suite in enumerate(json.loads(path.read_text("utf-8"))):
            for at, case in enumerate(suite.pop("cases")):
                name = f"{path.stem}-{case.get('id', f'{number}.{at}')}"
                yield pytest.param(suite, case, id=name)


def model(suite, case):
    name = case["given"].get("name", "OperationName")
    described = {**suite, "operations": {name: case["given"]}}
    described.setdefault("metadata", {}).setdefault("endpointPrefix", "test")
    service = ServiceModel(described, "test")
    return service, OperationModel(case["given"], service, name)


def protocol(service):
    return protocols.protocol_of(service, service.metadata["protocol"])


def plain(value):
    """Bring values into the form in which the cases write them: epoch seconds, text for blobs and special floats."""
    if isinstance(value, datetime):
        value = value.timestamp()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def excused(kind, request):
    name = request.node.callspec.id
    reason = EXCEPTIONS[kind].get(name)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.mark.parametrize(("suite", "case"), list(load("input")))
def test_input(suite, case, request):
    excused("input", request)
    service, operation = model(suite, case)
    wire = case["serialized"]
    parts = urlsplit(wire.get("uri", "/"))
    body = wire.get("body", "")
    body = base64.b64decode(body) if service.metadata["protocol"] == "smithy-rpc-v2-cbor" else body.encode()
    headers = {name.lower(): text for name, text in wire.get("headers", {}).items()}
    sent = WireRequest(wire.get("method", "POST"), parts.path, parts.query, headers, body)
    assert plain(protocol(service).parse(operation, sent)) == plain(case.get("params", {}))


def canonical(body):
    root = ET.fromstring(body)
    for node in list(root.iter()):
        node.tag = node.tag.rsplit("}", 1)[-1]
        node.text = (node.text or "").strip()
        node.tail = ""
        node.attrib = {key.rsplit("}", 1)[-1]: value for key, value in node.attrib.items()}
    for parent in list(root.iter()):
        parent[:] = sorted(parent, key=lambda child: child.tag)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {"ResponseMetadata", "RequestId", "RequestID", "requestId"}:
                parent.remove(child)
    return root


def tree(node):
    return node.tag, node.text, node.attrib, [tree(child) for child in node]


def comparable(service, text, expected_type):
    name = service.metadata["protocol"]
    if not text:
        return None
    text = text.strip() if name != "smithy-rpc-v2-cbor" else text
    if name == "smithy-rpc-v2-cbor":
        return without_namespace(plain(cbor2.loads(text)))
    if name in {"json", "rest-json"} and text[:1] in b"{[" and "json" in expected_type:
        return without_namespace(json.loads(text))
    if name in {"query", "ec2", "rest-xml"} and text[:1] == b"<" and "xml" in expected_type:
        return tree(canonical(text))
    return text


def without_namespace(document):
    if isinstance(document, dict) and "__type" in document:
        document["__type"] = document["__type"].partition(":")[0].rpartition("#")[2]
    return document


def read_by_botocore(service, operation, case, got):
    parser = create_parser(service.metadata["protocol"])
    headers = HeadersDict(got.headers)
    response = {"status_code": got.status, "headers": headers, "body": got.body, "context": {}}
    shape = operation.output_shape
    if shape is not None and service.metadata["protocol"] == "query":
        shape.serialization["resultWrapper"] = f"{operation.name}Result"
    parsed = parser.parse(response, shape)
    if "error" in case:
        error = {key: parsed["Error"].get(key) or "" for key in ("Code", "Message")}
        if operation.error_shapes:
            parsed = parser.parse(response, operation.error_shapes[0])
        return error | {key: value for key, value in plain(parsed).items() if key in case["error"]}
    parsed.pop("ResponseMetadata", None)
    return plain(parsed)


def expected_by_botocore(case):
    if "error" in case:
        return {"Code": case["errorCode"], "Message": case.get("errorMessage", "")} | case["error"]
    return {key: value for key, value in case["result"].items() if value is not None}


@pytest.mark.parametrize(("suite", "case"), list(load("output")))
def test_output(suite, case, request):
    excused("output", request)
    service, operation = model(suite, case)
    wire = case["response"]
    if "error" in case:
        shape = operation.error_shapes[0] if operation.error_shapes else None
        members = {key: value for key, value in case["error"].items() if key.lower() != "message"}
        fault = ServiceFault(
            shape.name if shape else case["errorCode"], case.get("errorMessage", ""), **members
        )
        got = protocol(service).fault(service, operation, fault, "foo-id")
    else:
        got = protocol(service).answer(operation, case["result"], "foo-id")
    assert got.status == wire["status_code"]
    expected_headers = {name.lower(): text for name, text in wire.get("headers", {}).items()}
    kind = expected_headers.pop("content-type", "json xml")
    expected_headers.pop("content-length", None)  # the HTTP server writes it
    for name, text in expected_headers.items():
        assert got.headers[name] == text, name
    if kind != "json xml" and wire.get("body"):
        assert got.headers["content-type"].partition(";")[0] == kind.partition(";")[0]
    body = wire.get("body")
    if body is None:
        return
    if request.node.callspec.id in EXCEPTIONS["answered_otherwise"]:
        assert read_by_botocore(service, operation, case, got) == expected_by_botocore(case)
        return
    body = base64.b64decode(body) if service.metadata["protocol"] == "smithy-rpc-v2-cbor" else body.encode()
    assert comparable(service, got.body, kind) == comparable(service, body, kind)

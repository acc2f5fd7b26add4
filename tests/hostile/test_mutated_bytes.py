"""Requests that were right, with bytes flipped, cut, doubled and swapped: every parser answers 4xx, none breaks."""

import logging
import os
import random

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ParamValidationError
from botocore.model import OperationModel
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coldframe.core import models
from coldframe.core.config import Settings
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols.protocol import Protocol
from coldframe.gateway.route import Router
from coldframe.identity import bootstrap
from coldframe.server.assembly import assemble
from tests.hostile.requests import Requests

EXAMPLES = int(os.environ.get("COLDFRAME_FUZZ_ROUNDS", "10")) * 15
# One service for each protocol; monitoring speaks CBOR, JSON and the query protocol.
SERVICES = ("logs", "iam", "ec2", "s3control", "backup", "cloudwatch", "xray", "textract")
TOKENS = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"<", b">", b"&", b"&#0;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<![CDATA[", b"{", b"}", b"[", b"]", b'"', b"\\", b"\\u0000",
    b"\\ud800", b":", b",", b"null", b"true", b"1e999", b"-", b"9" * 40, b"NaN", b"%", b"%00", b"%ff", b"=", b".member.1", b".entry.1.key", b"\xbf", b"\x9f", b"\x5f", b"\xfb\x7f\xf8\0\0\0\0\0\0",
)  # fmt: skip


@pytest.fixture(scope="module")
def router():
    return Router({name: models.load(name) for name in SERVICES})


def mutated(body: bytes, chance: random.Random) -> bytes:
    """The body with up to four wounds."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, to = sorted((chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)))
        kind = chance.randrange(6)
        if kind == 0:
            body = body[:at]
        elif kind == 1:
            body = body[:at] + body[to:]
        elif kind == 2:
            body = body[:at] + chance.choice(TOKENS) + body[at:]
        elif kind == 3:
            body = body[:to] + body[at:to] * chance.choice((1, 2, 50)) + body[to:]
        elif kind == 4 and body:
            body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        else:
            body = body[:at] + chance.choice(TOKENS) + body[to:]
    return body[:100_000]


def wire_request(operation: OperationModel, protocol: str, requests: Requests) -> WireRequest:
    """A random request as AWS's client would write it."""
    made = create_serializer(protocol, include_validation=False).serialize_to_request(
        requests.parameters(operation), operation
    )
    aws = AWSRequest(
        made["method"], "http://h.example" + made["url_path"], headers=dict(made["headers"]), data=made["body"],
        params=made.get("query_string") or None,
    )  # fmt: skip
    SigV4Auth(Credentials("AKID", "secret"), operation.service_model.signing_name, "us-east-1").add_auth(aws)
    sent = aws.prepare()
    path, _, query = sent.url.removeprefix("http://h.example").partition("?")
    body = sent.body or b""
    headers = {
        name.lower(): value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for name, value in sent.headers.items()
    }
    body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
    return WireRequest(sent.method, path or "/", query, {**headers, "host": "h.example"}, body)


def protocols_of(service: str) -> list[str]:
    stated = models.load(service).metadata.get("protocols") or [models.load(service).metadata["protocol"]]
    return ["rpc-v2-cbor" if name == "smithy-rpc-v2-cbor" else name for name in stated]


@pytest.mark.parametrize(
    ("service", "protocol"), [(name, protocol) for name in SERVICES for protocol in protocols_of(name)]
)
@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_no_bytes_break_a_parser(router, service, protocol, seed):
    chance = random.Random(seed)
    requests = Requests(seed)
    model = models.load(service)
    operation = model.operation_model(chance.choice(model.operation_names))
    if operation.has_event_stream_input or operation.has_streaming_input:
        return
    try:
        request = wire_request(operation, protocol, requests)
    except (ValueError, TypeError, OverflowError, KeyError, ParamValidationError):
        return  # a value that AWS's own client cannot write
    request.body = mutated(request.body, chance)
    if chance.random() < 0.3:
        request.query = mutated(request.query.encode(), chance).decode("latin-1")
        request.path = "/" + mutated(request.path.encode(), chance).decode("latin-1").lstrip("/")
    if chance.random() < 0.3 and request.headers:
        name = chance.choice(list(request.headers))
        request.headers[name] = mutated(request.headers[name].encode(), chance).decode(
            "utf-8", "surrogateescape"
        )
    try:
        found = router.route(request)
        parse: Protocol = found.protocol
        parse.parse(found.operation, found.request)
    except ServiceFault as fault:
        assert fault.code != "InternalFailure"
        assert fault.status is None or fault.status < 500, fault


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with assemble(Settings(tmp_path_factory.mktemp("bytes") / "data")) as assembly:
        yield assembly.gateway, bootstrap.set_up(assembly.installation)


@settings(max_examples=EXAMPLES * 4, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_signed_garbage_is_refused_as_the_callers_fault(gateway, caplog, seed):
    """The signature is right, so that everything behind it is reached."""
    app, root = gateway
    chance = random.Random(seed)
    service = app.services[chance.choice(sorted(app.services))]
    operation = service.model.operation_model(chance.choice(sorted(service.handlers)))
    try:
        made = wire_request(operation, service.model.metadata["protocol"], Requests(seed))
    except (ValueError, TypeError, OverflowError, KeyError, ParamValidationError):
        return
    body = mutated(made.body, chance)
    kept = {name: value for name, value in made.headers.items() if name in {"content-type", "x-amz-target"}}
    again = AWSRequest(made.method, f"http://h.example{made.path}", headers=kept, data=body)
    SigV4Auth(Credentials(*root[1:]), service.model.signing_name, "us-east-1").add_auth(again)
    headers = {name.lower(): str(value) for name, value in again.headers.items()} | {"host": "h.example"}
    with caplog.at_level(logging.ERROR):
        answer = app.handle(WireRequest(made.method, made.path, "", headers, body))
    assert answer.status < 500 or answer.status == 501, (answer.body, body, caplog.text[-3000:])

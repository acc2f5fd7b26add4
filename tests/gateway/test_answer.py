"""Answers to requests that reach no service."""

from xml.etree import ElementTree as ET

import pytest

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.answer import fault_without_service


@pytest.mark.parametrize(
    ("service", "error", "request_id"),
    [("ec2", "Errors/Error", "RequestID"), ("elasticloadbalancing", "Error", "RequestId")],
)
def test_a_service_that_is_not_here_is_refused_in_its_own_form(service, error, request_id):
    scope = f"AWS4-HMAC-SHA256 Credential=AKID/20261130/us-east-1/{service}/aws4_request, SignedHeaders=host"
    request = WireRequest("POST", "/", "", {"authorization": scope}, b"")
    answer = fault_without_service(request, ServiceFault("NotHere", "a < b", status=400), "an-id")
    document = ET.fromstring(answer.body)
    found = [document.findtext(f"{error}/{name}") for name in ("Code", "Message")]
    assert (answer.status, *found, document.findtext(request_id)) == (400, "NotHere", "a < b", "an-id")

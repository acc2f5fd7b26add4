"""The test suite that AWS publishes for Signature Version 4: its requests verify, its canonical forms are ours."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from signing import Plain

from coldframe.core.wire import WireRequest
from coldframe.gateway.signature import Expectation, Secret, verify
from coldframe.gateway.signature.canonical import canonical_digests

SUITE = json.loads(Path(__file__).with_name("aws4_testsuite.json").read_text("utf-8"))
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def parsed(text, authorization):
    head, _, body = text.partition("\n\n")
    line, *rest = head.rstrip("\n").split("\n")
    method, target = line.removesuffix(" HTTP/1.1").split(" ", 1)
    headers, name = {}, ""
    for header in rest:
        if header[0] in " \t":
            headers[name] += " " + header.strip()
            continue
        name, _, value = header.partition(":")
        name = name.lower()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    if "x-amz-security-token" in authorization and "x-amz-security-token" not in headers:
        # One case keeps the token with the credentials and leaves it out of its request.
        headers["x-amz-security-token"] = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
    path, _, query = target.partition("?")
    return WireRequest(method, path, query, headers, body.encode())


@pytest.mark.parametrize("name", SUITE)
def test_verifies(name):
    case = SUITE[name]
    request = parsed(case["req"], case["authz"])
    request.headers["authorization"] = case["authz"]
    token = request.headers.get("x-amz-security-token")
    verified = verify(
        request,
        lambda _: Secret(Plain(SECRET), "me", token),
        AT,
        expected=Expectation("query", frozenset({"service"})),
    )
    assert verified.principal == "me"
    assert verified.date == AT


@pytest.mark.parametrize("name", SUITE)
def test_canonical_form(name):
    case = SUITE[name]
    names = tuple(case["authz"].split("SignedHeaders=")[1].split(",")[0].split(";"))
    request = parsed(case["req"], case["authz"])
    payload = sha256(request.body).hexdigest()
    digests = list(canonical_digests(request, names, payload, s3=False, presigned=False))
    assert digests[0] == case["sts"].rsplit("\n", 1)[1]
    assert digests[0] == sha256(case["creq"].encode()).hexdigest()

"""Malformed requests of every sort against a running server: each gets a clear 4xx, in little memory."""

import contextlib
import json
import shutil
import socket
import subprocess
import time

import pytest

from tests.hostile.wire import PATIENCE, Wire

JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
CBOR = {
    "Content-Type": "application/cbor",
    "Smithy-Protocol": "rpc-v2-cbor",
    "Accept": "application/cbor",
}
MEGABYTE = 1024 * 1024


@pytest.fixture
def wire(target):
    return Wire(target)


BAD_JSON = [
    b"", b"{", b"}", b"nul", b"[]", b"1", b'"x"', b"null", b"\xff\xfe", b"\x00", b'{"limit":', b'{"limit":1,}', b"{'limit':1}", b'{"limit":NaN}',
    b'{"limit":Infinity}', b'{"limit":1e999}', b'{"limit":"1"}', b'{"limit":true}', b'{"limit":[]}', b'{"limit":{}}', b'{"limit":-1}', b'{"limit":0}',
    b'{"limit":99999999999999999999999999999999}', b'{"limit":1.5}', b'{"logGroupNamePrefix":"\\ud800"}', b'{"logGroupNamePrefix":1}', b'{"logGroupNamePrefix":"\xff"}',
    b'{"nextToken":"x"}', b'{"nextToken":"\\u0000"}', b'{"a":' * 100_000, b"[" * 1_000_000, b'{"logGroupNamePrefix":' + b"[" * 200_000,
    b'{"limit":' + b"1" * 1_000_000 + b"}", b"\xef\xbb\xbf{", b"{}{}", b'{"accountIdentifiers":"1"}', b'{"accountIdentifiers":[null]}', b'{"accountIdentifiers":[[[[]]]]}',
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_JSON, ids=lambda body: repr(body[:40]))
def test_bad_json(wire, body):
    got = wire.call("logs", body, JSON)
    if body in {b"", b"null"}:
        assert got.status in {200, 400}, got
        return
    assert got.status == 400, got
    assert got.code
    json.loads(got.body)
    assert got.headers["x-amzn-requestid"]


BAD_FORMS = [
    b"", b"&&&&", b"====", b"Action", b"Action=", b"Action=GetCallerIdentity&Action=AssumeRole&Version=2011-06-15", b"%", b"%zz=%zz", b"\xff=\xff",
    b"Action=Nothing&Version=2011-06-15", b"Action=getcalleridentity&Version=2011-06-15",
    b"Action=AssumeRole&Version=2011-06-15", b"Action=AssumeRole&Version=2011-06-15&RoleArn=x&RoleSessionName=x&DurationSeconds=x",
    b"Action=AssumeRole&Version=2011-06-15&Tags.member.99999999999999.Key=a", b"Action=AssumeRole&Version=2011-06-15&Tags.member.-1.Key=a",
    b"Action=AssumeRole&Version=2011-06-15&" + b"&".join(b"Tags.member.%d.Key=a" % n for n in range(50_000)),
    b"Action=AssumeRole&Version=2011-06-15&Tags" + b".member.1" * 50_000 + b"=a", b"Action=AssumeRole&Version=2011-06-15&RoleArn=%00%ff&RoleSessionName=%ed%a0%80",
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "a">]><l>&a;</l>', b"{}", b"Action=" + b"A" * 1_000_000,
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_FORMS, ids=lambda body: repr(body[:70]))
def test_bad_forms(wire, body):
    started = time.monotonic()
    got = wire.call("sts", body, FORM)
    assert 400 <= got.status < 500, got
    assert got.code
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("body", [
    b"", b"\xff", b"\x9f" * 100_000, b"\xbf", b"\xa1\x61a", b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", b"\xc2\x5a\x00\xff\xff\xff",
    b"\xd8\x1c\xa1", b"\xa1\x65limit\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00", b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", b"\xf7", b"\xd9\xd9\xf7\xf6", b"\xc0" * 100_000,
])  # fmt: skip
@pytest.mark.parametrize("operation", ["DescribeLogGroups", "PutLogEvents"])
def test_cbor_garbage(wire, body, operation):
    got = wire.call("logs", body, CBOR, path=f"/service/Logs_20140328/operation/{operation}")
    assert 400 <= got.status < 500, got


@pytest.mark.parametrize(("service", "headers", "body"), [
    ("logs", {"X-Amz-Target": "Logs_20140328.Nothing"}, b"{}"),
    ("logs", {"X-Amz-Target": "Nothing.DescribeLogGroups"}, b"{}"),
    ("logs", {"X-Amz-Target": "logs_20140328.describeloggroups"}, b"{}"),
    ("logs", {"X-Amz-Target": ""}, b"{}"),
    ("logs", {"X-Amz-Target": "." * 5000}, b"{}"),
    ("logs", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups.x"}, b"{}"),
    ("logs", {}, b"{}"),
    ("nothing", {}, b""),
    ("s3", {}, b"<a/>"),
    ("../../etc", {}, b"Action=GetCallerIdentity&Version=2011-06-15"),
    ("", {}, b""),
    ("ec2", FORM, b"Action=RunInstances&Version=2016-11-15"),
    ("sts", JSON, b"{}"),
    ("logs", FORM, b"Action=GetCallerIdentity&Version=2011-06-15"),
])  # fmt: skip
def test_unknown_services_and_operations(wire, service, headers, body):
    got = wire.call(service, body, headers)
    assert 400 <= got.status < 500 or got.status == 501, got
    assert got.code


@pytest.mark.parametrize(
    "content_type",
    ["", "text/html", "application/json", "application/xml", "multipart/form-data", "x" * 5000],
)
def test_content_types(wire, content_type):
    got = wire.call("logs", b"{}", {**JSON, "Content-Type": content_type})
    assert got.status == 200 or 400 <= got.status < 500, got


def test_operations_that_are_not_built_say_so(wire):
    got = wire.call("logs", b'{"importId":"x"}', {**JSON, "X-Amz-Target": "Logs_20140328.CancelImportTask"})
    assert (got.status, got.code) == (501, "NotImplemented")
    assert b"CloudTrail" in got.body


@pytest.mark.parametrize(
    "path",
    [
        "//",
        "/../../etc/passwd",
        "/%2e%2e/%00",
        "/\xff",
        "/" + "a" * 60_000,
        "/?" + "a=b&" * 20_000,
        "*",
        "http://other/",
        "/_coldframe/../x",
        "/_coldframe/reset",
        "/_coldframe/%00",
    ],
)
@pytest.mark.parametrize(
    "method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "X" * 40]
)
def test_paths_and_methods(wire, method, path):
    got = wire.send(method, path, {})
    assert got.status == 0 or 400 <= got.status < 500, got


@pytest.mark.parametrize("line", [
    b"X-A: a\x00b", b"X-A: a\rb", b"X-A\x00: b", b"X A: b", b": b", b"X-A", b" X-A: b", b"X-A: \xff\xfe", b"Host: other\r\nHost: more",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: gzip", b"Content-Length: 1e3", b"Content-Length: +1", b"Content-Length: 18446744073709551616",
    b"Content-Encoding: gzip", b"Expect: nonsense", b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings",
    b"Authorization: AWS4-HMAC-SHA256 Credential=" + b"/" * 5000, b"Authorization: Basic eDp5", b"X-Amz-Date: \xe2\x80\x8b", b"Range: bytes=0-,1-,2-",
])  # fmt: skip
def test_headers(wire, line):
    got = wire.raw(
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + line + b"\r\nX-End: x\r\n\r\n",
        half_close=True,
    )
    assert got.status == 0 or 400 <= got.status < 500, got


def test_smuggled_requests_are_not_served(wire):
    got = wire.raw(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 47\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /_coldframe/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        half_close=True,
    )
    # RFC 9112 lets a server take the chunked framing, but then it must close and serve nothing after it.
    assert b'"status"' not in got.body, got


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_100_megabytes_stay_out_of_memory(target, wire, chunked):
    before = target.resident()
    most = before
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 104857600"
    piece = bytes(MEGABYTE)
    with socket.create_connection((wire.host, wire.port), PATIENCE) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Logs_20140328.PutLogEvents\r\n"
            + framing
            + b"\r\n\r\n"
        )
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(100):
                client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                most = max(most, target.resident())
        got = b""
        with contextlib.suppress(ConnectionResetError):
            client.settimeout(PATIENCE)
            got = client.recv(65536)
    assert not got or got.startswith(b"HTTP/1.1 413 "), got
    assert most - before < 64 * MEGABYTE


def test_many_large_bodies_at_once_stay_bounded(target, wire):
    """Forty clients send 15 MB each and stop before the end."""
    before = target.resident()
    with contextlib.ExitStack() as open_ones:
        for _ in range(40):
            client = open_ones.enter_context(socket.create_connection((wire.host, wire.port), PATIENCE))
            client.settimeout(0.5)
            with contextlib.suppress(OSError):
                client.sendall(
                    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 15728640\r\n\r\n"
                    + bytes(15 * MEGABYTE - 1)
                )
        held = target.resident() - before
        assert target.client("sts").get_caller_identity()
    assert held < 400 * MEGABYTE


def test_slow_clients_do_not_shut_others_out(target, wire):
    with contextlib.ExitStack() as open_ones:
        for number in range(300):
            client = open_ones.enter_context(socket.create_connection((wire.host, wire.port), PATIENCE))
            client.sendall(
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                + (b"\r\nabc" if number % 2 else b"")
            )
        started = time.monotonic()
        target.client("sts").get_caller_identity()
        target.client("logs").describe_log_groups()
        assert time.monotonic() - started < 5


def test_header_floods(wire):
    for flood in (b"X-A: a\r\n" * 20_000, b"X-A: " + b"a" * 5_000_000 + b"\r\n", b"a" * 5_000_000):
        got = wire.raw(b"GET / HTTP/1.1\r\nHost: x\r\n" + flood + b"\r\n")
        assert got.status == 0 or 400 <= got.status < 500, got


@pytest.mark.skipif(shutil.which("curl") is None, reason="speaks HTTP/2 by curl")
@pytest.mark.parametrize("version", ["--http2-prior-knowledge", "--http2"])
def test_http2(target, wire, version):
    path, headers = wire.signed("logs", b"{}", JSON)
    headers.pop("Content-Length", None)
    command = [
        "curl",
        "-sS",
        version,
        "-d",
        "{}",
        *(word for pair in headers.items() for word in ("-H", f"{pair[0]}: {pair[1]}")),
    ]
    done = subprocess.run(
        [*command, f"{target.address.endpoint}{path}"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["logGroups"][0]["logGroupName"] == "g"
    done = subprocess.run(
        [*command, "-d", "{", f"{target.address.endpoint}{path}"], capture_output=True, text=True, check=True
    )
    assert "__type" in json.loads(done.stdout)

"""Requests as the clients send them reach their service and operation, and unknown ones a clear fault."""

import gzip

import pytest

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway import route as route_module
from coldframe.gateway.hosts import virtual_host_bucket
from coldframe.gateway.route import Router
from tests.gateway.protocols.models import services


@pytest.fixture(scope="module")
def router():
    return Router(services())


def request(method="POST", path="/", query="", body=b"", scope=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if scope:
        credential = f"AKIAEXAMPLE/20260101/eu-west-1/{scope}/aws4_request"
        named["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00"
    return WireRequest(method, path, query, named, body)


ROUTES = [
    (request(x_amz_target="Logs_20140328.PutLogEvents", scope="logs"), "logs", "PutLogEvents", "json"),
    (request(x_amz_target="GraniteServiceVersion20100801.ListMetrics"), "cloudwatch", "ListMetrics", "json"),
    (
        request(scope="monitoring", body=b"Action=ListMetrics&Version=2010-08-01"),
        "cloudwatch",
        "ListMetrics",
        "query",
    ),
    (
        request(
            path="/service/GraniteServiceVersion20100801/operation/ListMetrics",
            smithy_protocol="rpc-v2-cbor",
            scope="monitoring",
        ),
        "cloudwatch",
        "ListMetrics",
        "smithy-rpc-v2-cbor",
    ),
    (
        request(scope="sts", body=b"Action=GetCallerIdentity&Version=2011-06-15"),
        "sts",
        "GetCallerIdentity",
        "query",
    ),
    # AssumeRoleWithWebIdentity is not signed: Action and Version alone name it.
    (
        request(body=b"Version=2011-06-15&Action=AssumeRoleWithWebIdentity"),
        "sts",
        "AssumeRoleWithWebIdentity",
        "query",
    ),
    (
        request("GET", query="Action=DescribeRegions&Version=2016-11-15", scope="ec2"),
        "ec2",
        "DescribeRegions",
        "ec2",
    ),
    (request("GET", scope="s3"), "s3", "ListBuckets", "rest-xml"),
    (request("GET", "/bucket", "list-type=2&prefix=a", scope="s3"), "s3", "ListObjectsV2", "rest-xml"),
    (request("GET", "/bucket/", "list-type=2", scope="s3"), "s3", "ListObjectsV2", "rest-xml"),
    (request("GET", "/bucket", "", scope="s3"), "s3", "ListObjects", "rest-xml"),
    (request("GET", "/bucket", "acl", scope="s3"), "s3", "GetBucketAcl", "rest-xml"),
    (request("PUT", "/bucket/a/b%20c.txt", scope="s3"), "s3", "PutObject", "rest-xml"),
    (request("PUT", "/bucket/key", "partNumber=1&uploadId=u", scope="s3"), "s3", "UploadPart", "rest-xml"),
    (request("PUT", "/bucket/key", scope="s3", x_amz_copy_source="/a/b"), "s3", "CopyObject", "rest-xml"),
    (request("POST", "/bucket/key", "uploads", scope="s3"), "s3", "CreateMultipartUpload", "rest-xml"),
    (request("POST", "/bucket/key", "uploadId=u", scope="s3"), "s3", "CompleteMultipartUpload", "rest-xml"),
    (request("GET", "/bucket/key", "x-id=GetObject", scope="s3"), "s3", "GetObject", "rest-xml"),
    (request("GET", "/key", host="bucket.localhost:4566", scope="s3"), "s3", "GetObject", "rest-xml"),
    (
        request("GET", "/v20180820/jobs", x_amz_account_id="123456789012", scope="s3"),
        "s3control",
        "ListJobs",
        "rest-xml",
    ),
    (request("POST", "/2015-03-31/functions/f/invocations", scope="lambda"), "lambda", "Invoke", "rest-json"),
    (
        request("GET", "/2015-02-01/file-systems", scope="elasticfilesystem"),
        "efs",
        "DescribeFileSystems",
        "rest-json",
    ),
    (
        request(
            "GET",
            "/bucket/key",
            "X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0",
        ),
        "s3",
        "GetObject",
        "rest-xml",
    ),
    # A presigned link of signature version 2 names no service.
    (request("GET", "/bucket/key", "AWSAccessKeyId=AK&Signature=x&Expires=1"), "s3", "GetObject", "rest-xml"),
    # Host prefixes of an operation (here StartLiveTail's `stream-`) change nothing.
    (
        request(x_amz_target="Logs_20140328.StartLiveTail", host="stream-127.0.0.1:4566", scope="logs"),
        "logs",
        "StartLiveTail",
        "json",
    ),
]


@pytest.mark.parametrize(("sent", "service", "operation", "protocol"), ROUTES)
def test_requests_reach_their_operation(router, sent, service, operation, protocol):
    found = router.route(sent)
    assert (found.service.service_name, found.operation.name, found.protocol.name) == (
        service,
        operation,
        protocol,
    )


@pytest.mark.parametrize(
    ("sent", "code", "status"),
    [
        (request(x_amz_target="Logs_20140328.Nothing", scope="logs"), "UnknownOperationException", 400),
        (request(x_amz_target="Nothing.Nothing", scope="logs"), "UnknownOperationException", 400),
        (
            request(x_amz_target="Logs_20140328.PutLogEvents", content_type="application/xml"),
            "UnsupportedMediaTypeException",
            415,
        ),
        (request(scope="sts", body=b"Action=Nothing&Version=2011-06-15"), "InvalidAction", 400),
        (request(body=b"Action=Nothing&Version=2011-06-15"), "InvalidAction", 400),
        (request(scope="ec2", body=b"Action=Nothing"), "InvalidAction", 400),
        (request(scope="sts"), "MissingAction", 400),
        (request(scope="nothing"), "UnrecognizedClientException", 400),
        (request("DELETE", "/nothing/here", scope="lambda"), "UnknownOperationException", 404),
        (request("PATCH", "/bucket", scope="s3"), "MethodNotAllowed", 405),
        (
            request(path="/service/Nothing/operation/X", smithy_protocol="rpc-v2-cbor"),
            "UnknownOperationException",
            400,
        ),
    ],
)
def test_unknown_requests_get_a_clear_fault(router, sent, code, status):
    with pytest.raises(ServiceFault) as caught:
        router.route(sent)
    assert (caught.value.code, caught.value.status) == (code, status)


def test_a_bucket_in_the_host_becomes_part_of_the_path(router):
    sent = request("GET", "/a/key", host="my.bucket.s3.eu-west-1.example.org", scope="s3")
    found = router.route(sent)
    assert found.protocol.parse(found.operation, found.request) == {"Bucket": "my.bucket", "Key": "a/key"}
    assert sent.path == "/a/key"  # the signature was made over this one


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("bucket.localhost:4566", "bucket"),
        ("my.bucket.localhost:4566", "my.bucket"),
        ("my.bucket.s3.localhost:4566", "my.bucket"),
        ("bucket.s3.us-east-1.localhost:4566", "bucket"),
        ("bucket.s3-website-us-east-1.localhost:4566", "bucket"),
        ("s3.us-east-1.localhost:4566", None),
        ("bucket.s3.example.org", "bucket"),
        ("bucket.s3-eu-west-1.amazonaws.com", "bucket"),
        ("s3.eu-west-1.amazonaws.com", None),
        ("s3.localhost:4566", None),
        ("localhost:4566", None),
        ("127.0.0.1:4566", None),
        ("", None),
    ],
)
def test_virtual_host_bucket(host, bucket):
    assert virtual_host_bucket(host) == bucket


def test_a_compressed_body_is_unpacked_for_the_parser(router):
    body = gzip.compress(b'{"Namespace":"n"}')
    sent = request(
        x_amz_target="GraniteServiceVersion20100801.ListMetrics",
        content_encoding="gzip",
        body=body,
        scope="monitoring",
    )
    found = router.route(sent)
    assert found.protocol.parse(found.operation, found.request) == {"Namespace": "n"}
    compressed_form = gzip.compress(b"Action=ListMetrics&Version=2010-08-01&Namespace=n")
    found = router.route(request(content_encoding="gzip", body=compressed_form, scope="monitoring"))
    assert found.operation.name == "ListMetrics"


def test_a_compressed_body_has_bounds(router, monkeypatch):
    monkeypatch.setattr(route_module, "MAX_INFLATED", 1000)
    bomb = request(
        x_amz_target="Logs_20140328.PutLogEvents", content_encoding="gzip", body=gzip.compress(b"x" * 10_000)
    )
    with pytest.raises(ServiceFault) as caught:
        router.route(bomb)
    assert caught.value.status == 413
    for broken in (gzip.compress(b"x" * 500)[:-20], b"\x1f\x8bnothing"):
        bomb.body = broken
        with pytest.raises(ServiceFault) as caught:
            router.route(bomb)
        assert caught.value.status == 400


def test_s3_keeps_what_it_is_sent(router):
    body = gzip.compress(b"stored as it came")
    found = router.route(request("PUT", "/bucket/key", content_encoding="gzip", body=body, scope="s3"))
    params = found.protocol.parse(found.operation, found.request)
    assert params["Body"] == body
    assert params["ContentEncoding"] == "gzip"

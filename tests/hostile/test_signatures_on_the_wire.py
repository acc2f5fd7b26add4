"""Signatures that are not right, sent to a running server: AWS's own code for each, and never a success."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import Credentials

from tests.hostile.wire import Wire

JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"


@pytest.fixture
def wire(target):
    return Wire(target)


def refused(got):
    assert got.status in {400, 403}, got
    assert got.code
    return got.code


def test_the_request_as_signed_is_served(wire):
    assert wire.call("logs", b"{}", JSON).status == 200
    assert wire.call("sts", IDENTITY, FORM).status == 200


def test_unsigned(wire):
    assert refused(wire.send("POST", "/", JSON, b"{}")) in {
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
    }
    assert refused(wire.send("POST", "/", FORM, IDENTITY)) == "MissingAuthenticationToken"


@pytest.mark.parametrize(
    "change",
    [
        "body",
        "host",
        "path",
        "query",
        "method",
        "header",
        "target",
        "signature",
        "key",
        "date",
        "region",
        "service",
    ],
)
def test_something_else_was_signed(wire, change):
    path, headers = wire.signed("logs", b"{}", {**JSON, "X-Amz-Extra": "a"})
    headers.pop("Content-Length", None)
    body, method = b"{}", "POST"
    authorization = headers["Authorization"]
    if change == "body":
        body = b'{"limit":1}'
    elif change == "host":
        headers["Host"] = "logs.us-east-1.amazonaws.com"
    elif change == "path":
        path = "/x"
    elif change == "query":
        path = "/?a=b"
    elif change == "method":
        method = "PUT"
    elif change == "header":
        headers["X-Amz-Extra"] = "b"
    elif change == "target":
        headers["X-Amz-Target"] = "Logs_20140328.DeleteLogGroup"
    elif change == "signature":
        headers["Authorization"] = authorization[:-1] + ("0" if authorization[-1] != "0" else "1")
    elif change == "key":
        headers["Authorization"] = authorization.replace(wire.key.access_key, "AKIA0000000000000000")
    elif change == "date":
        headers["X-Amz-Date"] = "20200101T000000Z"
    elif change == "region":
        headers["Authorization"] = authorization.replace("us-east-1", "eu-west-1")
    elif change == "service":
        headers["Authorization"] = authorization.replace("/logs/", "/iam/")
    refused(wire.send(method, path, headers, body))


@pytest.mark.parametrize("minutes", [-16, -60 * 24 * 400, 16, 60 * 24 * 400])
def test_replayed_too_late_or_from_the_future(wire, minutes):
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert refused(wire.call("logs", b"{}", JSON, at=at)) in {"InvalidSignatureException", "RequestExpired"}
    assert refused(wire.call("sts", IDENTITY, FORM, at=at)) in {"SignatureDoesNotMatch", "RequestExpired"}


def test_presigned_urls(wire):
    path = "/?" + IDENTITY.decode()
    url, headers = wire.signed("sts", b"", {}, method="GET", path=path, presign=60)
    assert wire.send("GET", url, headers).status == 200
    assert wire.send("GET", url, headers).status == 200  # good for its whole time, as at AWS
    refused(wire.send("POST", url, headers))
    refused(wire.send("GET", url.replace("GetCallerIdentity", "GetSessionToken"), headers))
    refused(wire.send("GET", url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"), headers))
    refused(wire.send("GET", url.replace("Signature=", "Signature=0"), headers))
    refused(wire.send("GET", url + "&Action=GetSessionToken", headers))
    refused(wire.send("GET", url + "&X-Amz-Expires=60000", headers))
    late = datetime.now(UTC) - timedelta(seconds=120)
    url, headers = wire.signed("sts", b"", {}, method="GET", path=path, presign=60, at=late)
    refused(wire.send("GET", url, headers))


def test_session_tokens_belong_to_their_keys(target, wire):
    sts = target.client("sts")
    one, two = (sts.get_session_token()["Credentials"] for _ in range(2))

    def call(key_id, secret, token):
        return wire.call("logs", b"{}", JSON, key=Credentials(key_id, secret, token))

    assert call(one["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"]).status == 200
    refused(call(one["AccessKeyId"], one["SecretAccessKey"], two["SessionToken"]))
    refused(call(one["AccessKeyId"], two["SecretAccessKey"], one["SessionToken"]))
    refused(call(one["AccessKeyId"], one["SecretAccessKey"], None))
    refused(call(one["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"][:-2] + "00"))
    refused(call(one["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"].upper()))
    refused(call(one["AccessKeyId"], one["SecretAccessKey"], "x"))
    refused(call(one["AccessKeyId"], one["SecretAccessKey"], "é" * 100))
    refused(call(wire.key.access_key, wire.key.secret_key, one["SessionToken"]))
    refused(call(wire.key.access_key, "", None))


@pytest.mark.parametrize("algorithm", [
    "AWS4-HMAC-SHA1", "AWS4-HMAC-SHA512", "AWS4-HMAC-MD5", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256", "AWS4-HMAC-SHA256-PAYLOAD",
    "AWS3-HTTPS", "AWS", "Bearer", "Basic", "none", "",
])  # fmt: skip
def test_algorithms(wire, algorithm):
    path, headers = wire.signed("logs", b"{}", JSON)
    headers["Authorization"] = headers["Authorization"].replace("AWS4-HMAC-SHA256", algorithm, 1).strip()
    refused(wire.send("POST", path, headers, b"{}"))


def test_the_signature_of_version_2_is_for_s3_alone(wire):
    query = f"AWSAccessKeyId={wire.key.access_key}&Expires=9999999999&Signature={base64.b64encode(bytes(20)).decode()}"
    assert 400 <= wire.send("GET", f"/?{query}&{IDENTITY.decode()}", {}).status < 500


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "host",
        "x-amz-date",
        "host;x-amz-date;x-amz-target;nothing",
        "host;host;x-amz-date",
        "HOST;X-AMZ-DATE",
        ";;;",
    ],
)
def test_lists_of_signed_headers(wire, signed):
    path, headers = wire.signed("logs", b"{}", JSON)
    before, _, after = headers["Authorization"].partition("SignedHeaders=")
    headers["Authorization"] = f"{before}SignedHeaders={signed},{after.partition(',')[2]}"
    refused(wire.send("POST", path, headers, b"{}"))


def test_two_authorizations(wire):
    path, headers = wire.signed("logs", b"{}", JSON)
    body = b"{}"
    own = headers.pop("Authorization")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name != "Content-Length")
    forged = own.replace(wire.key.access_key, "AKIA0000000000000000")
    for pair in ((own, forged), (forged, own), (own, "Basic eDp5")):
        both = "".join(f"Authorization: {one}\r\n" for one in pair)
        head = f"POST {path} HTTP/1.1\r\n{lines}{both}Content-Length: 2\r\nConnection: close\r\n\r\n"
        refused(wire.raw(head.encode() + body))
    # A header and a query signature at once: AWS takes neither.
    url, _ = wire.signed("sts", b"", {}, method="GET", path="/?" + IDENTITY.decode(), presign=60)
    assert 400 <= wire.send("GET", url, {"Authorization": forged}).status < 500


@pytest.mark.parametrize(
    "payload",
    [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "0" * 64,
        "",
        "e3b0",
    ],
)
def test_declared_hashes_of_the_body(wire, payload):
    """What stands for the body must be its hash or a framing that the body has."""
    path, headers = wire.signed("logs", b"{}", {**JSON, "X-Amz-Content-SHA256": payload})
    refused(wire.send("POST", path, headers, b"{}"))


@pytest.mark.parametrize("credential", [
    "", "/", "////", "AKIA", "AKIA/x/y/z", "AKIA/20260101/us-east-1/logs/aws5_request", "AKIA/2026/us-east-1/logs/aws4_request",
    "AKIA/99999999/us-east-1/logs/aws4_request", "A" * 9000 + "/20260101/us-east-1/logs/aws4_request", "\u00e9/20260101/us-east-1/logs/aws4_request",
    "AKIA%00/20260101/us-east-1/logs/aws4_request", "AKIA/20260101/../logs/aws4_request",
])  # fmt: skip
def test_credential_scopes(wire, credential):
    headers = {
        **JSON,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={'0' * 64}",
        "X-Amz-Date": "20260101T000000Z",
    }
    got = wire.send("POST", "/", headers, b"{}")
    refused(got)
    json.loads(got.body)


def test_the_secret_is_in_no_answer(wire):
    for got in (
        wire.call("logs", b"{", JSON),
        wire.call("logs", b"{}", JSON, key=Credentials(wire.key.access_key, "wrong")),
        wire.send("GET", "/_coldframe/health", {}),
    ):
        assert wire.key.secret_key.encode() not in got.body

"""In dev mode with a key that nobody made: bodies in chunks are stored without their chunks, and are still checked."""

import zlib
from base64 import b64encode

import boto3
import pytest
import urllib3

from tests.server_fixtures import running_server

HTTP = urllib3.PoolManager(retries=False)
DATA = b"bytes of an object"
SCOPE = "AKIAUNKNOWN/20260101/us-east-1/s3/aws4_request"
SIGNER = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature={'0' * 64}"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("s3") / "data", dev=True) as running:
        client(running.endpoint).create_bucket(Bucket="of-dev")
        yield running.endpoint


def client(endpoint):
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="AKIAUNKNOWN",
        aws_secret_access_key="unknown",
    )


def crc32(data):
    return b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def put(endpoint, key, payload, body, **headers):
    stated = {"authorization": SIGNER, "x-amz-content-sha256": payload, "content-encoding": "aws-chunked"}
    return HTTP.request("PUT", f"{endpoint}/of-dev/{key}", body=body, headers=stated | headers)


def chunk(data, extra=b""):
    return b"%x%b\r\n%b\r\n" % (len(data), extra, data)


def stored(endpoint, key):
    return client(endpoint).get_object(Bucket="of-dev", Key=key)["Body"].read()


@pytest.mark.parametrize("count", [1, 100_000])
def test_chunks_with_a_trailer_are_taken_off(endpoint, count):
    data = DATA * count
    body = chunk(data) + b"0\r\nx-amz-checksum-crc32:" + crc32(data).encode() + b"\r\n\r\n"
    payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    answer = put(endpoint, "trailer", payload, body, **{"x-amz-trailer": "x-amz-checksum-crc32"})
    assert answer.status == 200
    assert answer.headers["x-amz-checksum-crc32"] == crc32(data)
    assert stored(endpoint, "trailer") == data


def test_signed_chunks_are_taken_off(endpoint):
    sign = b";chunk-signature=" + b"0" * 64
    body = chunk(DATA, sign) + b"0" + sign + b"\r\n\r\n"
    assert put(endpoint, "signed", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", body).status == 200
    assert stored(endpoint, "signed") == DATA


def test_a_wrong_checksum_is_refused(endpoint):
    body = chunk(DATA) + b"0\r\nx-amz-checksum-crc32:" + crc32(b"others").encode() + b"\r\n\r\n"
    payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    answer = put(endpoint, "wrong", payload, body, **{"x-amz-trailer": "x-amz-checksum-crc32"})
    assert (answer.status, b"<Code>BadDigest</Code>" in answer.data) == (400, True)

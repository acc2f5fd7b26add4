"""boto3 against the listener: what real clients send over plain HTTP and TLS arrives whole and verifies."""

import asyncio
import hashlib
import ssl
import threading
import urllib.request
from datetime import UTC, datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireResponse
from coldframe.gateway.signature import Expectation, Secret, verify
from coldframe.gateway.signature.chunked import decode_body
from coldframe.server.certificate import ensure_certificate
from coldframe.server.listener import Limits, serve
from tests.gateway.signature.signing import Plain

KEY_ID, SECRET, TOKEN = "AKIDEXAMPLE000000000", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session/token+=="


class Verifying:
    """Verifies every call and keeps what it found; answers nothing but success or the fault."""

    def __init__(self):
        self.verified = []
        self.bodies = []

    def body_limit(self, request):
        return 10_000_000

    def streams(self, request):
        return False

    def too_large(self, request):
        return WireResponse(413)

    def inline(self, request):
        return None

    def handle(self, request):
        s3 = "/s3/" in request.headers.get("authorization", request.query.replace("%2F", "/")) or (
            "AWSAccessKeyId" in request.query
        )
        try:
            verified = verify(
                request,
                lambda key_id: Secret(Plain(SECRET), "me", TOKEN) if key_id == KEY_ID else None,
                datetime.now(UTC),
                expected=Expectation("s3" if s3 else "json"),
            )
            body = decode_body(verified, request).body
        except ServiceFault as fault:
            return WireResponse(fault.status, {}, b'{"__type":"%s"}' % fault.code.encode())
        self.verified.append(verified)
        self.bodies.append(body)
        return WireResponse(200, {"etag": f'"{hashlib.md5(body).hexdigest()}"'}, b"" if s3 else b"{}")


@pytest.fixture(scope="module")
def listening(tmp_path_factory):
    certificate = ensure_certificate(tmp_path_factory.mktemp("tls"), "us-east-1", datetime.now(UTC))
    app, ready, found = Verifying(), threading.Event(), {}

    async def run():
        found["stop"], found["loop"] = asyncio.Event(), asyncio.get_running_loop()

        def on_ready(port, tls_port):
            found["urls"] = (f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}")
            ready.set()

        await serve(
            app,
            ports=(0, 0),
            certificate=certificate,
            on_ready=on_ready,
            stop=found["stop"],
            limits=Limits(threads=4),
        )

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(8)
    yield app, found["urls"], certificate
    found["loop"].call_soon_threadsafe(found["stop"].set)
    thread.join(8)


@pytest.fixture(params=[0, 1], ids=["plain", "tls"])
def client(request, listening):
    app, urls, certificate = listening
    app.verified.clear()
    app.bodies.clear()

    def make(service, key_id=KEY_ID, secret=SECRET, token=TOKEN, **config):
        made = boto3.client(
            service, region_name="us-east-1", endpoint_url=urls[request.param], verify=str(certificate.authority),
            aws_access_key_id=key_id, aws_secret_access_key=secret, aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )  # fmt: skip
        made.app = app
        return made

    return make


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_s3_puts_its_body_in_chunks_with_a_trailer(client, algorithm, size):
    s3 = client("s3")
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    s3.put_object(
        Bucket="bucket", Key="a b/ü+%2F//k", Body=body, ChecksumAlgorithm=algorithm, Metadata={"name": "x  y"}
    )
    assert s3.app.bodies == [body]
    if s3.meta.endpoint_url.startswith("https"):
        assert s3.app.verified[0].payload == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.mark.parametrize("signature", [None, "s3v4"])
def test_s3_presigned(client, listening, signature):
    s3 = client("s3", signature_version=signature)
    url = s3.generate_presigned_url(
        "get_object",
        {"Bucket": "bucket", "Key": "a b/ü+c", "ResponseContentType": "text/plain; x=1"},
        ExpiresIn=60,
    )
    assert ("AWSAccessKeyId" in url) == (signature is None)
    context = ssl.create_default_context(cafile=listening[2].authority)
    with urllib.request.urlopen(url, timeout=8, context=context) as answer:
        assert answer.status == 200
    assert s3.app.verified[0].principal == "me"


def test_json_and_rest_calls(client):
    client("logs").put_log_events(
        logGroupName="g", logStreamName="s", logEvents=[{"timestamp": 1, "message": "日本"}]
    )
    client("lambda").get_function(FunctionName="arn:aws:lambda:us-east-1:123456789012:function:f")
    backup = client("backup")
    backup.list_tags(ResourceArn="arn:aws:backup:us-east-1:123456789012:backup-vault:a b")
    assert [verified.service for verified in backup.app.verified] == ["logs", "lambda", "backup"]


@pytest.mark.parametrize(("wrong", "code"), [
    ({"key_id": "AKIDOTHER"}, "UnrecognizedClientException"),
    ({"secret": "x"}, "InvalidSignatureException"),
    ({"token": None}, "UnrecognizedClientException"),
])  # fmt: skip
def test_refusals_reach_the_client(client, wrong, code):
    with pytest.raises(ClientError) as caught:
        client("logs", **wrong).describe_log_groups()
    assert caught.value.response["Error"]["Code"] == code

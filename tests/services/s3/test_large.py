"""Large objects over a socket: exact ends, constant memory, a server that is killed while bytes arrive, many parts."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from coldframe.core.checksums import checksum
from tests.server_fixtures import running_server

ROOT = Path(__file__).parents[3]
MEGABYTE = 1024 * 1024
TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CHILD = """
import json, sys
from pathlib import Path
from tests.server_fixtures import running_server
with running_server(Path(sys.argv[1])) as server:
    print(json.dumps([server.endpoint, server.account, server.access_key_id, server.secret_access_key]), flush=True)
    sys.stdin.read()
"""


class Wire:
    """Signed requests on one connection."""

    def __init__(self, endpoint: str, key_id: str, secret: str) -> None:
        self._endpoint = endpoint
        self._auth = S3SigV4Auth(Credentials(key_id, secret), "s3", "us-east-1")
        host, port = endpoint.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self._ahead = b""

    def head(
        self, method: str, path: str, *, size: int = 0, digest: str = "UNSIGNED-PAYLOAD", **more: str
    ) -> bytes:
        headers = {
            "X-Amz-Content-SHA256": digest,
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        request = AWSRequest(method, self._endpoint + path, headers=headers)
        self._auth.payload = lambda _: digest
        self._auth.add_auth(request)
        sent = dict(request.headers.items()) | {
            "Host": self._endpoint.partition("//")[2],
            "Content-Length": str(size),
        }
        sent["X-Amz-Content-SHA256"] = digest
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()

    def answer(self) -> tuple[int, bytes]:
        """The status and the body, or nothing of it where it is long."""
        while b"\r\n\r\n" not in self._ahead:
            more = self.socket.recv(65536)
            assert more, f"the server left after {self._ahead!r}"
            self._ahead += more
        head, _, rest = self._ahead.partition(b"\r\n\r\n")
        size = next(
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        # What comes behind is of the next answer.
        body, self._ahead = rest[:size], rest[size:]
        left = size - len(body)
        buffer = memoryview(bytearray(MEGABYTE))
        while left:
            number = self.socket.recv_into(buffer[:left])
            assert number, f"the server left within the body of {head!r}"
            left -= number
            if size < MEGABYTE:
                body += buffer[:number]
        return int(head.split()[1]), body


@pytest.fixture
def connect():
    """Makes connections, which are closed at the end."""
    with ExitStack() as closing:

        def make(endpoint: str, key_id: str, secret: str) -> Wire:
            made = Wire(endpoint, key_id, secret)
            closing.enter_context(made.socket)
            return made

        yield make


@pytest.fixture
def wire(s3_server, connect):
    return connect(s3_server.endpoint, s3_server.access_key_id, s3_server.secret_access_key)


@pytest.mark.parametrize("size", [MEGABYTE, 2 * MEGABYTE, 2 * MEGABYTE + 1])
def test_a_request_behind_a_body_is_not_taken_for_it(wire, s3, bucket, size):
    body = os.urandom(size)
    for _ in range(2):
        wire.socket.sendall(
            wire.head("PUT", f"/{bucket}/one", size=size) + body + wire.head("GET", f"/{bucket}/one")
        )
        assert wire.answer()[0] == 200
        assert wire.answer()[0] == 200
    assert s3.get_object(Bucket=bucket, Key="one")["Body"].read() == body


@pytest.mark.parametrize("size", [MEGABYTE, 3 * MEGABYTE, 3 * MEGABYTE + 7])
def test_a_wrong_hash_is_refused_also_where_the_body_ends_with_a_full_piece(wire, s3, bucket, size):
    body = bytes(size)
    wrong = hashlib.sha256(b"other").hexdigest()
    wire.socket.sendall(wire.head("PUT", f"/{bucket}/bad", size=size, digest=wrong) + body)
    status, text = wire.answer()
    assert (status, b"XAmzContentSHA256Mismatch" in text) == (400, True)
    right = hashlib.sha256(body).hexdigest()
    wire.socket.sendall(wire.head("PUT", f"/{bucket}/good", size=size, digest=right) + body)
    assert wire.answer()[0] == 200
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["good"]


def chunked(body: bytes, chunk: int, trailer: str) -> bytes:
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return framed + f"0\r\nx-amz-checksum-crc64nvme:{trailer}\r\n\r\n".encode()


@pytest.mark.parametrize("chunk", [65_536, MEGABYTE, 1_300_001])
@pytest.mark.parametrize("size", [MEGABYTE, 4 * MEGABYTE, 4 * MEGABYTE + 9])
def test_chunks_with_a_trailer_end_where_they_say(connect, s3_server, s3, bucket, size, chunk):
    body = os.urandom(size)
    right = checksum("x-amz-checksum-crc64nvme", body)
    assert right is not None
    sent = {"content_encoding": "aws-chunked", "x_amz_trailer": "x-amz-checksum-crc64nvme"}
    for trailer, length, expected in (
        (right, size, b""),
        (b64encode(bytes(8)).decode(), size, b"BadDigest"),
        (right, size - 1, b"IncompleteBody"),
        (right, size + 1, b"IncompleteBody"),
    ):
        framed = chunked(body, chunk, trailer)
        put = connect(s3_server.endpoint, s3_server.access_key_id, s3_server.secret_access_key)
        more = sent | {"x_amz_decoded_content_length": str(length)}
        put.socket.sendall(
            put.head("PUT", f"/{bucket}/key", size=len(framed), digest=TRAILER, **more) + framed
        )
        status, text = put.answer()
        assert (status, expected in text) == (400 if expected else 200, True), text
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body


def test_parts_at_once_and_their_etag(s3, bucket, tmp_path):
    """What boto3 does with a large file: parts of 8 MiB over ten threads; the ETag is the MD5 of the parts' MD5s."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(50 * MEGABYTE + 3))
    s3.upload_file(str(source), bucket, "large")
    data = source.read_bytes()
    parts = [data[at : at + 8 * MEGABYTE] for at in range(0, len(data), 8 * MEGABYTE)]
    whole = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert s3.head_object(Bucket=bucket, Key="large")["ETag"] == f'"{whole}-{len(parts)}"'
    s3.download_file(bucket, "large", str(target))
    assert target.read_bytes() == data
    ranged = s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={8 * MEGABYTE - 3}-{16 * MEGABYTE + 2}")
    assert ranged["Body"].read() == data[8 * MEGABYTE - 3 : 16 * MEGABYTE + 3]


def test_two_writers_of_one_key_leave_one_whole_object(s3, s3_server, bucket):
    bodies = [bytes([number]) * (3 * MEGABYTE + number) for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda body: s3.put_object(Bucket=bucket, Key="one", Body=body), bodies))
    assert s3.get_object(Bucket=bucket, Key="one")["Body"].read() in bodies


@pytest.fixture
def process(tmp_path):
    """Starts servers of the one data directory as processes of their own."""
    started = []

    def start() -> tuple[subprocess.Popen[str], list[str]]:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path / "data")],
            cwd=ROOT, env={"PYTHONPATH": f"{ROOT}/src:{ROOT}", "PATH": "/usr/bin"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(child)
        return child, json.loads(child.stdout.readline())

    yield start
    for child in started:
        child.stdin.close()
        child.wait(30)
        child.stdout.close()


def test_a_server_killed_while_bytes_arrive_keeps_what_it_acknowledged(process, connect, tmp_path):
    child, (endpoint, account, key_id, secret) = process()
    wire = connect(endpoint, key_id, secret)
    wire.socket.sendall(wire.head("PUT", "/crash"))
    assert wire.answer()[0] == 200
    body = os.urandom(3 * MEGABYTE)
    wire.socket.sendall(wire.head("PUT", "/crash/kept", size=len(body)) + body)
    assert wire.answer()[0] == 200
    incoming = tmp_path / "data" / "objects" / "incoming"
    for path in ("/crash/kept", "/crash/lost"):
        half = connect(endpoint, key_id, secret)
        half.socket.sendall(half.head("PUT", path, size=64 * MEGABYTE) + bytes(40 * MEGABYTE))
    while len(list(incoming.iterdir())) < 2 or min(each.stat().st_blocks for each in incoming.iterdir()) == 0:
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    with running_server(tmp_path / "data", root=(account, key_id, secret)) as server:
        s3 = server.client("s3")
        assert [each["Key"] for each in s3.list_objects_v2(Bucket="crash")["Contents"]] == ["kept"]
        assert s3.get_object(Bucket="crash", Key="kept")["Body"].read() == body
        objects = tmp_path / "data" / "objects"
        left = [path for path in objects.rglob("*") if path.is_file() and path.name != "in-use"]
        assert len(left) == 1, "what was half there was swept at the start"


def test_memory_stays_the_same_whatever_the_size(process, connect, tmp_path):
    """A gigabyte put and got may raise the server's highest memory by the buffers of a request, no more."""
    child, (endpoint, _, key_id, secret) = process()
    gigabyte = 1024 * MEGABYTE
    source = tmp_path / "zeros"
    with source.open("wb") as file:
        file.truncate(gigabyte)
    wire = connect(endpoint, key_id, secret)
    wire.socket.sendall(wire.head("PUT", "/memory"))
    assert wire.answer()[0] == 200

    def put_and_get(size: int) -> None:
        wire.socket.sendall(wire.head("PUT", "/memory/large", size=size))
        with source.open("rb") as file:
            assert wire.socket.sendfile(file, 0, size) == size
        assert wire.answer()[0] == 200
        wire.socket.sendall(wire.head("GET", "/memory/large"))
        assert wire.answer()[0] == 200

    put_and_get(16 * MEGABYTE)
    before = highest_memory(child.pid)
    put_and_get(gigabyte)
    assert highest_memory(child.pid) - before < 32 * MEGABYTE


def highest_memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))

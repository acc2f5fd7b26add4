"""What happens between the head of an upload and the end of its body: refusals before it is sent, buckets that go away."""

import pytest

from coldframe.identity.accounts import create_access_key, create_account
from tests.services.s3.test_large import Wire
from tests.services.s3.test_objects import refused

SIZE = 300_000


@pytest.fixture
def connected(s3_server):
    """Makes connections of their own."""
    opened = []

    def connect():
        opened.append(Wire(s3_server.endpoint, s3_server.access_key_id, s3_server.secret_access_key))
        return opened[-1]

    yield connect
    for each in opened:
        each.socket.close()


@pytest.fixture
def wire(connected):
    return connected()


@pytest.fixture
def other(s3_server):
    """A client of another account."""
    installation = s3_server.installation
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        create_account(records, account_id="222222222222", name="two", email="two@example.com", now=0)
        key, secret = create_access_key(records, installation.seal, account="222222222222", user="", now=0)
    return s3_server.client("s3", aws_access_key_id=key.id, aws_secret_access_key=secret)


def files(s3_server):
    root = s3_server.installation.settings.data_dir / "objects"
    return {path for path in root.glob("*/*") if path.is_file()}


@pytest.mark.parametrize("size", [5, SIZE])
def test_refused_before_it_is_sent(s3, bucket, connected, size):
    wire = connected()
    wire.socket.sendall(wire.head("PUT", "/not-there-at-all/k", size=size, Expect="100-continue"))
    status, body = wire.answer()
    assert (status, b"NoSuchBucket" in body) == (404, True)
    # Nobody can know whether that body comes all the same, so that the connection ends with the answer.
    assert wire.socket.recv(1) == b""
    wire = connected()
    wire.socket.sendall(wire.head("PUT", f"/{bucket}/k", size=size, Expect="100-continue"))
    assert wire.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.socket.sendall(b"x" * size)
    assert wire.answer()[0] == 200
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == size


def test_a_small_body_that_is_asked_for_is_held_to_its_digest(s3, bucket, wire):
    wire.socket.sendall(wire.head("PUT", f"/{bucket}/k", size=5, digest="0" * 64, Expect="100-continue"))
    assert wire.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.socket.sendall(b"12345")
    assert wire.answer()[0] == 400
    assert refused(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)


def begun(wire, s3_server, path):
    """Begin an upload and return once its handler has some of it."""
    before = files(s3_server)
    wire.socket.sendall(wire.head("PUT", path, size=3_000_000, Expect="100-continue"))
    assert wire.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.socket.sendall(b"x" * 1_000_000)
    return before


def test_a_bucket_that_is_deleted_meanwhile(s3, s3_server, new_bucket, wire):
    gone = new_bucket()
    before = begun(wire, s3_server, f"/{gone}/k")
    s3.delete_bucket(Bucket=gone)
    wire.socket.sendall(b"x" * 2_000_000)
    status, body = wire.answer()
    assert (status, b"NoSuchBucket" in body) == (404, True)
    assert files(s3_server) == before


def test_a_bucket_that_is_somebody_elses_by_then(s3, s3_server, new_bucket, wire, other):
    gone = new_bucket()
    before = begun(wire, s3_server, f"/{gone}/k")
    s3.delete_bucket(Bucket=gone)
    other.create_bucket(Bucket=gone)
    wire.socket.sendall(b"x" * 2_000_000)
    assert wire.answer()[0] == 404
    assert other.list_objects_v2(Bucket=gone)["KeyCount"] == 0
    assert files(s3_server) == before


def test_a_part_whose_bucket_is_deleted_meanwhile(s3, s3_server, new_bucket, wire):
    gone = new_bucket()
    upload = s3.create_multipart_upload(Bucket=gone, Key="k")["UploadId"]
    before = begun(wire, s3_server, f"/{gone}/k?partNumber=1&uploadId={upload}")
    s3.delete_bucket(Bucket=gone)
    wire.socket.sendall(b"x" * 2_000_000)
    status, body = wire.answer()
    assert (status, b"NoSuchUpload" in body) == (404, True)
    assert files(s3_server) == before

"""Many at once: one winner of a conditional write, no torn reads, no files left; and clients that go away."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from botocore.exceptions import ClientError


def files(server):
    root = server.installation.settings.data_dir / "objects"
    return {path.name for path in root.rglob("*") if path.is_file() and path.name != "in-use"}


def test_one_of_many_creates(s3, s3_server, bucket):
    before = len(files(s3_server))

    def create(number):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(create, range(16)) if number is not None]
    assert len(winners) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == str(winners[0]).encode()
    assert len(files(s3_server)) == before + 1


def test_readers_see_whole_objects_while_they_are_replaced(s3, s3_server, bucket):
    before = len(files(s3_server))
    size = 1_500_000
    s3.put_object(Bucket=bucket, Key="k", Body=b"\0" * size)
    stop = threading.Event()
    seen = set()

    def read():
        while not stop.is_set():
            body = s3.get_object(Bucket=bucket, Key="k")["Body"].read()
            assert len(body) == size
            assert body.count(body[:1]) == size
            seen.add(body[0])

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for number in range(1, 25):
            s3.put_object(Bucket=bucket, Key="k", Body=bytes([number]) * size)
        stop.set()
        for reader in readers:
            reader.result()
    assert len(seen) > 1
    assert len(files(s3_server)) == before + 1


def test_versions_of_many_writers_are_all_there(s3, new_bucket):
    bucket = new_bucket(versioned=True)
    with ThreadPoolExecutor(6) as pool:
        made = list(
            pool.map(lambda n: s3.put_object(Bucket=bucket, Key="k", Body=bytes([n]))["VersionId"], range(24))
        )
    shown = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert {each["VersionId"] for each in shown} == set(made)
    assert [each["IsLatest"] for each in shown] == [True] + [False] * 23


def test_a_client_that_goes_away_leaves_nothing(s3, s3_server, bucket):
    before = files(s3_server)
    url = urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"}))
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 9000000\r\n\r\n".encode()
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(head + b"x" * 3_000_000)
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(head + b"x" * 3_000_000)
        client.shutdown(socket.SHUT_WR)
        assert b"IncompleteBody" in client.recv(65536)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    deadline = threading.Event()
    for _ in range(100):
        if files(s3_server) == before:
            break
        deadline.wait(0.05)
    assert files(s3_server) == before

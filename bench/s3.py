"""S3 next to `cp`: one large object put and got over HTTP, and many small ones, on one disk in one run.

Run: python -m bench.s3 [--megabytes 512] [--small 200] [--directory DIR]. Prints MiB/s and two ratios: to `cp` as it is, and
to `cp` and a sync of the file, which is what a PUT does before it is acknowledged. Two floors stand beside: MD5 alone,
which the ETag is, and curl getting the same bytes from a bare `sendfile`. The server is a process of its own, curl the
client; every measure writes a file that was not there before.
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench import machine
from tests.server_fixtures import running_server

MEGABYTE = 1024 * 1024


def serve(folder):
    """Serve until standard input ends, and say where."""
    with running_server(Path(folder) / "data") as server:
        print(json.dumps([server.endpoint, server.access_key_id, server.secret_access_key]), flush=True)
        sys.stdin.read()


def signed(place, method, path, digest="UNSIGNED-PAYLOAD"):
    """Return curl's arguments for a signed request: url and headers."""
    endpoint, key_id, secret = place
    request = AWSRequest(method, endpoint + path, headers={"X-Amz-Content-SHA256": digest})
    auth = S3SigV4Auth(Credentials(key_id, secret), "s3", "us-east-1")
    auth.payload = lambda _: digest
    auth.add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name != "X-Amz-Content-SHA256"}
    headers["X-Amz-Content-SHA256"] = digest
    return [
        endpoint + path,
        *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}")),
    ]


def curl(*arguments):
    begun = time.perf_counter()
    subprocess.run(["curl", "-sS", "--fail", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def put(place, s3, source, digest):
    s3.delete_object(Bucket="bench", Key="large")
    path = "/bench/large"
    return curl("-T", source, *signed(place, "PUT", path, digest))


def get(place, path, into):
    into.unlink(missing_ok=True)
    return curl("-o", into, *signed(place, "GET", path))


def processor(pid):
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def copy(source, target, *, sync):
    target.unlink(missing_ok=True)
    begun = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    if sync:
        with target.open("rb") as file:
            os.fsync(file.fileno())
    return time.perf_counter() - begun


def put_parts(place, s3, parts):
    """A multipart upload, its parts at the same time on as many connections."""
    begun = time.perf_counter()
    upload = s3.create_multipart_upload(Bucket="bench", Key="parts")["UploadId"]
    arguments = ["-Z", "--no-progress-meter"]
    for number, (part, _) in enumerate(parts, 1):
        path = f"/bench/parts?partNumber={number}&uploadId={upload}"
        arguments += ["--next"] * (number > 1) + ["-sS", "--fail", "-o", os.devnull, "-T", part]
        arguments += signed(place, "PUT", path)
    curl(*arguments)
    named = [{"PartNumber": number, "ETag": etag} for number, (_, etag) in enumerate(parts, 1)]
    s3.complete_multipart_upload(
        Bucket="bench", Key="parts", UploadId=upload, MultipartUpload={"Parts": named}
    )
    return time.perf_counter() - begun


def split(source, folder, size):
    """Cut a file into files of `size` bytes and return each with its MD5."""
    parts = []
    with source.open("rb") as file:
        while data := file.read(size):
            parts.append((folder / f"part-{len(parts)}", hashlib.md5(data).hexdigest()))
            parts[-1][0].write_bytes(data)
    return parts


def get_bare(source, into):
    """What curl and the loopback take without any server to speak of."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            connection, _ = listening.accept()
            with connection, source.open("rb") as file:
                connection.recv(65536)
                size = source.stat().st_size
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                connection.sendfile(file)

        thread = threading.Thread(target=answer)
        thread.start()
        into.unlink(missing_ok=True)
        taken = curl("-o", into, f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()
    return taken


def md5(source):
    """MD5 of a file, which is in memory, on one core."""
    begun = time.perf_counter()
    with source.open("rb") as file:
        hashlib.file_digest(file, "md5")
    return time.perf_counter() - begun


def interleaved(measures, rounds):
    """Return the best time of each measure; they take turns, so that what else the machine does hits all alike."""
    times = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            times[name].append(measure())
    return {name: min(taken) for name, taken in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--small", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", default=None)
    parser.add_argument("--serve", default=None, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve)
        return
    for line in machine.facts(Path(chosen.directory or tempfile.gettempdir())):
        print(line)
    with tempfile.TemporaryDirectory(dir=chosen.directory) as folder:
        command = [sys.executable, "-m", "bench.s3", "--serve", folder]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            measure(chosen, Path(folder), json.loads(server.stdout.readline()), server.pid)
        finally:
            server.stdin.close()
            server.wait(30)


def measure(chosen, folder, place, pid):
    s3 = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=place[0],
        aws_access_key_id=place[1],
        aws_secret_access_key=place[2],
    )
    s3.create_bucket(Bucket="bench")
    source, target = folder / "source", folder / "target"
    with source.open("wb") as file:
        for _ in range(chosen.megabytes):
            file.write(os.urandom(MEGABYTE))
        os.fsync(file.fileno())
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    parts = split(source, folder, max(chosen.megabytes // 8, 5) * MEGABYTE)
    measures = {
        "cp": lambda: copy(source, target, sync=False),
        "cp, then fsync": lambda: copy(source, target, sync=True),
        "floor: MD5 alone": lambda: md5(source),
        "PUT, unsigned payload": lambda: put(place, s3, source, "UNSIGNED-PAYLOAD"),
        "PUT, SHA-256 signed": lambda: put(place, s3, source, digest),
        f"PUT, {len(parts)} parts at once": lambda: put_parts(place, s3, parts),
        "floor: curl of sendfile": lambda: get_bare(source, target),
        "GET": lambda: get(place, "/bench/large", target),
    }
    seconds = interleaved(measures, chosen.rounds)
    with target.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest
    print(f"one object of {chosen.megabytes} MiB, best of {chosen.rounds}     of cp   of cp + fsync")
    for name, taken in seconds.items():
        plain, durable = seconds["cp"] / taken, seconds["cp, then fsync"] / taken
        print(f"  {name:24} {chosen.megabytes / taken:8.0f} MiB/s  {plain:5.2f}    {durable:5.2f}")
    for name, act in measures.items():
        before = processor(pid)
        act()
        if used := processor(pid) - before:
            print(f"  {name}: {used * 1024 / chosen.megabytes:.2f} s of the server's processor a GiB")
    begun = time.perf_counter()
    for number in range(chosen.small):
        s3.put_object(Bucket="bench", Key=f"small/{number}", Body=b"x" * 1024)
    puts = time.perf_counter() - begun
    begun = time.perf_counter()
    for number in range(chosen.small):
        s3.get_object(Bucket="bench", Key=f"small/{number}")["Body"].read()
    gets = time.perf_counter() - begun
    print(f"{chosen.small} objects of 1 KiB by one boto3 client, one after another")
    print(f"  PUT {chosen.small / puts:6.0f} a second\n  GET {chosen.small / gets:6.0f} a second")


if __name__ == "__main__":
    main()

"""S3 next to `cp`: large objects put and got over HTTP, and many small ones, on one disk in one run.

Run: python -m bench.s3 [--megabytes 512] [--rounds 3] [--seconds 90] [--small 200] [--directory DIR]. What is compared:
`cp` of a file to a new file on the same disk, its source in memory (hot) or not (cold), and with a sync of the copy, which
is what a PUT does before it is acknowledged. The client is a process of its own that sends files by `sendfile`
(bench/s3_client.py); what it reaches against a bare server (bench/s3_bare.py) stands beside, as does the MD5 that an
ETag is, on one core. Client and server share the machine's cores, of which `cp` needs one. Measures take turns, each
writes files that were not there before, and the best of the rounds that fit into the seconds counts.
"""

import argparse
import base64
import hashlib
import json
import mmap
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench import machine
from coldframe.core.checksums import running
from tests.server_fixtures import running_server

MEGABYTE = 1024 * 1024
# What boto3's upload_file and download_file and the AWS CLI do with large files, unless told otherwise.
PART, AT_ONCE = 8 * MEGABYTE, 10
UNSIGNED, TRAILER = "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def serve(folder):
    """Serve until standard input ends, and say where."""
    with running_server(Path(folder) / "data") as server:
        print(json.dumps([server.endpoint, server.access_key_id, server.secret_access_key]), flush=True)
        sys.stdin.read()


def processor(pid):
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forget(*paths):
    """Drop files from memory, so that they are read from the disk; then have the memory at hand that they leave.

    Memory that a file has lain in for a while is often that which a virtual machine's host has taken back.
    """
    size = 0
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            size += os.fstat(file.fileno()).st_size
    take_memory(2 * size)


def take_memory(size):
    """Touch so much memory and free it: a virtual machine gives back to its host what is free for long.

    Who touches that first waits for the host, page by page, and it may be cp, a PUT or a GET whom it hits.
    """
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    mmap.mmap(-1, size, flags=flags).close()


class Running:
    """A program of this directory that is told by its input and answers by its output, a line each."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def tell(self, order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self.hear()

    def hear(self):
        return json.loads(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(30)


class Measures:
    """One method a measure: it returns the seconds that it took."""

    def __init__(self, folder, size, place, client, bare_port):
        self._folder, self._size, self._place, self._client = folder, size, place, client
        self._bare_port = bare_port
        self.port = int(place[0].rpartition(":")[2])
        self.source, self.target = folder / "source", folder / "target"
        self.s3 = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=place[0],
            aws_access_key_id=place[1],
            aws_secret_access_key=place[2],
        )
        self.s3.create_bucket(Bucket="bench")
        self.s3.create_bucket(Bucket="kms")
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
        self.s3.put_bucket_encryption(Bucket="kms", ServerSideEncryptionConfiguration={"Rules": [rule]})
        digests = [hashlib.sha256(), hashlib.md5(), running("CRC64NVME")]
        with self.source.open("wb") as file:
            for _ in range(size // MEGABYTE):
                piece = os.urandom(MEGABYTE)
                file.write(piece)
                for digest in digests:
                    digest.update(piece)
            os.fsync(file.fileno())
        self.sha256, self.md5, self.crc = (each.digest() for each in digests)

    def copy(self, *, sync=False, cold=False):
        self.target.unlink(missing_ok=True)
        if cold:
            forget(self.source)
        begun = time.perf_counter()
        subprocess.run(["cp", self.source, self.target], check=True)
        if sync:
            with self.target.open("rb") as file:
                os.fsync(file.fileno())
        return time.perf_counter() - begun

    def md5_alone(self):
        begun = time.perf_counter()
        with self.source.open("rb") as file:
            hashlib.file_digest(file, "md5")
        return time.perf_counter() - begun

    def bare(self, method, into=None, *, cold=False):
        if cold:
            forget(self.source)
        head = f"{method} / HTTP/1.1\r\nContent-Length: {self._size if method == 'PUT' else 0}\r\n\r\n"
        frames = [["", 0, self._size]] if method == "PUT" else []
        (self._folder / "bare").unlink(missing_ok=True)
        return self._told([{"head": head, "frames": frames}], into=into, port=self._bare_port)[0]

    def put(self, digest=UNSIGNED, bucket="bench"):
        self.s3.delete_object(Bucket=bucket, Key="large")
        frames, extra, length = [["", 0, self._size]], {}, self._size
        if digest == TRAILER:
            frames, extra, length = self._chunks()
        head = self._head("PUT", f"/{bucket}/large", digest, length, extra)
        seconds, [answer] = self._told([{"head": head, "frames": frames}])
        assert (answer["headers"]["etag"] == f'"{self.md5.hex()}"') is (bucket == "bench"), answer
        return seconds

    def _chunks(self):
        """Return a body of chunks of a megabyte, as botocore has them, and a trailing checksum; its headers; its length."""
        name = "x-amz-checksum-crc64nvme"
        frames = [
            ["\r\n" * (at > 0) + f"{MEGABYTE:x}\r\n", at, MEGABYTE] for at in range(0, self._size, MEGABYTE)
        ]
        frames.append([f"\r\n0\r\n{name}:{base64.b64encode(self.crc).decode()}\r\n\r\n", 0, 0])
        extra = {
            "content-encoding": "aws-chunked",
            "x-amz-trailer": name,
            "x-amz-decoded-content-length": str(self._size),
        }
        return frames, extra, sum(len(text) + size for text, _, size in frames)

    def put_parts(self):
        self.s3.delete_object(Bucket="bench", Key="parts")
        begun = time.perf_counter()
        upload = self.s3.create_multipart_upload(Bucket="bench", Key="parts")["UploadId"]
        began = time.perf_counter() - begun
        requests = []
        for number, at in enumerate(range(0, self._size, PART), 1):
            size = min(PART, self._size - at)
            path = f"/bench/parts?partNumber={number}&uploadId={upload}"
            requests.append({"head": self._head("PUT", path, UNSIGNED, size), "frames": [["", at, size]]})
        seconds, answers = self._told(requests, connections=AT_ONCE)
        begun = time.perf_counter()
        parts = [
            {"PartNumber": number, "ETag": answer["headers"]["etag"]}
            for number, answer in enumerate(answers, 1)
        ]
        self.s3.complete_multipart_upload(
            Bucket="bench", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts}
        )
        return began + seconds + time.perf_counter() - begun

    def get(self, into=None, *, cold=False):
        if cold:
            self._forget_objects()
        return self._told([{"head": self._head("GET", "/bench/large")}], into=into)[0]

    def _forget_objects(self):
        forget(*(path for path in (self._folder / "data" / "objects").glob("*/*") if path.is_file()))

    def get_ranges(self, *, cold=False):
        if cold:
            self._forget_objects()
        requests = []
        for at in range(0, self._size, PART):
            extra = {"range": f"bytes={at}-{min(at + PART, self._size) - 1}"}
            requests.append({"head": self._head("GET", "/bench/parts", extra=extra), "at": at})
        return self._told(requests, connections=AT_ONCE, into=self.target)[0]

    def check(self):
        """Raise unless the target holds the bytes of the source."""
        with self.target.open("rb") as file:
            assert hashlib.file_digest(file, "sha256").digest() == self.sha256, "the bytes are not the same"

    def _told(self, requests, *, connections=1, into=None, port=None):
        if into:
            into.unlink(missing_ok=True)
        order = {"source": str(self.source), "into": str(into) if into else None, "requests": requests}
        heard = self._client.tell(order | {"connections": connections, "port": port or self.port})
        for answer in heard["answers"]:
            assert answer and answer["status"].split()[1] in {"200", "206"}, answer
        return heard["seconds"], heard["answers"]

    def _head(self, method, path, digest=UNSIGNED, size=0, extra=None):
        endpoint, key_id, secret = self._place
        request = AWSRequest(
            method, endpoint + path, headers={"X-Amz-Content-SHA256": digest, **(extra or {})}
        )
        auth = S3SigV4Auth(Credentials(key_id, secret), "s3", "us-east-1")
        auth.payload = lambda _: digest
        auth.add_auth(request)
        headers = {"Host": endpoint.partition("//")[2], "Content-Length": size} | dict(
            request.headers.items()
        )
        headers["X-Amz-Content-SHA256"] = digest
        return f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"


def interleaved(measures, rounds, seconds, memory):
    """Return the best time of each measure; they take turns, so that what else the machine does hits all alike.

    Each begins with as much memory at hand as the file that it reads and the one that it writes take.
    """
    times = {name: [] for name, *_ in measures}
    started = time.perf_counter()
    for number in range(rounds):
        taken = time.perf_counter() - started
        if taken + (taken / number if number else 0) > seconds:
            break
        for name, _, measure in measures:
            take_memory(memory)
            times[name].append(measure())
    return {name: min(taken) for name, taken in times.items()}


def report(chosen, measures, seconds, used):
    rounds = f"best of {chosen.rounds} or fewer"
    print(
        f"one object of {chosen.megabytes} MiB, {rounds}; goal: 0.50 of its cp       of cp  + fsync   server's s/GiB"
    )
    for name, against, _ in measures:
        rate = chosen.megabytes / seconds[name]
        plain, durable = seconds["cp"] / seconds[name], seconds["cp, then fsync"] / seconds[name]
        cost = f"{used[name]:8.2f}" if used.get(name) else ""
        goal = "" if against is None else f"{seconds[against] / seconds[name]:.2f} of {against}"
        print(f"  {name:46} {rate:6.0f} MiB/s  {plain:5.2f}  {durable:5.2f} {cost:10} {goal}".rstrip())


def small(s3, count):
    begun = time.perf_counter()
    for number in range(count):
        s3.put_object(Bucket="bench", Key=f"small/{number}", Body=b"x" * 1024)
    puts = time.perf_counter() - begun
    begun = time.perf_counter()
    for number in range(count):
        s3.get_object(Bucket="bench", Key=f"small/{number}")["Body"].read()
    gets = time.perf_counter() - begun
    print(f"{count} objects of 1 KiB by one boto3 client, one after another")
    print(f"  PUT {count / puts:6.0f} a second\n  GET {count / gets:6.0f} a second")


def measure(chosen, at, pid):
    """Measure and print; every PUT is held against cp with a sync, every GET against cp from where its bytes are."""
    durable, hot, cold = "cp, then fsync", "cp", "cp, cold source"
    measures = [
        (hot, None, at.copy),
        (durable, None, lambda: at.copy(sync=True)),
        (cold, None, lambda: at.copy(cold=True)),
        ("floor of an ETag: MD5 alone, one core", None, at.md5_alone),
        ("ceiling: PUT to a bare server, synced", None, lambda: at.bare("PUT")),
        ("ceiling: bare sendfile, received", None, lambda: at.bare("GET")),
        ("ceiling: bare sendfile, received, cold", None, lambda: at.bare("GET", cold=True)),
        ("ceiling: bare sendfile, written to a file", None, lambda: at.bare("GET", at.target)),
        ("PUT, unsigned payload", durable, at.put),
        ("PUT, SHA-256 signed", durable, lambda: at.put(at.sha256.hex())),
        ("PUT, aws-chunked, CRC64NVME in the trailer", durable, lambda: at.put(TRAILER)),
        ("PUT under SSE-KMS, whose ETag is no MD5", durable, lambda: at.put(bucket="kms")),
        ("PUT in parts of 8 MiB, 10 at once", durable, at.put_parts),
        ("GET, received", hot, at.get),
        ("GET, received, cold", cold, lambda: at.get(cold=True)),
        ("GET, written to a file", hot, lambda: at.get(at.target)),
        ("GET in ranges of 8 MiB, 10 at once, to a file", hot, at.get_ranges),
        ("GET in ranges of 8 MiB, 10 at once, cold", cold, lambda: at.get_ranges(cold=True)),
    ]
    memory = 2 * chosen.megabytes * MEGABYTE
    seconds = interleaved(measures, chosen.rounds, chosen.seconds, memory)
    at.check()
    used = {}
    for name, against, act in measures:
        if against:
            take_memory(memory)
            before = processor(pid)
            act()
            used[name] = (processor(pid) - before) * 1024 / chosen.megabytes
    report(chosen, measures, seconds, used)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--small", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=80, help="begin no round that would pass them")
    parser.add_argument("--directory", default=None)
    parser.add_argument("--serve", default=None, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve)
        return
    for line in machine.facts(Path(chosen.directory or tempfile.gettempdir())):
        print(line)
    with tempfile.TemporaryDirectory(dir=chosen.directory) as name:
        folder = Path(name)
        with (
            Running("bench.s3", "--serve", folder) as server,
            Running("bench.s3_client") as client,
            Running("bench.s3_bare", folder / "source", folder / "bare") as bare,
        ):
            at = Measures(folder, chosen.megabytes * MEGABYTE, server.hear(), client, bare.hear())
            measure(chosen, at, server.pid)
            small(at.s3, chosen.small)


if __name__ == "__main__":
    main()

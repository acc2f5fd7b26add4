"""Objects through boto3: what is put is got, with its headers, ranges, conditions and checksums."""

import hashlib
import io
import random
import zlib
from base64 import b64encode

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MEGABYTE = 1024 * 1024


def refused(call, *args, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_put_get_head_delete(s3, bucket):
    put = s3.put_object(
        Bucket=bucket, Key="a/b c+d.txt", Body=b"hello", ContentType="text/plain", Metadata={"one": "1"},
        CacheControl="no-cache", ContentDisposition="attachment", ContentLanguage="de",
    )  # fmt: skip
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert put["ServerSideEncryption"] == "AES256"
    assert put["ChecksumCRC32"] == b64encode(zlib.crc32(b"hello").to_bytes(4, "big")).decode()
    got = s3.get_object(Bucket=bucket, Key="a/b c+d.txt")
    assert got["Body"].read() == b"hello"
    assert got["ContentType"] == "text/plain"
    assert got["Metadata"] == {"one": "1"}
    assert (got["CacheControl"], got["ContentDisposition"], got["ContentLanguage"]) == (
        "no-cache",
        "attachment",
        "de",
    )
    assert got["ETag"] == put["ETag"]
    head = s3.head_object(Bucket=bucket, Key="a/b c+d.txt")
    assert head["ContentLength"] == 5
    assert head["ContentType"] == "text/plain"
    s3.delete_object(Bucket=bucket, Key="a/b c+d.txt")
    assert refused(s3.get_object, Bucket=bucket, Key="a/b c+d.txt") == ("NoSuchKey", 404)
    assert refused(s3.head_object, Bucket=bucket, Key="a/b c+d.txt") == ("404", 404)
    s3.delete_object(Bucket=bucket, Key="a/b c+d.txt")


def test_what_is_not_there(s3, bucket):
    assert refused(s3.get_object, Bucket="no-such-bucket-at-all", Key="x") == ("NoSuchBucket", 404)
    assert refused(s3.head_bucket, Bucket="no-such-bucket-at-all") == ("404", 404)
    with pytest.raises(s3.exceptions.NoSuchKey) as caught:
        s3.get_object(Bucket=bucket, Key="x")
    assert caught.value.response["Error"]["Key"] == "x"


KEYS = [
    "plain", "a/b/c", "trailing/", "/leading", "//double//slash", "..", "../../etc/passwd", "a/../b", "./x", "~",
    "space at end ", " space", "ünïcödé/日本/🎉", "a%20b", "100%", "a+b", "q?x=1&y=2", "#hash", "tab\there", "new\nline",
    "quote\"'<>&", "x" * 1024, "é" * 512, "star*[?]", "back\\slash", "null.version", "\x7f",
]  # fmt: skip


def test_any_key_and_no_path_leaves_the_store(s3, s3_server, bucket):
    folder = s3_server.installation.settings.data_dir
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode(), key
    listed = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=str.encode)
    # Objects lie under names of our own; others make files meanwhile.
    names = {part for key in KEYS for part in key.split("/") if part}
    assert {path for path in folder.parent.rglob("*") if path.name in names} == set()
    assert refused(s3.put_object, Bucket=bucket, Key="x" * 1025) == ("KeyTooLongError", 400)


@pytest.mark.parametrize("header, expected", [
    ("bytes=0-0", (0, 1)), ("bytes=10-19", (10, 20)), ("bytes=90-", (90, 100)), ("bytes=-7", (93, 100)),
    ("bytes=50-1000", (50, 100)), ("bytes=-1000", (0, 100)),
])  # fmt: skip
def test_ranges(s3, bucket, header, expected):
    data = bytes(range(100))
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    got = s3.get_object(Bucket=bucket, Key="k", Range=header)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["Body"].read() == data[slice(*expected)]
    assert got["ContentRange"] == f"bytes {expected[0]}-{expected[1] - 1}/100"
    assert got["ContentLength"] == expected[1] - expected[0]


def test_ranges_that_are_not(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    assert refused(s3.get_object, Bucket=bucket, Key="k", Range="bytes=5-9") == ("InvalidRange", 416)
    for header in ("bytes=3-1", "lines=1-2", "bytes=0-1,3-4", "nonsense"):
        got = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert (got["ResponseMetadata"]["HTTPStatusCode"], got["Body"].read()) == (200, b"12345")


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    when = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)["ETag"] == etag
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfMatch='"no"') == ("PreconditionFailed", 412)
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == ("304", 304)
    assert s3.get_object(Bucket=bucket, Key="k", IfNoneMatch='"no"')["ETag"] == etag
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfModifiedSince=when) == ("304", 304)
    assert s3.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=when)["ETag"] == etag
    assert refused(s3.head_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == ("304", 304)


def test_conditional_writes(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == (
        "PreconditionFailed",
        412,
    )
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"no"') == (
        "PreconditionFailed",
        412,
    )
    assert refused(s3.put_object, Bucket=bucket, Key="other", Body=b"2", IfMatch=etag) == ("NoSuchKey", 404)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_response_overrides(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    got = s3.get_object(
        Bucket=bucket, Key="k", ResponseContentType="text/css", ResponseCacheControl="private"
    )
    assert (got["ContentType"], got["CacheControl"]) == ("text/css", "private")


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [0, 10, 2 * MEGABYTE])
def test_checksums(s3, bucket, algorithm, size):
    data = random.Random(size).randbytes(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=data, ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == data
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    wrong = b64encode(bytes(len(put[f"Checksum{algorithm}"]) * 3 // 4))
    sizes = {"CRC32": 4, "SHA1": 20, "SHA256": 32}
    wrong = b64encode(b"\1" * sizes[algorithm]).decode()
    assert refused(s3.put_object, Bucket=bucket, Key="new", Body=data, **{f"Checksum{algorithm}": wrong}) == (
        "BadDigest",
        400,
    )
    assert refused(s3.head_object, Bucket=bucket, Key="new") == ("404", 404)


# The check values of the catalogue of CRC algorithms, over the digits 1 to 9.
@pytest.mark.parametrize("algorithm, digest", [("CRC32C", "e3069283"), ("CRC64NVME", "ae8b14860a799888")])
def test_checksums_that_boto3_needs_a_library_for(s3, bucket, algorithm, digest):
    good, bad = (b64encode(bytes.fromhex(text)).decode() for text in (digest, "00" * (len(digest) // 2)))
    s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", **{f"Checksum{algorithm}": good})
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[f"Checksum{algorithm}"] == good
    wrong = {f"Checksum{algorithm}": bad}
    assert refused(s3.put_object, Bucket=bucket, Key="n", Body=b"123456789", **wrong) == ("BadDigest", 400)
    short = {f"Checksum{algorithm}": good[:-4]}
    assert refused(s3.put_object, Bucket=bucket, Key="n", Body=b"123456789", **short) == (
        "InvalidRequest",
        400,
    )


def test_content_md5(s3, bucket):
    good = b64encode(hashlib.md5(b"x").digest()).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5=good)
    assert refused(s3.put_object, Bucket=bucket, Key="n", Body=b"y", ContentMD5=good) == ("BadDigest", 400)
    assert refused(s3.put_object, Bucket=bucket, Key="n", Body=b"y", ContentMD5="abc") == (
        "InvalidDigest",
        400,
    )


def test_a_large_object_streams(s3, bucket):
    data = random.Random(1).randbytes(9 * MEGABYTE + 123)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data
    got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={MEGABYTE - 3}-{5 * MEGABYTE}")["Body"].read()
    assert got == data[MEGABYTE - 3 : 5 * MEGABYTE + 1]


def test_managed_transfers(s3, bucket):
    data = random.Random(2).randbytes(23 * MEGABYTE)
    s3.upload_fileobj(io.BytesIO(data), bucket, "k", Config=TransferConfig(max_concurrency=4))
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ETag"].endswith('-3"')
    into = io.BytesIO()
    s3.download_fileobj(bucket, "k", into)
    assert into.getvalue() == data
    assert (
        s3.get_object(Bucket=bucket, Key="k", PartNumber=2)["Body"].read()
        == data[8 * MEGABYTE : 16 * MEGABYTE]
    )


def test_copies(s3, bucket, new_bucket):
    other = new_bucket()
    s3.put_object(Bucket=bucket, Key="from/ü", Body=b"data", Metadata={"a": "1"}, Tagging="t=1")
    copied = s3.copy_object(Bucket=other, Key="to", CopySource={"Bucket": bucket, "Key": "from/ü"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"data").hexdigest()}"'
    got = s3.get_object(Bucket=other, Key="to")
    assert (got["Body"].read(), got["Metadata"], got["TagCount"]) == (b"data", {"a": "1"}, 1)
    source = {"Bucket": other, "Key": "to"}
    assert refused(s3.copy_object, Bucket=other, Key="to", CopySource=source) == ("InvalidRequest", 400)
    s3.copy_object(
        Bucket=other, Key="to", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"}
    )
    assert s3.head_object(Bucket=other, Key="to")["Metadata"] == {"b": "2"}
    assert refused(s3.copy_object, Bucket=other, Key="x", CopySource=f"{bucket}/none") == ("NoSuchKey", 404)
    assert refused(s3.copy_object, Bucket=other, Key="x", CopySource=source, CopySourceIfMatch='"no"') == (
        "PreconditionFailed",
        412,
    )


def test_delete_objects(s3, bucket):
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"")
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "k0"}, {"Key": "k1"}, {"Key": "never"}]}
    )
    assert [each["Key"] for each in answer["Deleted"]] == ["k0", "k1", "never"]
    assert "Deleted" not in s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "k2"}], "Quiet": True}
    )
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k3", "k4"]


def test_deleted_objects_leave_no_files(s3, s3_server, new_bucket):
    bucket = new_bucket()
    root = s3_server.installation.settings.data_dir / "objects"

    def files():
        return {path for path in root.rglob("*") if path.is_file() and path.name != "in-use"}

    before = files()
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert len(files() - before) == 1
    s3.delete_object(Bucket=bucket, Key="k")
    assert files() == before


def test_aws_chunked_over_https_signing(s3_server, bucket):
    config = Config(s3={"payload_signing_enabled": False}, request_checksum_calculation="when_supported")
    client = boto3.client(
        "s3", region_name="us-east-1", endpoint_url=s3_server.endpoint, config=config,
        aws_access_key_id=s3_server.access_key_id, aws_secret_access_key=s3_server.secret_access_key,
    )  # fmt: skip
    for size in (10, 3 * MEGABYTE):
        data = random.Random(size).randbytes(size)
        client.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(data))
        assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == data

"""Multipart uploads from Amazon's documentation: order, sizes, ETags, checksums, listings, aborts, copies."""

import hashlib
import random
import zlib
from base64 import b64decode, b64encode

import boto3
import pytest
import xxhash
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.services.s3.test_objects import refused

MEGABYTE = 1024 * 1024
PART = 5 * MEGABYTE
DATA = random.Random(5).randbytes(PART)


@pytest.fixture
def upload(s3, bucket):
    """Begins uploads of the key `k`; gives what identifies one."""

    def begin(**settings):
        begun = s3.create_multipart_upload(Bucket=bucket, Key="k", **settings)
        return {"Bucket": bucket, "Key": "k", "UploadId": begun["UploadId"]}

    return begin


def parts_of(s3, upload, bodies, **settings):
    parts = []
    for number, body in enumerate(bodies, 1):
        answer = s3.upload_part(**upload, PartNumber=number, Body=body, **settings)
        # Only an upload with an algorithm takes checksums when it is completed.
        named = settings.get("ChecksumAlgorithm")
        checksums = {f"Checksum{named}": answer[f"Checksum{named}"]} if named else {}
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
    return parts


def test_an_upload(s3, upload):
    begun = upload(ContentType="text/plain", Metadata={"a": "1"})
    parts = parts_of(s3, begun, [DATA, b"end"])
    assert refused(s3.get_object, Bucket=begun["Bucket"], Key="k") == ("NoSuchKey", 404)
    done = s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})
    digests = hashlib.md5(DATA).digest() + hashlib.md5(b"end").digest()
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    got = s3.get_object(Bucket=begun["Bucket"], Key="k")
    assert got["Body"].read() == DATA + b"end"
    assert (got["ContentType"], got["Metadata"]) == ("text/plain", {"a": "1"})
    again = s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})
    assert again["ETag"] == done["ETag"]
    assert refused(s3.upload_part, **begun, PartNumber=1, Body=b"") == ("NoSuchUpload", 404)


def test_what_completing_refuses(s3, upload):
    begun = upload()
    first, second = parts_of(s3, begun, [b"small", b"end"])
    complete = s3.complete_multipart_upload
    assert refused(complete, **begun, MultipartUpload={"Parts": [second, first]}) == ("InvalidPartOrder", 400)
    assert refused(complete, **begun, MultipartUpload={"Parts": [first, second]}) == ("EntityTooSmall", 400)
    wrong = {"PartNumber": 1, "ETag": '"0123"'}
    assert refused(complete, **begun, MultipartUpload={"Parts": [wrong]}) == ("InvalidPart", 400)
    assert refused(complete, **begun, MultipartUpload={"Parts": [{"PartNumber": 3, "ETag": first["ETag"]}]})[
        0
    ] == ("InvalidPart")
    assert refused(complete, **begun, MultipartUpload={"Parts": []})[0] == "MalformedXML"
    assert refused(complete, **begun, MultipartUpload={"Parts": [second]}, IfMatch='"x"') == (
        "NoSuchKey",
        404,
    )
    assert (
        refused(complete, **begun, MultipartUpload={"Parts": [second]}, MpuObjectSize=9)[0]
        == "InvalidRequest"
    )
    complete(**begun, MultipartUpload={"Parts": [second]}, IfNoneMatch="*")
    assert s3.get_object(Bucket=begun["Bucket"], Key="k")["Body"].read() == b"end"


def test_part_numbers(s3, upload):
    begun = upload()
    for number in (0, 10_001):
        assert refused(s3.upload_part, **begun, PartNumber=number, Body=b"") == ("InvalidArgument", 400)
    s3.upload_part(**begun, PartNumber=10_000, Body=b"")


def test_a_part_takes_the_place_of_another(s3, s3_server, upload):
    begun = upload()
    s3.upload_part(**begun, PartNumber=1, Body=b"old")
    new = s3.upload_part(**begun, PartNumber=1, Body=b"new")
    [part] = s3.list_parts(**begun)["Parts"]
    assert part["ETag"] == new["ETag"]


def test_lists_and_abort(s3, s3_server, upload):
    begun = upload()
    parts_of(s3, begun, [b"1", b"22", b"333"])
    page = s3.list_parts(**begun, MaxParts=2)
    assert [part["Size"] for part in page["Parts"]] == [1, 2]
    assert page["IsTruncated"]
    page = s3.list_parts(**begun, PartNumberMarker=page["NextPartNumberMarker"])
    assert [part["Size"] for part in page["Parts"]] == [3]
    [shown] = s3.list_multipart_uploads(Bucket=begun["Bucket"])["Uploads"]
    assert (shown["Key"], shown["UploadId"]) == ("k", begun["UploadId"])
    s3.abort_multipart_upload(**begun)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=begun["Bucket"])
    assert refused(s3.abort_multipart_upload, **begun) == ("NoSuchUpload", 404)
    assert refused(s3.list_parts, **begun) == ("NoSuchUpload", 404)


def test_parts_that_are_not_wanted_leave_no_files(s3, s3_server, upload):
    root = s3_server.installation.settings.data_dir / "objects"

    def count():
        return sum(path.is_file() and path.name != "in-use" for path in root.rglob("*"))

    before = count()
    begun = upload()
    parts = parts_of(s3, begun, [b"1", b"2", b"3"])
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts[1:2]})
    assert count() == before + 1
    begun = upload()
    parts_of(s3, begun, [b"1", b"2"])
    s3.abort_multipart_upload(**begun)
    assert count() == before + 1


def crc64(data):
    """The CRC of NVMe, bit by bit."""
    register = 2**64 - 1
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ 0x9A6C9329AC4BC9B5 if register & 1 else register >> 1
    return b64encode((register ^ (2**64 - 1)).to_bytes(8, "big")).decode()


def test_what_comes_without_a_checksum_gets_one(s3_server, bucket):
    """S3 User Guide, Checking object integrity: S3 adds a CRC64NVME checksum where the client sends none."""
    quiet = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=s3_server.endpoint,
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=s3_server.secret_access_key,
        config=Config(request_checksum_calculation="when_required"),
    )
    put = quiet.put_object(Bucket=bucket, Key="k", Body=b"hello")
    assert (put["ChecksumCRC64NVME"], put["ChecksumType"]) == (crc64(b"hello"), "FULL_OBJECT")
    head = quiet.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == crc64(b"hello")
    copied = quiet.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    assert copied["CopyObjectResult"]["ChecksumCRC64NVME"] == crc64(b"hello")
    begun = quiet.create_multipart_upload(Bucket=bucket, Key="parts")
    assert "ChecksumAlgorithm" not in begun
    upload = {name: begun[name] for name in ("Bucket", "Key", "UploadId")}
    part = quiet.upload_part(**upload, PartNumber=1, Body=b"hello")
    assert part["ChecksumCRC64NVME"] == crc64(b"hello")
    named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = quiet.complete_multipart_upload(**upload, MultipartUpload=named)
    assert (done["ChecksumCRC64NVME"], done["ChecksumType"]) == (crc64(b"hello"), "FULL_OBJECT")


@pytest.mark.parametrize("name", ["XXHASH64", "XXHASH3", "XXHASH128", "SHA512", "MD5", "CRC32C"])
def test_every_checksum_is_held_against_the_bytes(s3, bucket, name):
    right = {
        "XXHASH64": xxhash.xxh64(b"hello").digest(),
        "XXHASH3": xxhash.xxh3_64(b"hello").digest(),
        "XXHASH128": xxhash.xxh128(b"hello").digest(),
        "SHA512": hashlib.sha512(b"hello").digest(),
        "MD5": hashlib.md5(b"hello").digest(),
        "CRC32C": bytes.fromhex("9a71bb4c"),
    }[name]
    stated = {f"Checksum{name}": b64encode(right).decode()}
    put = s3.put_object(Bucket=bucket, Key=name, Body=b"hello", **stated)
    assert put[f"Checksum{name}"] == stated[f"Checksum{name}"]
    head = s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
    assert head[f"Checksum{name}"] == stated[f"Checksum{name}"]
    wrong = {f"Checksum{name}": b64encode(right[::-1]).decode()}
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket=bucket, Key=f"{name}-wrong", Body=b"hello", **wrong)


def test_composite_and_whole_checksums(s3, upload):
    bodies = [DATA, b"end"]
    begun = upload(ChecksumAlgorithm="SHA256")
    parts = parts_of(s3, begun, bodies, ChecksumAlgorithm="SHA256")
    done = s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.sha256(body).digest() for body in bodies)
    assert done["ChecksumSHA256"] == b64encode(hashlib.sha256(digests).digest()).decode() + "-2"
    assert done["ChecksumType"] == "COMPOSITE"
    attributes = s3.get_object_attributes(
        Bucket=begun["Bucket"], Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "ObjectSize"]
    )
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert [part["Size"] for part in attributes["ObjectParts"]["Parts"]] == [PART, 3]
    assert attributes["ObjectSize"] == PART + 3
    begun = upload(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = parts_of(s3, begun, bodies, ChecksumAlgorithm="CRC32")
    done = s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts}, ChecksumType="FULL_OBJECT")
    assert b64decode(done["ChecksumCRC32"]) == zlib.crc32(DATA + b"end").to_bytes(4, "big")


def test_parts_by_copy(s3, upload):
    begun = upload()
    bucket = begun["Bucket"]
    s3.put_object(Bucket=bucket, Key="source", Body=DATA + b"0123456789")
    source = f"{bucket}/source"
    one = s3.upload_part_copy(**begun, PartNumber=1, CopySource=source, CopySourceRange=f"bytes=0-{PART - 1}")
    two = s3.upload_part_copy(
        **begun, PartNumber=2, CopySource=source, CopySourceRange=f"bytes={PART + 2}-{PART + 4}"
    )
    over = f"bytes=0-{PART + 10}"
    assert (
        refused(s3.upload_part_copy, **begun, PartNumber=3, CopySource=source, CopySourceRange=over)[0]
        == "InvalidArgument"
    )
    parts = [
        {"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]}
        for number, part in enumerate((one, two), 1)
    ]
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == DATA + b"234"

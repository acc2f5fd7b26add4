"""Multipart uploads from Amazon's documentation: order, sizes, ETags, checksums, listings, aborts, copies."""

import hashlib
import random
import zlib
from base64 import b64decode, b64encode

import pytest

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
        checksums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
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
        return sum(path.is_file() for path in root.rglob("*"))

    before = count()
    begun = upload()
    parts = parts_of(s3, begun, [b"1", b"2", b"3"])
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts[1:2]})
    assert count() == before + 1
    begun = upload()
    parts_of(s3, begun, [b"1", b"2"])
    s3.abort_multipart_upload(**begun)
    assert count() == before + 1


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
        == "InvalidRange"
    )
    parts = [
        {"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]}
        for number, part in enumerate((one, two), 1)
    ]
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == DATA + b"234"

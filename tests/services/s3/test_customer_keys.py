"""SSE-C as Amazon's user guide has it: who does not bring the key gets nothing, and neither does who has the disk."""

import hashlib
import os
from base64 import b64encode

import pytest
from botocore.exceptions import ClientError

from tests.services.s3.test_objects import refused

KEY, OTHER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}, b"o" * 32
PART = 5 * 1024 * 1024


def source(key=b"k" * 32):
    return {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": key}


def message(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Message"]


def test_an_object_opens_with_its_key_alone(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", **KEY)
    assert (put["SSECustomerAlgorithm"], put["SSECustomerKeyMD5"]) == (
        "AES256",
        b64encode(hashlib.md5(b"k" * 32).digest()).decode(),
    )
    assert "ServerSideEncryption" not in put
    got = s3.get_object(Bucket=bucket, Key="k", **KEY)
    assert got["Body"].read() == b"hello"
    assert got["SSECustomerKeyMD5"] == put["SSECustomerKeyMD5"]
    assert got["ETag"] == put["ETag"] != '"5d41402abc4b2a76b9719d911017c592"'
    assert s3.head_object(Bucket=bucket, Key="k", **KEY)["ContentLength"] == 5
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("InvalidRequest", 400)
    assert refused(s3.head_object, Bucket=bucket, Key="k") == ("400", 400)
    assert refused(s3.get_object, Bucket=bucket, Key="k", **{**KEY, "SSECustomerKey": OTHER}) == (
        "AccessDenied",
        403,
    )
    asked = {"Bucket": bucket, "Key": "k", "ObjectAttributes": ["ObjectSize"]}
    assert refused(s3.get_object_attributes, **asked) == ("InvalidRequest", 400)
    # botocore encodes and digests the key for the other operations only.
    encoded = {
        "SSECustomerAlgorithm": "AES256",
        "SSECustomerKey": b64encode(b"k" * 32).decode(),
        "SSECustomerKeyMD5": put["SSECustomerKeyMD5"],
    }
    assert s3.get_object_attributes(**asked, **encoded)["ObjectSize"] == 5
    assert "correct parameters must be provided" in message(s3.get_object, Bucket=bucket, Key="k")


def test_the_server_cannot_open_it_without_the_key(s3, s3_server, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"attack at dawn", **KEY)
    from coldframe.engines.objectstore.errors import BlobDamaged
    from coldframe.engines.objectstore.store import ObjectStore
    from coldframe.engines.objectstore.writing import Blob
    from coldframe.services.s3.records import Version

    installation = s3_server.installation
    with installation.store.read() as transaction:
        [version] = transaction.records("", "").list(Version, key_prefix=(bucket, "k"))
    assert ("k" * 32).encode().hex() not in version.customer_key
    with pytest.raises(BlobDamaged):
        list(installation.parts.get(ObjectStore).read([Blob(*version.blobs[0])], 0, 14))


def test_a_key_where_none_is_needed(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    text = "The encryption parameters are not applicable to this object."
    assert message(s3.get_object, Bucket=bucket, Key="k", **KEY) == text


def test_keys_that_are_none(s3, bucket):
    put = {"Bucket": bucket, "Key": "k", "Body": b"x"}
    wrong = {**KEY, "SSECustomerAlgorithm": "DES"}
    assert refused(s3.put_object, **put, **wrong) == ("InvalidEncryptionAlgorithmError", 400)
    assert refused(s3.put_object, **put, SSECustomerAlgorithm="AES256", SSECustomerKey=b"short") == (
        "InvalidArgument",
        400,
    )
    wrong = {**KEY, "SSECustomerKey": b64encode(b"k" * 32).decode(), "SSECustomerKeyMD5": "A" * 22 + "=="}
    assert refused(s3.put_object, **put, **wrong) == (
        "InvalidArgument",
        400,
    )
    assert refused(s3.put_object, **put, SSECustomerAlgorithm="AES256") == ("InvalidArgument", 400)
    assert refused(s3.put_object, **put, **KEY, ServerSideEncryption="AES256") == ("InvalidArgument", 400)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_uploads_in_parts(s3, bucket):
    begun = s3.create_multipart_upload(Bucket=bucket, Key="k", **KEY)
    assert begun["SSECustomerAlgorithm"] == "AES256"
    upload = {name: begun[name] for name in ("Bucket", "Key", "UploadId")}
    first, last = os.urandom(PART), b"end"
    assert refused(s3.upload_part, **upload, PartNumber=1, Body=b"x") == ("InvalidRequest", 400)
    other = {**KEY, "SSECustomerKey": OTHER}
    assert refused(s3.upload_part, **upload, PartNumber=1, Body=b"x", **other) == ("InvalidRequest", 400)
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(**upload, PartNumber=number, Body=body, **KEY)["ETag"],
        }
        for number, body in ((1, first), (2, last))
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k", **KEY)["Body"].read() == first + last
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=-3", **KEY)["Body"].read() == last
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("InvalidRequest", 400)


def test_copies_change_the_key(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", **KEY)
    copy = {"Bucket": bucket, "CopySource": f"{bucket}/k"}
    assert refused(s3.copy_object, **copy, Key="c") == ("InvalidRequest", 400)
    assert refused(s3.copy_object, **copy, Key="c", **source(OTHER)) == ("AccessDenied", 403)
    plain = s3.copy_object(**copy, Key="plain", **source())
    assert plain["ServerSideEncryption"] == "AES256"
    assert s3.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"hello"
    other = {**KEY, "SSECustomerKey": OTHER}
    s3.copy_object(**copy, Key="k", **source(), **other)
    assert refused(s3.get_object, Bucket=bucket, Key="k", **KEY) == ("AccessDenied", 403)
    assert s3.get_object(Bucket=bucket, Key="k", **other)["Body"].read() == b"hello"


def test_reading_with_a_key_that_is_none_is_denied(s3, bucket):
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    s3.put_object(Bucket=bucket, Key="sealed", Body=b"x", **key)
    short = {**key, "SSECustomerKey": b"short"}
    assert refused(s3.get_object, Bucket=bucket, Key="sealed", **short) == ("AccessDenied", 403)
    assert refused(s3.put_object, Bucket=bucket, Key="sealed", **short) == ("InvalidArgument", 400)

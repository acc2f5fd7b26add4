"""SSE-KMS: whose key it is, who may use it, what context it is used in, and what is on the disk."""

import base64
import hashlib
import itertools
import json

import pytest
from botocore.exceptions import ClientError

MARKER = b"the-quick-brown-fox-" * 3
_NUMBERS = itertools.count(1)


@pytest.fixture
def kms(s3_server):
    return s3_server.client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def person(s3_server):
    """Makes a user with an inline policy of the statements given; returns its S3 client."""

    def make(*statements):
        _, key = s3_server.add_user(f"kms-person-{next(_NUMBERS)}", *statements)
        return s3_server.client("s3", **key)

    return make


def allow(*actions, resource="*", **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def refused(use):
    with pytest.raises(ClientError) as error:
        use()
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def read(s3, bucket, name="k", **more):
    return s3.get_object(Bucket=bucket, Key=name, **more)["Body"].read()


def test_an_object_under_the_default_key(s3_server, s3, kms, bucket) -> None:
    put = s3.put_object(Bucket=bucket, Key="k", Body=MARKER, ServerSideEncryption="aws:kms")
    about = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert about["KeyManager"] == "AWS"
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == ("aws:kms", about["Arn"])
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", about["Arn"])
    assert read(s3, bucket) == MARKER
    assert read(s3, bucket, Range="bytes=4-8") == MARKER[4:9]
    # Documented: the ETag of such an object is not the MD5 of its data.
    assert head["ETag"] == put["ETag"] != f'"{hashlib.md5(MARKER).hexdigest()}"'
    plain = s3.put_object(Bucket=bucket, Key="plain", Body=MARKER)
    assert plain["ServerSideEncryption"] == "AES256"
    assert "SSEKMSKeyId" not in plain


def test_the_caller_needs_permission_on_the_key(s3, kms, bucket, key, person) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    reader = person(allow("s3:*"))
    code, text = refused(lambda: read(reader, bucket))
    assert code == "AccessDenied"
    assert f"is not authorized to perform: kms:Decrypt on resource: {key}" in text
    asked = {"Bucket": bucket, "Key": "mine", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    assert "kms:GenerateDataKey" in refused(lambda: reader.put_object(**asked, Body=b"y"))[1]
    when = {
        "StringEquals": {
            "kms:ViaService": "s3.us-east-1.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/k",
        }
    }
    allowed = person(allow("s3:*"), allow("kms:Decrypt", "kms:GenerateDataKey", resource=key, Condition=when))
    assert read(allowed, bucket) == b"x"
    assert refused(lambda: allowed.put_object(**asked, Body=b"y"))[0] == "AccessDenied"


def test_a_key_that_is_not_usable(s3, kms, bucket, key) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    kms.disable_key(KeyId=key)
    assert refused(lambda: read(s3, bucket)) == ("KMS.DisabledException", f"{key} is disabled.")
    kms.enable_key(KeyId=key)
    assert read(s3, bucket) == b"x"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert refused(lambda: read(s3, bucket))[0] == "KMS.KMSInvalidStateException"
    asked = {"Bucket": bucket, "Key": "n", "Body": b"x"}
    code, _ = refused(
        lambda: s3.put_object(**asked, ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/none")
    )
    assert code == "KMS.NotFoundException"
    assert refused(lambda: s3.put_object(**asked, SSEKMSKeyId=key))[0] == "InvalidArgument"


def test_a_buckets_default_encryption(s3, kms, new_bucket, key) -> None:
    bucket = new_bucket()
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": True,
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"], put["BucketKeyEnabled"]) == (
        "aws:kms",
        key,
        True,
    )
    assert s3.head_object(Bucket=bucket, Key="k")["BucketKeyEnabled"] is True
    put = s3.put_object(Bucket=bucket, Key="own", Body=b"x", ServerSideEncryption="AES256")
    assert put["ServerSideEncryption"] == "AES256"
    kms.disable_key(KeyId=key)
    assert read(s3, bucket, "own") == b"x"
    assert refused(lambda: read(s3, bucket))[0] == "KMS.DisabledException"


def test_a_bucket_key_is_used_in_the_buckets_context(s3, bucket, key, person) -> None:
    when = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}}
    client = person(allow("s3:*"), allow("kms:*", resource=key, Condition=when))
    asked = {"Bucket": bucket, "Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    client.put_object(**asked, Body=b"x", BucketKeyEnabled=True)
    assert read(client, bucket) == b"x"
    assert refused(lambda: client.put_object(**asked, Body=b"x"))[0] == "AccessDenied"


def test_the_callers_own_context(s3, bucket, key, person) -> None:
    when = {"StringEquals": {"kms:EncryptionContext:stage": "test"}}
    client = person(allow("s3:*"), allow("kms:*", resource=key, Condition=when))
    asked = {
        "Bucket": bucket,
        "Key": "k",
        "Body": b"x",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": key,
    }
    context = base64.b64encode(json.dumps({"stage": "test"}).encode()).decode()
    client.put_object(**asked, SSEKMSEncryptionContext=context)
    assert read(client, bucket) == b"x"
    assert refused(lambda: client.put_object(**asked))[0] == "AccessDenied"
    assert refused(lambda: s3.put_object(**asked, SSEKMSEncryptionContext="nonsense"))[0] == "InvalidArgument"


def test_parts_and_copies(s3, kms, bucket, key) -> None:
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    begun = s3.create_multipart_upload(Bucket=bucket, Key="big", **encryption)
    assert begun["SSEKMSKeyId"] == key
    named = {"Bucket": bucket, "Key": "big", "UploadId": begun["UploadId"]}
    bodies = [b"a" * (5 * 1024 * 1024), b"b" * 100]
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**named, PartNumber=number, Body=body)
        assert part["SSEKMSKeyId"] == key
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    assert (done["ServerSideEncryption"], done["SSEKMSKeyId"]) == ("aws:kms", key)
    assert read(s3, bucket, "big") == b"".join(bodies)
    # From one key to another, and back to none.
    other = kms.create_key()["KeyMetadata"]["Arn"]
    source = {"Bucket": bucket, "Key": "big"}
    copied = s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=source, ServerSideEncryption="aws:kms", SSEKMSKeyId=other
    )
    assert copied["SSEKMSKeyId"] == other
    s3.copy_object(Bucket=bucket, Key="plain", CopySource=source)
    kms.disable_key(KeyId=key)
    assert read(s3, bucket, "copy") == read(s3, bucket, "plain") == b"".join(bodies)
    assert (
        refused(lambda: s3.copy_object(Bucket=bucket, Key="n", CopySource=source))[0]
        == "KMS.DisabledException"
    )


def test_nothing_readable_is_on_the_disk_even_with_the_servers_own_key(s3_server, s3, bucket, key) -> None:
    """The store's key, which opens every other object, does not open one under SSE-KMS."""
    from coldframe.engines.objectstore.errors import BlobDamaged
    from coldframe.engines.objectstore.store import ObjectStore
    from coldframe.engines.objectstore.writing import Blob
    from coldframe.services.s3.records import Version

    s3.put_object(Bucket=bucket, Key="k", Body=MARKER, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    s3.put_object(Bucket=bucket, Key="plain", Body=MARKER)
    store = s3_server.installation.parts.get(ObjectStore)

    def raw(name):
        with s3_server.installation.store.read() as transaction:
            (row,) = transaction.records("", "").list(Version, key_prefix=(bucket, name))
        return b"".join(store.read([Blob(*blob) for blob in row.blobs], 0, row.size))

    assert raw("plain") == MARKER
    with pytest.raises(BlobDamaged):
        raw("k")

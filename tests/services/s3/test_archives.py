"""Archived objects: unreadable until they are restored, for as long as was asked. Source: Amazon S3 User Guide."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.services.s3.test_objects import refused


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_is_read_once_it_is_restored(s3, s3_server, bucket, storage_class):
    at = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**at, Body=b"hello", StorageClass=storage_class)
    assert "Restore" not in s3.head_object(**at)
    assert refused(s3.get_object, **at) == ("InvalidObjectState", 403)
    copy = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/k"}
    assert refused(s3.copy_object, **copy) == ("ObjectNotInActiveTierError", 403)
    wanted = {"Days": 3, "GlacierJobParameters": {"Tier": "Standard"}}
    first = s3.restore_object(**at, RestoreRequest=wanted)
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.get_object(**at)["Body"].read() == b"hello"
    s3.copy_object(**copy)
    head = s3.head_object(**at)
    ongoing, _, expiry = head["Restore"].partition(", ")
    assert ongoing == 'ongoing-request="false"'
    # A restore that is done on 15 October at 10:30, for 3 days, expires on 19 October at 00:00.
    ends = parsedate_to_datetime(expiry.removeprefix('expiry-date="').removesuffix('"'))
    today = datetime.fromtimestamp(s3_server.clock.seconds(), UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    assert ends == today + timedelta(days=4)
    again = s3.restore_object(**at, RestoreRequest={"Days": 5})
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 200
    s3_server.clock.advance(7 * 86_400)
    try:
        assert refused(s3.get_object, **at) == ("InvalidObjectState", 403)
        assert "Restore" not in s3.head_object(**at)
    finally:
        s3_server.clock.advance(-7 * 86_400)


def test_what_needs_no_restore_cannot_be_restored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", StorageClass="STANDARD_IA")
    asked = {"Bucket": bucket, "Key": "k", "RestoreRequest": {"Days": 1}}
    assert refused(s3.restore_object, **asked) == ("InvalidObjectState", 403)
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", StorageClass="GLACIER")
    assert refused(s3.restore_object, **asked | {"RestoreRequest": {}}) == ("MalformedXML", 400)


def test_a_storage_class_that_is_none(s3, bucket):
    asked = {"Bucket": bucket, "Key": "k", "Body": b"", "StorageClass": "COLD"}
    assert refused(s3.put_object, **asked) == ("InvalidStorageClass", 400)


def test_a_token_that_is_none(s3, bucket):
    with pytest.raises(s3.exceptions.ClientError, match="The continuation token provided is incorrect"):
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="no-token")

"""Lifecycle rules really delete, at the time that the documentation says, and nothing else; files go with rows."""

import pytest

from coldframe.services.s3 import jobs
from coldframe.services.s3.lifecycle import due
from coldframe.services.s3.times import DAY
from tests.services.s3.test_objects import refused

HOUR = 3_600_000


@pytest.fixture
def days(s3_server):
    """Lets days pass and has the rules applied; the clock is set back at the end."""
    passed = []

    def pass_(count):
        passed.append(count)
        s3_server.clock.advance(count * 86_400)
        return jobs.apply_rules(s3_server.installation)

    yield pass_
    s3_server.clock.advance(-sum(passed) * 86_400)


def rules(s3, bucket, **rule):
    whole = {"ID": "r", "Status": "Enabled", "Filter": {}, **rule}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [whole]})


def keys(s3, bucket):
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_a_day_ends_at_the_midnight_that_follows():
    # User Guide: an object made on 15 January at 10:30 with a rule of 3 days expires on 19 January at 00:00.
    made = 14 * DAY + 10.5 * HOUR
    assert due(int(made), 3) == 18 * DAY
    assert due(14 * DAY, 3) == 17 * DAY


def test_expiry(s3, s3_server, new_bucket, days):
    bucket = new_bucket()
    for key in ("logs/a", "logs/b", "keep"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.put_object(Bucket=bucket, Key="logs/tagged", Body=b"x", Tagging="keep=yes")
    files = sum(path.is_file() for path in (s3_server.installation.settings.data_dir / "objects").rglob("*"))
    rules(s3, bucket, Filter={"Prefix": "logs/"}, Expiration={"Days": 3})
    assert days(2) == 0
    assert len(keys(s3, bucket)) == 4
    assert days(2.1) == 3
    assert keys(s3, bucket) == ["keep"]
    left = sum(path.is_file() for path in (s3_server.installation.settings.data_dir / "objects").rglob("*"))
    assert left == files - 3


def test_filters_by_tag_and_size(s3, new_bucket, days):
    bucket = new_bucket()
    s3.put_object(Bucket=bucket, Key="small", Body=b"x", Tagging="a=1")
    s3.put_object(Bucket=bucket, Key="large", Body=b"x" * 100, Tagging="a=1")
    s3.put_object(Bucket=bucket, Key="other", Body=b"x" * 100)
    both = {"And": {"Tags": [{"Key": "a", "Value": "1"}], "ObjectSizeGreaterThan": 50}}
    rules(s3, bucket, Filter=both, Expiration={"Days": 1})
    days(3)
    assert keys(s3, bucket) == ["other", "small"]


def test_versions_expire_in_two_steps(s3, new_bucket, days):
    bucket = new_bucket(versioned=True)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    rules(
        s3,
        bucket,
        Expiration={"Days": 2},
        NoncurrentVersionExpiration={"NoncurrentDays": 2, "NewerNoncurrentVersions": 1},
    )
    days(3.1)
    assert keys(s3, bucket) == []
    assert len(s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]) == 1
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 1
    rules(
        s3,
        bucket,
        Expiration={"ExpiredObjectDeleteMarker": True},
        NoncurrentVersionExpiration={"NoncurrentDays": 1},
    )
    days(4)
    days(1)
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
    assert "DeleteMarkers" not in s3.list_object_versions(Bucket=bucket)


def test_locked_versions_stay(s3, new_bucket, days):
    bucket = new_bucket(ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", ObjectLockLegalHoldStatus="ON")
    s3.delete_object(Bucket=bucket, Key="k")
    rules(s3, bucket, NoncurrentVersionExpiration={"NoncurrentDays": 1})
    days(5)
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 1


def test_uploads_are_aborted(s3, new_bucket, days):
    bucket = new_bucket()
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    rules(s3, bucket, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})
    days(3)
    assert refused(s3.list_parts, Bucket=bucket, Key="k", UploadId=upload) == ("NoSuchUpload", 404)

"""Versioning, null versions, delete markers and Object Lock, from the Amazon S3 User Guide."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.services.s3.test_objects import refused


def test_versions_come_and_go(s3, new_bucket):
    bucket = new_bucket(versioned=True)
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == second
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    assert deleted["DeleteMarker"]
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId=deleted["VersionId"]) == (
        "MethodNotAllowed",
        405,
    )
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=deleted["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId=second) == ("NoSuchVersion", 404)
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=first)
    s3.delete_bucket(Bucket=bucket)


def test_null_versions(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"versioned")["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"before"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"suspended")
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"suspended"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() == b"versioned"
    assert s3.delete_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    shown = s3.list_object_versions(Bucket=bucket)
    assert [each["VersionId"] for each in shown["Versions"]] == [version]
    assert [each["VersionId"] for each in shown["DeleteMarkers"]] == ["null"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"versioned"


@pytest.fixture
def locked(new_bucket):
    return new_bucket(ObjectLockEnabledForBucket=True)


def later(**delta):
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**delta)


def test_governance_and_its_bypass(s3, locked):
    until = later(days=1)
    put = s3.put_object(
        Bucket=locked, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until
    )
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    head = s3.head_object(Bucket=locked, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)
    assert refused(s3.delete_object, **version) == ("AccessDenied", 403)
    s3.delete_object(Bucket=locked, Key="k")  # a marker hides it, and deletes nothing
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": later(hours=1)}
    assert refused(s3.put_object_retention, **version, Retention=shorter) == ("AccessDenied", 403)
    longer = {"Mode": "GOVERNANCE", "RetainUntilDate": later(days=2)}
    s3.put_object_retention(**version, Retention=longer)
    assert s3.get_object_retention(**version)["Retention"] == longer
    s3.delete_object(**version, BypassGovernanceRetention=True)


def test_compliance_yields_to_nobody_until_it_ends(s3, s3_server, locked):
    put = s3.put_object(
        Bucket=locked,
        Key="k",
        Body=b"x",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=later(days=1),
    )
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    assert refused(s3.delete_object, **version, BypassGovernanceRetention=True) == ("AccessDenied", 403)
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": later(days=9)}
    assert (
        refused(s3.put_object_retention, **version, Retention=weaker, BypassGovernanceRetention=True)[1]
        == 403
    )
    s3_server.clock.advance(86_400 * 1.1)
    s3.delete_object(**version)


def test_legal_hold_and_default_retention(s3, locked):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
    s3.put_object_lock_configuration(
        Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"]["Rule"] == rule
    version = {"Bucket": locked, "Key": "k", "VersionId": s3.put_object(Bucket=locked, Key="k")["VersionId"]}
    assert s3.head_object(**version)["ObjectLockMode"] == "GOVERNANCE"
    s3.put_object_legal_hold(**version, LegalHold={"Status": "ON"})
    assert refused(s3.delete_object, **version, BypassGovernanceRetention=True) == ("AccessDenied", 403)
    s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(**version)["LegalHold"] == {"Status": "OFF"}
    s3.delete_object(**version, BypassGovernanceRetention=True)
    suspended = {"Status": "Suspended"}
    assert refused(s3.put_bucket_versioning, Bucket=locked, VersioningConfiguration=suspended) == (
        "InvalidBucketState", 409,
    )  # fmt: skip


def test_a_bucket_without_lock(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    assert refused(s3.get_object_retention, Bucket=bucket, Key="k") == ("InvalidRequest", 400)
    assert refused(s3.get_object_lock_configuration, Bucket=bucket) == (
        "ObjectLockConfigurationNotFoundError",
        404,
    )
    assert refused(s3.put_object, Bucket=bucket, Key="k", ObjectLockLegalHoldStatus="ON") == (
        "InvalidRequest",
        400,
    )

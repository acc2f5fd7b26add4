"""Where listings go on: markers within a group, markers of what has been deleted since, and the order of uploads.

The answers are those that AWS was recorded to give.
"""

import pytest

from tests.services.s3.test_objects import refused

KEYS = ["folder/sub/1", "folder/sub/2", "folder/x", "folder/y"]
GROUPED = {"Prefix": "folder/", "Delimiter": "/"}


@pytest.fixture(scope="module")
def filled(s3_server):
    s3 = s3_server.client("s3")
    s3.create_bucket(Bucket="grouped")
    s3.put_bucket_versioning(Bucket="grouped", VersioningConfiguration={"Status": "Enabled"})
    for key in KEYS:
        s3.put_object(Bucket="grouped", Key=key, Body=b"")
        s3.create_multipart_upload(Bucket="grouped", Key=key)
    return "grouped"


@pytest.mark.parametrize("marker", ["folder/sub/", "folder/sub/1", "folder/sub/zzz"])
def test_a_marker_within_a_group_hides_the_group(s3, filled, marker):
    page = s3.list_objects(Bucket=filled, MaxKeys=1, Marker=marker, **GROUPED)
    assert ([each["Key"] for each in page["Contents"]], page["NextMarker"]) == (["folder/x"], "folder/x")
    assert "CommonPrefixes" not in page
    page = s3.list_object_versions(Bucket=filled, MaxKeys=1, KeyMarker=marker, **GROUPED)
    assert ([each["Key"] for each in page["Versions"]], page["NextKeyMarker"]) == (["folder/x"], "folder/x")
    assert "CommonPrefixes" not in page
    page = s3.list_multipart_uploads(Bucket=filled, MaxUploads=1, KeyMarker=marker, **GROUPED)
    [upload] = page["Uploads"]
    assert (page["NextKeyMarker"], page["NextUploadIdMarker"]) == ("folder/x", upload["UploadId"])
    assert "CommonPrefixes" not in page


def test_a_group_is_no_place_among_uploads(s3, filled):
    page = s3.list_multipart_uploads(Bucket=filled, MaxUploads=1, **GROUPED)
    assert [each["Prefix"] for each in page["CommonPrefixes"]] == ["folder/sub/"]
    assert (page["IsTruncated"], page["NextKeyMarker"], page["NextUploadIdMarker"]) == (True, "", "")


def test_versions_are_deleted_page_by_page(s3, new_bucket):
    """The marker of the next page names a version that is gone by then: none is left, and none is an error."""
    bucket = new_bucket(versioned=True)
    for number in range(7):
        s3.put_object(Bucket=bucket, Key="key", Body=str(number).encode())
    s3.delete_object(Bucket=bucket, Key="key")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    for page in pages:
        rows = page.get("Versions", []) + page.get("DeleteMarkers", [])
        named = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in rows]
        assert "Errors" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
    s3.delete_bucket(Bucket=bucket)


def test_objects_without_versions_are_deleted_page_by_page(s3, bucket):
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"key{number}", Body=b"")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    for page in pages:
        for each in page["Versions"]:
            s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def test_markers_of_versions_that_never_were(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="key", Body=b"")
    made_up = {"KeyMarker": "key", "VersionIdMarker": "0" * 32}
    assert refused(s3.list_object_versions, Bucket=bucket, **made_up) == ("InvalidArgument", 400)


def test_uploads_are_listed_as_they_began(s3, bucket):
    begun = [s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"] for _ in range(12)]
    other = s3.create_multipart_upload(Bucket=bucket, Key="another")["UploadId"]
    shown = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [each["UploadId"] for each in shown[:1]] == [other]
    # Those that began in one millisecond are in any order.
    assert sorted(each["Initiated"] for each in shown[1:]) == [each["Initiated"] for each in shown[1:]]
    assert {each["UploadId"] for each in shown[1:]} == set(begun)
    assert [each[:12] for each in begun] == sorted(each[:12] for each in begun)
    s3.abort_multipart_upload(Bucket=bucket, Key="key", UploadId=shown[4]["UploadId"])
    rest = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="key", UploadIdMarker=shown[4]["UploadId"])
    assert [each["UploadId"] for each in rest["Uploads"]] == [each["UploadId"] for each in shown[5:]]
    wrong = {"KeyMarker": "key", "UploadIdMarker": other}
    assert refused(s3.list_multipart_uploads, Bucket=bucket, **wrong) == ("InvalidArgument", 400)
    assert s3.list_multipart_uploads(Bucket=bucket, UploadIdMarker=other)["UploadIdMarker"] == ""


def test_an_empty_token_is_none(s3, bucket):
    assert len(s3.list_buckets(ContinuationToken="", MaxBuckets=1)["Buckets"]) == 1
    assert refused(s3.list_buckets, BucketRegion="eu-east-1") == ("InvalidArgument", 400)
    assert "Buckets" in s3.list_buckets(BucketRegion="us-east-1")

"""What S3 says in its refusals and beside its answers, as recordings of AWS have it: codes, members, statuses, markers."""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime

import pytest
import urllib3
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.services.s3.test_objects import refused

HTTP = urllib3.PoolManager(retries=False)


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return {name: text for name, text in caught.value.response["Error"].items() if name != "Message"}


def status_of(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def test_ids_of_the_answer_differ(s3, bucket):
    told = s3.list_objects_v2(Bucket=bucket)["ResponseMetadata"]
    assert told["HostId"] != told["RequestId"]


def test_a_digest_that_is_wrong_is_told(s3, bucket):
    put = {"Bucket": bucket, "Key": "k", "Body": b"bytes"}
    assert error_of(s3.put_object, **put, ContentMD5="MTIz") == {
        "Code": "InvalidDigest",
        "Content-MD5": "MTIz",
    }
    wrong = error_of(s3.put_object, **put, ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    calculated = b64encode(hashlib.md5(b"bytes").digest()).decode()
    assert wrong == {"Code": "BadDigest", "ExpectedDigest": "0" * 32, "CalculatedDigest": calculated}


@pytest.mark.parametrize("owner", ["0000", "0000000000020", "abcd"])
def test_an_owner_that_is_no_account(s3, bucket, owner):
    asked = {"Bucket": bucket, "ExpectedBucketOwner": owner}
    assert refused(s3.get_bucket_policy, **asked) == ("InvalidBucketOwnerAWSAccountID", 400)


def test_a_document_with_a_value_of_no_kind_is_malformed(s3, bucket):
    payer = {"Bucket": bucket, "RequestPaymentConfiguration": {"Payer": "Random"}}
    assert refused(s3.put_bucket_request_payment, **payer) == ("MalformedXML", 400)
    place = {"LocationConstraint": "nowhere"}
    said = error_of(s3.create_bucket, Bucket="bucket-of-nowhere", CreateBucketConfiguration=place)
    assert said == {"Code": "InvalidLocationConstraint", "LocationConstraint": "nowhere"}


def test_puts_that_answer_without_content(s3, bucket):
    metrics = {"Id": "one", "Filter": {"Prefix": "logs/"}}
    put = s3.put_bucket_metrics_configuration(Bucket=bucket, Id="one", MetricsConfiguration=metrics)
    assert status_of(put) == 204
    wrong = {"Bucket": bucket, "Id": "other", "MetricsConfiguration": metrics}
    assert refused(s3.put_bucket_metrics_configuration, **wrong) == ("MalformedXML", 400)


def test_version_ids_that_no_version_has(s3, bucket, new_bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    unknown = "0" * 32
    for call in (s3.get_object, s3.delete_object):
        said = error_of(call, Bucket=bucket, Key="k", VersionId=unknown)
        assert said == {"Code": "InvalidArgument", "ArgumentName": "versionId", "ArgumentValue": unknown}
    wanted = {"Objects": [{"Key": "k", "VersionId": unknown}]}
    assert s3.delete_objects(Bucket=bucket, Delete=wanted)["Errors"][0]["Code"] == "NoSuchVersion"
    versioned = new_bucket(versioned=True)
    assert refused(s3.get_object, Bucket=versioned, Key="k", VersionId=unknown) == ("NoSuchVersion", 404)
    assert refused(s3.delete_object, Bucket=versioned, Key="k", VersionId="H" * 32) == (
        "InvalidArgument",
        400,
    )
    assert s3.head_object(Bucket=bucket, Key="k", VersionId="null")["ContentLength"] == 0


def test_bypass_is_for_locked_buckets(s3, bucket):
    said = error_of(s3.delete_object, Bucket=bucket, Key="k", BypassGovernanceRetention=False)
    assert said == {"Code": "InvalidArgument", "ArgumentName": "x-amz-bypass-governance-retention"}


def test_a_legal_hold_is_told_once_it_was_said(s3, new_bucket):
    named = {"Bucket": new_bucket(ObjectLockEnabledForBucket=True), "Key": "k"}
    s3.put_object(**named, Body=b"")
    assert refused(s3.get_object_legal_hold, **named) == ("NoSuchObjectLockConfiguration", 404)
    assert "ObjectLockLegalHoldStatus" not in s3.head_object(**named)
    s3.put_object_legal_hold(**named, LegalHold={"Status": "OFF"})
    assert s3.head_object(**named)["ObjectLockLegalHoldStatus"] == "OFF"
    until = datetime(2040, 1, 1, tzinfo=UTC)
    said = error_of(s3.put_object, **named, Body=b"", ObjectLockRetainUntilDate=until)
    assert said == {"Code": "InvalidArgument", "ArgumentName": "x-amz-object-lock-mode"}


def test_answers_tell_when_a_rule_ends_the_object(s3, new_bucket):
    bucket = new_bucket(versioned=True)
    days = {"Expiration": {"Days": 7}, "Status": "Enabled"}
    rules = [
        {"ID": "first one", "Filter": {"Prefix": "a"}, **days},
        {"ID": "second", "Filter": {"Prefix": "ab"}, **days},
    ]
    put = {"Bucket": bucket, "LifecycleConfiguration": {"Rules": rules}}
    smallest = "TransitionDefaultMinimumObjectSize"
    assert s3.put_bucket_lifecycle_configuration(**put)[smallest] == "all_storage_classes_128K"
    s3.put_bucket_lifecycle_configuration(**put, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)[smallest] == "varies_by_storage_class"
    made = s3.put_object(Bucket=bucket, Key="abc", Body=b"")
    assert made["Expiration"].endswith('00:00:00 GMT", rule-id="first%20one"')
    assert s3.head_object(Bucket=bucket, Key="abc")["Expiration"] == made["Expiration"]
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="abc", VersionId=made["VersionId"])
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="b", Body=b"")
    two = {"Rules": [{"ID": "both", "Filter": {"Prefix": "", "ObjectSizeGreaterThan": 5}, **days}]}
    wrong = {"Bucket": bucket, "LifecycleConfiguration": two}
    assert refused(s3.put_bucket_lifecycle_configuration, **wrong) == ("MalformedXML", 400)


def test_checksums_of_ranges_and_parts(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    asked = {"Bucket": bucket, "Key": "k", "ChecksumMode": "ENABLED"}
    assert s3.head_object(**asked, Range="bytes=0-100")["ChecksumCRC32"] == put["ChecksumCRC32"]
    assert "ChecksumCRC32" not in s3.head_object(**asked, Range="bytes=0-5")
    said = error_of(s3.get_object, Bucket=bucket, Key="k", PartNumber=2)
    assert (said["PartNumberRequested"], said["ActualPartCount"]) == ("2", "1")


def test_uploads_hold_to_the_checksum_they_began_with(s3, bucket):
    named = {"Bucket": bucket, "Key": "k"}
    begun = named | {"UploadId": s3.create_multipart_upload(**named, ChecksumAlgorithm="SHA256")["UploadId"]}
    wrong = begun | {"PartNumber": 1, "Body": b"abc"}
    assert refused(s3.upload_part, **wrong, ChecksumAlgorithm="CRC32") == ("InvalidRequest", 400)
    made = s3.upload_part(**wrong, ChecksumAlgorithm="SHA256")
    part = {"PartNumber": 1, "ETag": made["ETag"]}
    complete = s3.complete_multipart_upload
    assert refused(complete, **begun, MultipartUpload={"Parts": [part]}) == ("InvalidRequest", 400)
    part["ChecksumSHA256"] = made["ChecksumSHA256"]
    whole = {"MultipartUpload": {"Parts": [part]}}
    assert refused(complete, **begun, **whole, ChecksumType="FULL_OBJECT") == ("InvalidRequest", 400)
    assert refused(complete, **begun) == ("InvalidRequest", 400)
    complete(**begun, **whole)
    got = s3.head_object(**named, PartNumber=1, ChecksumMode="ENABLED")
    assert got["ChecksumSHA256"] == made["ChecksumSHA256"]


def test_uploads_without_an_algorithm_take_no_checksums_of_parts(s3, bucket):
    named = {"Bucket": bucket, "Key": "k"}
    begun = named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    shown = s3.list_multipart_uploads(Bucket=bucket)
    assert (shown["NextKeyMarker"], shown["NextUploadIdMarker"]) == ("k", begun["UploadId"])
    made = s3.upload_part(**begun, PartNumber=1, Body=b"abc")
    [listed] = s3.list_parts(**begun)["Parts"]
    assert "ChecksumCRC32" not in listed
    part = {"PartNumber": 1, "ETag": made["ETag"]}
    with_checksum = {"Parts": [part | {"ChecksumCRC32": made["ChecksumCRC32"]}]}
    said = error_of(s3.complete_multipart_upload, **begun, MultipartUpload=with_checksum)
    assert (said["Code"], said["UploadId"]) == ("InvalidPart", begun["UploadId"])
    done = s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": [part]})
    assert done["ChecksumType"] == "FULL_OBJECT"
    attributes = s3.get_object_attributes(**named, ObjectAttributes=["ObjectParts"])
    assert attributes["ObjectParts"] == {"TotalPartsCount": 1}


def test_conditions_that_writes_do_not_take(s3, bucket):
    put = {"Bucket": bucket, "Key": "k", "Body": b""}
    said = error_of(s3.put_object, **put, IfMatch="*")
    assert (said["Code"], said["Header"]) == ("NotImplemented", "If-Match")
    said = error_of(s3.put_object, **put, IfMatch='"x"', IfNoneMatch="*")
    assert said["Header"] == "If-Match,If-None-Match"


def test_an_upload_whose_key_was_put_meanwhile(s3, s3_server, bucket):
    named = {"Bucket": bucket, "Key": "k"}
    begun = named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    part = {"PartNumber": 1, "ETag": s3.upload_part(**begun, PartNumber=1, Body=b"abc")["ETag"]}
    s3_server.clock.advance(1)
    put = s3.put_object(**named, Body=b"other")
    complete = begun | {"MultipartUpload": {"Parts": [part]}}
    assert refused(s3.complete_multipart_upload, **complete, IfNoneMatch="*") == ("PreconditionFailed", 412)
    conflict = refused(s3.complete_multipart_upload, **complete, IfMatch=put["ETag"])
    assert conflict == ("ConditionalRequestConflict", 409)
    s3.complete_multipart_upload(**complete)


def test_conditions_of_copies(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from", Body=b"")
    copy = {"Bucket": bucket, "Key": "to", "CopySource": f"{bucket}/from"}
    said = error_of(s3.copy_object, **copy, CopySourceIfMatch='"x"')
    assert said == {"Code": "PreconditionFailed", "Condition": "x-amz-copy-source-If-Match"}
    s3.copy_object(**copy, CopySourceIfModifiedSince=datetime(2100, 1, 1, tzinfo=UTC))


def test_tags_of_delete_markers_and_headers(s3, new_bucket):
    named = {"Bucket": new_bucket(versioned=True), "Key": "k"}
    s3.put_object(**named, Body=b"", Tagging="one&&two=2")
    assert {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(**named)["TagSet"]} == {
        "one": "",
        "two": "2",
    }
    said = error_of(s3.put_object, **named, Body=b"", Tagging="one=1&one=2")
    assert said == {
        "Code": "InvalidArgument",
        "ArgumentName": "x-amz-tagging",
        "ArgumentValue": "one=1&one=2",
    }
    tagging = {"Tagging": {"TagSet": [{"Key": "k", "Value": "a,b"}]}}
    assert error_of(s3.put_object_tagging, **named, **tagging)["TagValue"] == "a,b"
    s3.delete_object(**named)
    said = error_of(s3.get_object_tagging, **named)
    assert said == {"Code": "MethodNotAllowed", "Method": "GET", "ResourceType": "DeleteMarker"}
    assert status_of(s3.put_bucket_tagging(Bucket=named["Bucket"], Tagging={"TagSet": []})) == 204


def test_times_are_whole_seconds_with_their_zeroes(s3, bucket):
    bodies = []
    s3.meta.events.register(
        "before-parse.s3.ListObjectsV2", lambda response_dict, **_: bodies.append(response_dict["body"])
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    s3.list_objects_v2(Bucket=bucket)
    assert bodies[0].partition(b"<LastModified>")[2].partition(b"</")[0].endswith(b".000Z")


def test_a_bucket_made_again(s3, bucket):
    s3.create_bucket(Bucket=bucket)
    tags = {"Tags": [{"Key": "a", "Value": "b"}]}
    said = refused(s3.create_bucket, Bucket=bucket, CreateBucketConfiguration=tags)
    assert said == ("BucketAlreadyOwnedByYou", 409)
    old = {"LocationConstraint": "EU"}
    s3.create_bucket(Bucket="bucket-of-the-old-name", CreateBucketConfiguration=old)
    assert s3.get_bucket_location(Bucket="bucket-of-the-old-name")["LocationConstraint"] == "EU"
    assert s3.head_bucket(Bucket="bucket-of-the-old-name")["BucketRegion"] == "eu-west-1"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("=?UTF-8?B?YWJj?=", "abc"),
        ("=?UTF-8?Q?=C3=84=5Fplain?=", "=?UTF-8?Q?=C3=84=5Fplain?="),
        ("=?UTF-8?Q?=C3=84?=", "=?UTF-8?B?w4Q=?="),
        ("=?of no kind", "=?of no kind"),
    ],
)
def test_metadata_in_the_words_of_mail(s3, bucket, said, told):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"a": said})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": told}


def test_headers_in_the_query_of_a_presigned_url(s3, s3_server, bucket):
    credentials = s3_server.access_key_id, s3_server.secret_access_key
    query = {"x-amz-meta-a": "b", "if-none-match": "*", "x-amz-storage-class": "STANDARD_IA"}
    request = AWSRequest("PUT", f"{s3_server.endpoint}/{bucket}/k", params=query)
    S3SigV4QueryAuth(Credentials(*credentials), "s3", "us-east-1").add_auth(request)
    assert HTTP.request("PUT", request.url, body=b"bytes").status == 200
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["StorageClass"]) == ({"a": "b"}, "STANDARD_IA")
    assert HTTP.request("PUT", request.url, body=b"bytes").status == 412


def test_listings_tell_what_was_asked(s3, bucket):
    for key in ("a", "b", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    asked = {"Bucket": bucket, "StartAfter": "a", "MaxKeys": 1}
    page = s3.list_objects_v2(**asked)
    assert page["StartAfter"] == "a"
    assert "StartAfter" not in s3.list_objects_v2(**asked, ContinuationToken=page["NextContinuationToken"])
    said = error_of(s3.list_objects_v2, Bucket=bucket, EncodingType="value")
    assert said == {"Code": "InvalidArgument", "ArgumentName": "encoding-type", "ArgumentValue": "value"}
    s3.create_multipart_upload(Bucket=bucket, Key="folder/k")
    assert s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")["NextKeyMarker"] == ""

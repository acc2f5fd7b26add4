"""Buckets and their configurations, from Amazon's documentation of each operation."""

from datetime import UTC, datetime
from urllib.request import Request, urlopen

import pytest

from coldframe.core.faults import ServiceFault
from coldframe.services.s3.bucket_names import check_name
from tests.services.s3.test_objects import refused


def test_create_and_list(s3, s3_server, new_bucket):
    name = new_bucket()
    [shown] = [one for one in s3.list_buckets()["Buckets"] if one["Name"] == name]
    assert shown["BucketRegion"] == "us-east-1"
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=name).get("LocationConstraint") is None
    s3.create_bucket(Bucket=name)  # documented for us-east-1 alone
    elsewhere = s3_server.client("s3", region="eu-west-1")
    assert refused(elsewhere.create_bucket, Bucket=name + "x") == ("IllegalLocationConstraintException", 400)
    # s3cmd signs for "US" when it makes a bucket; like botocore it signs again for the region that it is told.
    s3_server.client("s3", region="US").create_bucket(Bucket=name + "y")
    assert s3.head_bucket(Bucket=name + "y")["BucketRegion"] == "us-east-1"
    s3.delete_bucket(Bucket=name + "y")
    where = {"LocationConstraint": "eu-west-1"}
    elsewhere.create_bucket(Bucket=name + "-eu", CreateBucketConfiguration=where)
    assert s3.get_bucket_location(Bucket=name + "-eu")["LocationConstraint"] == "eu-west-1"
    again = refused(elsewhere.create_bucket, Bucket=name + "-eu", CreateBucketConfiguration=where)
    assert again == ("BucketAlreadyOwnedByYou", 409)


def test_pages_of_buckets(s3, new_bucket):
    for _ in range(3):
        new_bucket()
    whole = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    got, more = [], {}
    while True:
        page = s3.list_buckets(MaxBuckets=2, **more)
        got += [one["Name"] for one in page["Buckets"]]
        if "ContinuationToken" not in page:
            break
        more = {"ContinuationToken": page["ContinuationToken"]}
    assert got == whole == sorted(whole)


@pytest.mark.parametrize(
    "name", ["ab", "UPPER", "under_score", "-begins", "ends-", "a..b", "1.2.3.4", "xn--x", "x" * 64]
)
def test_names_that_are_none(name):
    with pytest.raises(ServiceFault, match="InvalidBucketName"):
        check_name(name)


def test_delete(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.create_multipart_upload(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.list_objects_v2, Bucket=bucket) == ("NoSuchBucket", 404)


def test_tags(s3, bucket):
    assert refused(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "a", "Value": "1"}]
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    assert refused(s3.put_bucket_tagging, Bucket=bucket, Tagging=twice) == ("InvalidTag", 400)
    s3.delete_bucket_tagging(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Tagging="a=1&b=two%20words")
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "two words"}]
    many = {"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]}
    assert refused(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=many) == ("BadRequest", 400)
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_configurations_that_are_not_there(s3, bucket):
    for name, code in (
        ("bucket_cors", "NoSuchCORSConfiguration"),
        ("bucket_policy", "NoSuchBucketPolicy"),
        ("bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("bucket_website", "NoSuchWebsiteConfiguration"),
        ("bucket_replication", "ReplicationConfigurationNotFoundError"),
    ):
        assert refused(getattr(s3, f"get_{name}"), Bucket=bucket) == (code, 404)
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    [owner] = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert owner["ObjectOwnership"] == "BucketOwnerEnforced"


def test_lifecycle_rules_come_back(s3, bucket):
    rules = [
        {"ID": "one", "Status": "Enabled", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 3}},
        {
            "ID": "two", "Status": "Disabled", "Filter": {"And": {"Prefix": "b", "Tags": [{"Key": "k", "Value": "v"}]}},
            "Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ]  # fmt: skip
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    bad = [{"ID": "x", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 0}}]
    put = s3.put_bucket_lifecycle_configuration
    assert refused(put, Bucket=bucket, LifecycleConfiguration={"Rules": bad}) == ("InvalidArgument", 400)
    idle = [{"ID": "x", "Status": "Enabled", "Filter": {}}]
    assert refused(put, Bucket=bucket, LifecycleConfiguration={"Rules": idle}) == ("InvalidRequest", 400)


def test_notifications_are_checked_and_kept(s3, bucket):
    queue = {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:q", "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [queue]},
        SkipDestinationValidation=True,
    )
    [kept] = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert kept["Id"]
    assert kept["QueueArn"] == queue["QueueArn"]
    bad = {"QueueConfigurations": [{"QueueArn": "nonsense", "Events": ["s3:ObjectCreated:*"]}]}
    put = s3.put_bucket_notification_configuration
    assert refused(put, Bucket=bucket, NotificationConfiguration=bad) == ("InvalidArgument", 400)
    put(Bucket=bucket, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_cors(s3, s3_server, bucket, new_bucket):
    rule = {
        "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["x-amz-*"],
        "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60,
    }  # fmt: skip
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    def ask(url, method="OPTIONS", **headers):
        request = Request(
            url, method=method, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )
        try:
            with urlopen(request) as answer:
                return answer.status, {name.lower(): text for name, text in answer.headers.items()}
        except OSError as error:
            return error.code, {name.lower(): text for name, text in error.headers.items()}

    url = f"{s3_server.endpoint}/{bucket}/k"
    origin = "https://www.example.com"
    status, headers = ask(
        url, Origin=origin, Access_Control_Request_Method="PUT", Access_Control_Request_Headers="x-amz-date"
    )
    assert status == 200
    assert headers["access-control-allow-origin"] == origin
    assert headers["access-control-allow-headers"] == "x-amz-date"
    assert headers["access-control-max-age"] == "60"
    assert ask(url, Origin=origin, Access_Control_Request_Method="DELETE")[0] == 403
    assert ask(url, Origin="https://example.org", Access_Control_Request_Method="GET")[0] == 403
    assert ask(url, Access_Control_Request_Method="GET")[0] == 400
    assert ask(url, Origin=origin)[0] == 400
    for name in ("no-bucket-of-this-name", new_bucket()):
        # Nobody is told more of a bucket that has no rules than of one that is not there: it is forbidden.
        place = f"{s3_server.endpoint}/{name}/k"
        assert ask(place, Origin=origin, Access_Control_Request_Method="GET")[0] == 403
        assert ask(place, Origin=origin)[0] == 403
    signed = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    status, headers = ask(signed, "GET", Origin=origin)
    assert (status, headers["access-control-allow-origin"]) == (200, origin)
    assert headers["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-origin" not in ask(signed, "GET", Origin="https://example.org")[1]


def test_every_other_operation_says_that_it_is_not_built(s3, bucket):
    assert refused(s3.get_bucket_abac, Bucket=bucket) == ("NotImplemented", 501)
    assert refused(
        s3.select_object_content, Bucket=bucket, Key="k", Expression="x", ExpressionType="SQL",
        InputSerialization={}, OutputSerialization={},
    ) == ("NotImplemented", 501)  # fmt: skip

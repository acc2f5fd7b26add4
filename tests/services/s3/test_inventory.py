"""Inventory reports and the other configurations with ids. Source: Amazon S3 User Guide, S3 Inventory."""

import csv
import gzip
import hashlib
import io
import json

import pytest

from coldframe.services.s3 import jobs
from tests.services.s3.test_objects import refused

DAY = 86_400


@pytest.fixture
def reports(s3, s3_server, new_bucket):
    """A bucket that S3 may deliver to; makes what is due `days` later and gives the manifests, oldest first."""
    passed = []
    target = new_bucket()
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{target}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=target, Policy=policy)

    def make(days=0):
        passed.append(days)
        s3_server.clock.advance(days * DAY)
        jobs.make_reports(s3_server.installation)
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=target).get("Contents", [])]
        found = [key for key in keys if key.endswith("manifest.json")]
        return [(key, s3.get_object(Bucket=target, Key=key)["Body"].read()) for key in sorted(found)]

    make.target = target
    yield make
    s3_server.clock.advance(-sum(passed) * DAY)


def configure(s3, bucket, target, identifier="daily", **changed):
    configuration = {
        "Id": identifier,
        "IsEnabled": True,
        "IncludedObjectVersions": "Current",
        "Schedule": {"Frequency": "Daily"},
        "OptionalFields": ["Size", "ETag", "StorageClass", "EncryptionStatus", "IsMultipartUploaded"],
        "Destination": {
            "S3BucketDestination": {
                "Bucket": f"arn:aws:s3:::{target}",
                "Format": "CSV",
                "Prefix": "reports",
            }
        },
    } | changed
    s3.put_bucket_inventory_configuration(Bucket=bucket, Id=identifier, InventoryConfiguration=configuration)
    return configuration


def rows_of(s3, target, manifest):
    rows = []
    for file in json.loads(manifest)["files"]:
        packed = s3.get_object(Bucket=target, Key=file["key"])["Body"].read()
        assert (len(packed), hashlib.md5(packed).hexdigest()) == (file["size"], file["MD5checksum"])
        rows += csv.reader(io.StringIO(gzip.decompress(packed).decode()))
    return rows


def test_a_report_lists_the_objects(s3, bucket, reports):
    s3.put_object(Bucket=bucket, Key="a b/ü.txt", Body=b"hello")
    s3.put_object(Bucket=bucket, Key="z", Body=b"", StorageClass="STANDARD_IA")
    configure(s3, bucket, reports.target)
    [(key, manifest)] = reports()
    said = json.loads(manifest)
    assert key.startswith(f"reports/{bucket}/daily/")
    assert (said["sourceBucket"], said["fileFormat"]) == (bucket, "CSV")
    assert said["destinationBucket"] == f"arn:aws:s3:::{reports.target}"
    assert (
        said["fileSchema"] == "Bucket, Key, Size, ETag, StorageClass, EncryptionStatus, IsMultipartUploaded"
    )
    checksum = s3.get_object(Bucket=reports.target, Key=key.replace(".json", ".checksum"))["Body"].read()
    assert checksum.decode() == hashlib.md5(manifest).hexdigest()
    empty, hello = hashlib.md5(b"").hexdigest(), hashlib.md5(b"hello").hexdigest()
    assert rows_of(s3, reports.target, manifest) == [
        [bucket, "a%20b/%C3%BC.txt", "5", hello, "STANDARD", "SSE-S3", "false"],
        [bucket, "z", "0", empty, "STANDARD_IA", "SSE-S3", "false"],
    ]
    assert len(reports()) == 1
    assert len(reports(days=1)) == 2


def test_all_versions_under_a_prefix(s3, new_bucket, reports):
    bucket = new_bucket(versioned=True)
    first = s3.put_object(Bucket=bucket, Key="in/k", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="in/k")["VersionId"]
    s3.put_object(Bucket=bucket, Key="out", Body=b"1")
    chosen = {"IncludedObjectVersions": "All", "Filter": {"Prefix": "in/"}, "OptionalFields": ["Size"]}
    configure(s3, bucket, reports.target, **chosen)
    [(_, manifest)] = reports()
    assert rows_of(s3, reports.target, manifest) == [
        [bucket, "in/k", marker, "true", "true", ""],
        [bucket, "in/k", first, "false", "false", "1"],
    ]


def test_reports_are_encrypted_under_a_key_that_lets_s3_use_it(s3, s3_server, bucket, reports):
    kms = s3_server.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    encryption = {"SSEKMS": {"KeyId": key}}
    destination = {"Bucket": f"arn:aws:s3:::{reports.target}", "Format": "CSV", "Encryption": encryption}
    configure(s3, bucket, reports.target, Destination={"S3BucketDestination": destination})
    assert reports() == []
    policy = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    service = {"Service": "s3.amazonaws.com"}
    use = {"Effect": "Allow", "Principal": service, "Action": "kms:GenerateDataKey", "Resource": "*"}
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy | {"Statement": [*policy["Statement"], use]}))
    [(name, manifest)] = reports()
    for each in (name, *(file["key"] for file in json.loads(manifest)["files"])):
        about = s3.head_object(Bucket=reports.target, Key=each)
        assert (about["ServerSideEncryption"], about["SSEKMSKeyId"]) == ("aws:kms", key)


def test_a_report_that_may_not_be_delivered_comes_when_it_may(s3, bucket, reports):
    policy = s3.get_bucket_policy(Bucket=reports.target)["Policy"]
    s3.delete_bucket_policy(Bucket=reports.target)
    configure(s3, bucket, reports.target)
    assert reports() == []
    s3.put_bucket_policy(Bucket=reports.target, Policy=policy)
    assert len(reports()) == 1


def test_weekly_and_disabled(s3, bucket, reports):
    configure(s3, bucket, reports.target, Schedule={"Frequency": "Weekly"})
    configure(s3, bucket, reports.target, "off", IsEnabled=False)
    assert len(reports()) == 1
    counts = [len(reports(days=1)) for _ in range(7)]
    assert counts[-1] == 2


def test_what_cannot_be(s3, bucket):
    there = {"Bucket": "arn:aws:s3:::x", "Format": "CSV"}
    wrong = {"S3BucketDestination": there | {"Format": "ORC"}}
    with pytest.raises(s3.exceptions.ClientError, match="ORC"):
        configure(s3, bucket, "x", Destination=wrong)
    wrong = {"S3BucketDestination": there | {"Bucket": "x"}}
    with pytest.raises(s3.exceptions.ClientError, match="InvalidS3DestinationBucket"):
        configure(s3, bucket, "x", Destination=wrong)


KINDS = {
    "inventory": (
        "InventoryConfiguration",
        {
            "IsEnabled": False,
            "IncludedObjectVersions": "Current",
            "Schedule": {"Frequency": "Daily"},
            "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::x", "Format": "CSV"}},
        },
    ),
    "metrics": ("MetricsConfiguration", {"Filter": {"Prefix": "p"}}),
    "analytics": ("AnalyticsConfiguration", {"StorageClassAnalysis": {}}),
    "intelligent_tiering": (
        "IntelligentTieringConfiguration",
        {"Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_configurations_with_ids(s3, bucket, kind):
    member, content = KINDS[kind]

    def do(verb, many="", **parameters):
        return getattr(s3, f"{verb}_bucket_{kind}_configuration{many}")(Bucket=bucket, **parameters)

    assert do("list", "s").get(f"{member}List", []) == []
    for identifier in ("b", "a"):
        do("put", Id=identifier, **{member: {"Id": identifier, **content}})
    assert do("get", Id="a")[member] == {"Id": "a", **content}
    listed = do("list", "s")
    assert [each["Id"] for each in listed[f"{member}List"]] == ["a", "b"]
    assert not listed["IsTruncated"]
    do("delete", Id="a")
    for verb in ("get", "delete"):
        assert refused(do, verb, Id="a") == ("NoSuchConfiguration", 404)
    with pytest.raises(s3.exceptions.ClientError, match=r"IdMismatch|MalformedXML"):
        do("put", Id="x", **{member: {"Id": "y", **content}})

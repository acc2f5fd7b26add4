"""The daily storage metrics of buckets: what counts, under which storage type."""

from datetime import timedelta

from coldframe.core.offers import MetricSink
from coldframe.services.s3.storage_metrics import write


def test_a_bucket_says_every_day_what_it_holds(s3_server, s3, new_bucket) -> None:
    bucket, empty = new_bucket(versioned=True), new_bucket()
    for size in (10, 30):
        s3.put_object(Bucket=bucket, Key="twice", Body=b"x" * size)
    s3.put_object(Bucket=bucket, Key="cold", Body=b"x" * 7, StorageClass="GLACIER")
    s3.delete_object(Bucket=bucket, Key="twice")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    for number in (1, 2):
        s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=b"x" * 100)
    write(s3_server.installation)
    assert value(s3_server, bucket, "BucketSizeBytes", "StandardStorage") == (240.0, "Bytes")
    assert value(s3_server, bucket, "BucketSizeBytes", "GlacierStorage") == (7.0, "Bytes")
    # Two versions, a delete marker, the cold one, two parts.
    assert value(s3_server, bucket, "NumberOfObjects", "AllStorageTypes") == (6.0, "Count")
    assert value(s3_server, empty, "NumberOfObjects", "AllStorageTypes") == (0.0, "Count")
    assert value(s3_server, empty, "BucketSizeBytes", "StandardStorage") is None


def value(server, bucket, name, kind):
    """The average of a metric of a bucket and its unit, None where it has no data."""
    server.installation.parts.get(MetricSink).flush()
    now = server.clock.now()
    found = server.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/S3",
        MetricName=name,
        Dimensions=[{"Name": "BucketName", "Value": bucket}, {"Name": "StorageType", "Value": kind}],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(minutes=2),
        Period=4 * 3600,
        Statistics=["Average"],
    )["Datapoints"]
    return (found[0]["Average"], found[0]["Unit"]) if found else None

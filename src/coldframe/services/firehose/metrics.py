"""The metrics of streams in AWS/Firehose. Source: Amazon Data Firehose Developer Guide, Monitoring with CloudWatch."""

from collections.abc import Iterable

from coldframe.core.offers import MetricSink

_NAMESPACE = "AWS/Firehose"
_UNITS = {"Bytes": "Bytes", "Latency": "Milliseconds", "DataFreshness": "Seconds"}


def put(sink: MetricSink, place: tuple[str, str, str], values: Iterable[tuple[str, float]], now: int) -> None:
    """Add to metrics, by name, of the stream at (account, region, name)."""
    account, region, stream = place
    for name, value in values:
        unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), "Count")
        dimensions = {"DeliveryStreamName": stream}
        sink.put((account, region), (_NAMESPACE, name), value, at=now, dimensions=dimensions, unit=unit)


def incoming(operation: str, sizes: list[int], latency: int) -> list[tuple[str, float]]:
    """Return what a call that put records of so many bytes each, in so many milliseconds, counts for."""
    total = sum(sizes)
    found: list[tuple[str, float]] = [
        ("IncomingPutRequests", 1),
        ("IncomingRecords", len(sizes)),
        ("IncomingBytes", total),
        (f"{operation}.Requests", 1),
        (f"{operation}.Bytes", total),
        (f"{operation}.Latency", latency),
    ]
    return found if operation == "PutRecord" else [*found, (f"{operation}.Records", len(sizes))]


def delivered(records: int, size: int, oldest: int, now: int) -> list[tuple[str, float]]:
    """Return what an object counts for that holds so many records and bytes, the oldest from a time in milliseconds."""
    return [
        ("DeliveryToS3.Success", 1),
        ("DeliveryToS3.ObjectCount", 1),
        ("DeliveryToS3.Records", records),
        ("DeliveryToS3.Bytes", size),
        ("DeliveryToS3.DataFreshness", max(now - oldest, 0) // 1000),
    ]


def refused(oldest: int, now: int) -> list[tuple[str, float]]:
    """Return what an object counts for that S3 did not take."""
    return [
        ("DeliveryToS3.Success", 0),
        ("DeliveryToS3.DataFreshness", max(now - oldest, 0) // 1000),
    ]

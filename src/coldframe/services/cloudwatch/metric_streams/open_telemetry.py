"""The OpenTelemetry formats of metric streams: protocol buffers of version 0.7.0 and of version 1.0.0.

Sources: Amazon CloudWatch User Guide, "CloudWatch metric stream output in OpenTelemetry 1.0.0 format" and "Translations
with OpenTelemetry 1.0.0 format", and the pages of 0.7.0; opentelemetry-proto v0.7.0 and v1.0.0, metrics.proto.
"""

import struct
from collections.abc import Iterator, Sequence

from coldframe.services.cloudwatch.metric_streams.json_lines import Datum

OLD, NEW = "opentelemetry0.7", "opentelemetry1.0"

_SECOND = 1_000_000_000
_MINUTE = 60
_UNITS = {
    "Seconds": "s", "Microseconds": "us", "Milliseconds": "ms", "Bytes": "By", "Kilobytes": "kBy", "Megabytes": "MBy",
    "Gigabytes": "GBy", "Terabytes": "TBy", "Bits": "bit", "Kilobits": "kbit", "Megabits": "MBit", "Gigabits": "GBit",
    "Terabits": "Tbit", "Percent": "%", "Count": "{Count}", "None": "1", "Second": "s",
}  # fmt: skip
# How a field is written: as eight bytes, or as bytes with their length before them.
_EIGHT, _LENGTH = 1, 2


def metric(datum: Datum, version: str) -> bytes:
    """Return a minute of a metric as one of the `metrics` of a scope."""
    return _message(
        2,
        _text(1, f"amazonaws.com/{datum.namespace}/{datum.name}"),
        _text(3, unit(datum.unit)),
        _message(11, _message(1, *_point(datum, version))),
    )


def framed(stream: str, account: str, region: str, metrics: Sequence[bytes]) -> bytes:
    """Return an ExportMetricsServiceRequest with these metrics, its length before it; `stream` is an ARN."""
    resource = {
        "cloud.provider": "aws",
        "cloud.account.id": account,
        "cloud.region": region,
        "aws.exporter.arn": stream,
    }
    attributes = (_attribute(1, key, _text(1, value)) for key, value in resource.items())
    request = _message(1, _message(1, *attributes), _message(2, *metrics))
    return _number(len(request)) + request


def unit(name: str) -> str:
    """Return what OpenTelemetry calls a unit; of a rate, both of its halves."""
    return "/".join(_UNITS.get(part, part) for part in name.split("/"))


def quantile(statistic: str) -> float | None:
    """Return which quantile a statistic such as `p99.9` is, None for one that is none."""
    if statistic in {"Minimum", "Maximum"}:
        return 0.0 if statistic == "Minimum" else 1.0
    try:
        return round(float(statistic[1:]) / 100, 12) if statistic.startswith("p") else None
    except ValueError:
        return None


def _point(datum: Datum, version: str) -> Iterator[bytes]:
    if version == OLD:
        told = {"Namespace": datum.namespace, "MetricName": datum.name, **datum.dimensions}
        yield from (_message(1, _text(1, key), _text(2, value)) for key, value in told.items())
    yield _eight(2, struct.pack("<Q", datum.at * _SECOND))
    yield _eight(3, struct.pack("<Q", (datum.at + _MINUTE) * _SECOND))
    yield _eight(4, struct.pack("<Q", round(datum.values.get("SampleCount") or 0)))
    yield _eight(5, struct.pack("<d", datum.values.get("Sum") or 0.0))
    found = ((quantile(name), value) for name, value in datum.values.items() if value is not None)
    for share, value in sorted(each for each in found if each[0] is not None):
        yield _message(6, _eight(1, struct.pack("<d", share)), _eight(2, struct.pack("<d", value)))
    if version != OLD:
        yield _attribute(7, "Namespace", _text(1, datum.namespace))
        yield _attribute(7, "MetricName", _text(1, datum.name))
        pairs = (_attribute(1, key, _text(1, value)) for key, value in datum.dimensions.items())
        yield _attribute(7, "Dimensions", _message(6, *pairs))


def _attribute(field: int, key: str, value: bytes) -> bytes:
    return _message(field, _text(1, key), _message(2, value))


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _number(field << 3 | _LENGTH) + _number(len(body)) + body


def _eight(field: int, packed: bytes) -> bytes:
    return _number(field << 3 | _EIGHT) + packed


def _number(value: int) -> bytes:
    """Return a number seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)

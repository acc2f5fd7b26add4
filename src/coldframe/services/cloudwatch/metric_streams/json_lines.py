"""The JSON format of metric streams: one line a metric and minute.

Source: Amazon CloudWatch User Guide, "CloudWatch metric stream output in JSON format".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

_LARGEST_RECORD = 200_000
_NAMES = {"SampleCount": "count", "Sum": "sum", "Maximum": "max", "Minimum": "min"}


class Datum(NamedTuple):
    """A metric's minute, which begins at `at` (seconds): statistics by their CloudWatch names."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    unit: str
    at: int
    values: Mapping[str, float | None]


def line(stream: str, account: str, region: str, datum: Datum) -> bytes:
    """Return the line of a datum; statistics that cannot be had, such as a percentile of summaries, are left out."""
    told = {
        "metric_stream_name": stream,
        "account_id": account,
        "region": region,
        "namespace": datum.namespace,
        "metric_name": datum.name,
        "dimensions": dict(datum.dimensions),
        "timestamp": datum.at * 1000,
        "value": {_NAMES.get(name, name): value for name, value in datum.values.items() if value is not None},
        "unit": datum.unit,
    }
    return msgspec.json.encode(told) + b"\n"


def records(lines: Iterable[bytes], joined: Callable[[Sequence[bytes]], bytes] = b"".join) -> Iterator[bytes]:
    """Gather lines, or the parts that `joined` makes a record of, into records of Firehose."""
    gathered: list[bytes] = []
    size = 0
    for one in lines:
        if gathered and size + len(one) > _LARGEST_RECORD:
            yield joined(gathered)
            gathered, size = [], 0
        gathered.append(one)
        size += len(one)
    if gathered:
        yield joined(gathered)

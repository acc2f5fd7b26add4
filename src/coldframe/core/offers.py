"""What services offer each other where AWS has no public operation for it."""

from collections.abc import Mapping
from typing import Protocol


class MetricSink(Protocol):
    """Takes the metrics that services publish about themselves; CloudWatch offers it."""

    def put(
        self,
        place: tuple[str, str],
        metric: tuple[str, str],
        value: float,
        *,
        at: int,
        dimensions: Mapping[str, str] | None = None,
        unit: str = "None",
        count: float = 1.0,
    ) -> None:
        """Add a value that occurred `count` times to the metric (namespace, name) of (account, region).

        `at` is in milliseconds since 1970. It does not wait: the value is readable and durable about a second later.
        """

    def flush(self) -> None:
        """Return when everything put so far is readable and durable."""

"""What services offer each other where AWS has no public operation for it."""

from collections.abc import Mapping
from typing import Any, Protocol


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


class SignedUrls(Protocol):
    """Tells who signed a URL; the gateway offers it, for tokens that never reach it as requests."""

    def signer(self, url: str, service: str) -> tuple[Any, str]:
        """Return the principal who signed a URL (without its scheme) for a service, and the region it is for.

        Raises ServiceFault when the signature is wrong, too old or nobody's.
        """

"""What services offer each other where AWS has no public operation for it."""

from collections.abc import Mapping
from typing import Any, Protocol

from coldframe.core.records import Records


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


class ManagedPasswords(Protocol):
    """Gives secrets that a service owns other values, without a function of the user; RDS offers it."""

    def rotate(self, records: Records, secret: str, version: str) -> None:
        """Have the password that a secret (ARN) keeps changed, in the transaction of `records`; its new version has this id.

        It is AWSPENDING until the database takes it, and AWSCURRENT then. Raises InvalidRequestException when that cannot be
        now.
        """


class SignedUrls(Protocol):
    """Tells who signed a URL; the gateway offers it, for tokens that never reach it as requests."""

    def signer(self, url: str, service: str) -> tuple[Any, str]:
        """Return the principal who signed a URL (without its scheme) for a service, and the region it is for.

        Raises ServiceFault when the signature is wrong, too old or nobody's.
        """

"""Delivery policies: how often and when a delivery to an HTTP endpoint is tried again.

Source: Amazon SNS Developer Guide, Message delivery retries.
"""

import json
from typing import Any

import msgspec

from coldframe.services.sns.arns import invalid

_LONGEST_TOTAL = 3600
_BACKOFFS = {"arithmetic", "exponential", "geometric", "linear"}


class RetryPolicy(msgspec.Struct, frozen=True, rename="camel"):
    """Delays in seconds; retries come in four phases: at once, at the least delay, in growing ones, at the longest."""

    min_delay_target: int = 20
    max_delay_target: int = 20
    num_retries: int = 3
    num_no_delay_retries: int = 0
    num_min_delay_retries: int = 0
    num_max_delay_retries: int = 0
    backoff_function: str = "linear"

    def delay(self, attempt: int) -> float | None:
        """Seconds to wait after the attempt of this number (from 1) has failed; None when it was the last."""
        if attempt > self.num_retries:
            return None
        at_once, least = self.num_no_delay_retries, self.num_min_delay_retries
        if attempt <= at_once:
            return 0.0
        if attempt <= at_once + least:
            return float(self.min_delay_target)
        if attempt > self.num_retries - self.num_max_delay_retries:
            return float(self.max_delay_target)
        steps = self.num_retries - at_once - least - self.num_max_delay_retries
        step = attempt - at_once - least
        return self._growing(step / steps)

    def _growing(self, part: float) -> float:
        """The delay at a part, up to 1, of the phase in which delays grow."""
        low, high = max(self.min_delay_target, 1), max(self.max_delay_target, 1)
        if self.backoff_function in {"exponential", "geometric"}:
            return float(low * (high / low) ** part)
        if self.backoff_function == "arithmetic":
            return float(low + (high - low) * part * (1 + part) / 2)
        return float(low + (high - low) * part)


# Documented for mail, text messages and mobile push: fifty attempts within six hours.
OUTSIDE = RetryPolicy(
    min_delay_target=10,
    max_delay_target=600,
    num_retries=50,
    num_min_delay_retries=2,
    num_max_delay_retries=38,
    backoff_function="exponential",
)
# Documented: what is delivered within AWS is tried for much longer than what leaves it.
WITHIN = RetryPolicy(
    min_delay_target=1,
    max_delay_target=20,
    num_retries=100_015,
    num_no_delay_retries=3,
    num_min_delay_retries=2,
    num_max_delay_retries=100_000,
    backoff_function="exponential",
)


def check_delivery_policy(text: str, *, of_topic: bool) -> None:
    """Refuse a delivery policy that has no meaning; raises InvalidParameter."""
    policy = retry_policy(text, of_topic=of_topic)
    counts = (policy.num_no_delay_retries, policy.num_min_delay_retries, policy.num_max_delay_retries)
    right = (
        1 <= policy.min_delay_target <= policy.max_delay_target <= _LONGEST_TOTAL
        and 0 <= policy.num_retries <= 100
        and all(count >= 0 for count in counts)
        and sum(counts) <= policy.num_retries
        and policy.backoff_function in _BACKOFFS
    )
    if not right:
        raise invalid("DeliveryPolicy: its numbers are out of range or contradict each other")


def retry_policy(text: str, *, of_topic: bool) -> RetryPolicy:
    """Read the retries out of a delivery policy of a topic or a subscription; raises InvalidParameter."""
    try:
        document: Any = json.loads(text or "{}")
        if of_topic:
            document = document.get("http", {})
        found = document.get("defaultHealthyRetryPolicy" if of_topic else "healthyRetryPolicy") or {}
        return msgspec.convert(found, RetryPolicy)
    except (ValueError, AttributeError, msgspec.ValidationError) as error:
        raise invalid(f"DeliveryPolicy: {error}") from error


def effective(text: str) -> str:
    """Return the delivery policy that holds for a topic, with what it does not say."""
    policy = retry_policy(text, of_topic=True)
    return json.dumps(
        {
            "http": {
                "defaultHealthyRetryPolicy": msgspec.to_builtins(policy),
                "disableSubscriptionOverrides": False,
                "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
            }
        },
        separators=(",", ":"),
    )

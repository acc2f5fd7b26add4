"""Delivery policies: how often and when a delivery to an HTTP endpoint is tried again.

Source: Amazon SNS Developer Guide, Message delivery retries.
"""

import json
from typing import Any

import msgspec

from coldframe.core.struct_types import whole
from coldframe.services.sns.arns import invalid

_LONGEST_TOTAL = 3600
_CONTENT_TYPE = "text/plain; charset=UTF-8"
_CONTENT_TYPES = {
    *(
        "text/css",
        "text/csv",
        "text/html",
        "text/plain",
        "text/xml",
        "application/atom+xml",
        "application/json",
    ),
    *("application/octet-stream", "application/soap+xml", "application/x-www-form-urlencoded"),
    *("application/xhtml+xml", "application/xml"),
}
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
    policy, kind = retry_policy(text, of_topic=of_topic), _content_type(text, of_topic=of_topic)
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
    if kind and kind.partition(";")[0].strip().lower() not in _CONTENT_TYPES:
        raise invalid(
            f"DeliveryPolicy: headerContentType: {kind} is none of {', '.join(sorted(_CONTENT_TYPES))}"
        )


def content_type(own: str, topic: str) -> str:
    """Return the content type of what an HTTP endpoint is sent, by its own policy, the topic's, or by default."""
    return _content_type(own, of_topic=False) or _content_type(topic, of_topic=True) or _CONTENT_TYPE


def _content_type(text: str, *, of_topic: bool) -> str:
    document = _read(text, of_topic=of_topic)
    request = document.get("defaultRequestPolicy" if of_topic else "requestPolicy") or {}
    kind = request.get("headerContentType") if isinstance(request, dict) else ""
    return kind if isinstance(kind, str) else ""


def retry_policy(text: str, *, of_topic: bool) -> RetryPolicy:
    """Read the retries out of a delivery policy of a topic or a subscription; raises InvalidParameter."""
    found = _read(text, of_topic=of_topic).get(
        "defaultHealthyRetryPolicy" if of_topic else "healthyRetryPolicy"
    )
    try:
        return msgspec.convert(found or {}, whole(RetryPolicy))
    except msgspec.ValidationError as error:
        raise invalid(f"DeliveryPolicy: {error}") from error


def _read(text: str, *, of_topic: bool) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise invalid(f"DeliveryPolicy: failed to parse JSON. {error}") from error
    if isinstance(document, dict) and of_topic:
        document = document.get("http", {})
    if not isinstance(document, dict):
        raise invalid("DeliveryPolicy: it is not an object")
    return document


def effective(text: str) -> str:
    """Return the delivery policy that holds for a topic, with what it does not say."""
    policy = {
        "defaultHealthyRetryPolicy": msgspec.to_builtins(retry_policy(text, of_topic=True)),
        "disableSubscriptionOverrides": bool(
            _read(text, of_topic=True).get("disableSubscriptionOverrides", False)
        ),
        "defaultRequestPolicy": {"headerContentType": content_type("", text)},
    }
    return json.dumps({"http": policy}, separators=(",", ":"))


def shown_of_topic(own: str) -> str:
    """Return the delivery policy of a topic as AWS gives it back: without nulls, and with whether it may be overridden."""
    said = {name: value for name, value in _read(own, of_topic=True).items() if value is not None}
    return json.dumps({"http": {"disableSubscriptionOverrides": False, **said}}, separators=(",", ":"))


def shown(own: str) -> str:
    """Return the delivery policy of a subscription as AWS gives it back: with null for what it does not say."""
    said = _read(own, of_topic=False)
    retries = said.get("healthyRetryPolicy")
    if retries:
        retries = {name: retries.get(name) for name in msgspec.to_builtins(RetryPolicy())}
    return _of_subscription(said, retries, said.get("requestPolicy"))


def effective_of_subscription(own: str, topic: str) -> str:
    """Return the delivery policy that holds for a subscription, by its own policy and the topic's."""
    said = _read(own, of_topic=False)
    retries = (
        retry_policy(own, of_topic=False)
        if said.get("healthyRetryPolicy")
        else retry_policy(topic, of_topic=True)
    )
    return _of_subscription(
        said, msgspec.to_builtins(retries), {"headerContentType": content_type(own, topic)}
    )


def _of_subscription(said: dict[str, Any], retries: dict[str, Any] | None, request: Any) -> str:
    policy = {
        "healthyRetryPolicy": retries,
        "sicklyRetryPolicy": said.get("sicklyRetryPolicy"),
        "throttlePolicy": said.get("throttlePolicy"),
        "requestPolicy": request,
        "guaranteed": bool(said.get("guaranteed", False)),
    }
    return json.dumps(policy, separators=(",", ":"))

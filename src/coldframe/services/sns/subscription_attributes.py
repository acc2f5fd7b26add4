"""Subscription attributes and endpoints: what each protocol takes."""

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from coldframe.core import arns
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.sns.arns import invalid
from coldframe.services.sns.delivery_policies import check_delivery_policy
from coldframe.services.sns.filter_policies import InvalidFilterPolicy, check_policy

SETTABLE = (
    *("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"),
    "SubscriptionRoleArn",
)
_DEFAULTS = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}
_MAILBOX = re.compile(r"[^@\s<>\"(),;:]{1,64}@[A-Za-z0-9.\-]{1,255}")
# With spaces, dots and the like between the digits, as people write numbers.
_PHONE = re.compile(r"\+?(?:[0-9][ .()/\-]*){7,14}[0-9]")
_RAW = {"http", "https", "sqs", "firehose"}
_ROLE = re.compile(r"arn:[^:]+:iam::\d{12}:role/.+")


def check_endpoint(protocol: str, endpoint: str, *, fifo: bool) -> None:
    """Refuse an endpoint that is none of its protocol; whether it can be reached is seen when it is asked to confirm."""
    if protocol == "application":
        raise NotBuilt("Mobile push goes through the phone makers' services, which coldframe does not reach.")
    if protocol == "lambda":
        raise NotBuilt(
            "Subscriptions of AWS Lambda functions wait for AWS Lambda, which is not built in coldframe."
        )
    if protocol in {"http", "https"}:
        _check_url(protocol, endpoint)
    elif protocol == "sms":
        if _PHONE.fullmatch(endpoint) is None or "--" in endpoint:
            # AWS leaves out here what opens its other texts.
            raise ServiceFault("InvalidParameterException", f"Invalid SMS endpoint: {endpoint}")
    elif protocol in {"email", "email-json"}:
        if _MAILBOX.fullmatch(endpoint) is None:
            raise invalid("Email address")
    elif protocol in {"sqs", "firehose"}:
        service = _service_of(endpoint, f"{'SQS' if protocol == 'sqs' else 'Firehose'} endpoint ARN")
        if service != protocol:
            raise invalid(f"{'SQS' if protocol == 'sqs' else 'Firehose'} endpoint ARN")
    else:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if fifo and protocol != "sqs":
        raise invalid(f"Endpoint Reason: FIFO topics take no subscriptions by {protocol} here")
    if endpoint.endswith(".fifo") and not fifo and protocol == "sqs":
        raise invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        )


def checked(
    given: Mapping[str, str], present: Mapping[str, str], protocol: str, *, subscribing: bool, ordered: bool
) -> dict[str, str]:
    """Return attributes with what was set before; raises InvalidParameter, which says more where one subscribes.

    `ordered` tells a FIFO queue at a FIFO topic, whose dead letters have to go to a FIFO queue.
    """
    together, reason = {**present, **given}, "Attributes Reason: " if subscribing else ""
    for name, value in given.items():
        if name == "ReplayPolicy":
            raise invalid("Attributes Reason: ReplayPolicy: message archives are not built in coldframe")
        if name not in SETTABLE:
            raise invalid("AttributeName")
        _check(name, value, together, protocol, reason)
    if (
        ordered
        and given.get("RedrivePolicy")
        and not dead_letter_target(given["RedrivePolicy"]).endswith(".fifo")
    ):
        text = "must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
        raise invalid(f"{reason}RedrivePolicy: {text}")
    if protocol == "firehose" and _ROLE.fullmatch(together.get("SubscriptionRoleArn", "")) is None:
        raise invalid(
            "Attributes Reason: SubscriptionRoleArn must be the ARN of a role for the firehose protocol"
        )
    if "RawMessageDelivery" in together:
        together["RawMessageDelivery"] = together["RawMessageDelivery"].lower()
    # What an empty filter policy lets through is everything; clients take a policy away by setting it.
    return {
        name: value
        for name, value in together.items()
        if value and not (name == "FilterPolicy" and value.strip() == "{}")
    }


def same(present: Mapping[str, str], given: Mapping[str, str]) -> bool:
    """Tell whether attributes say nothing else than those that are there, be it by default."""
    return all(present.get(name, _DEFAULTS.get(name, "")) == value for name, value in given.items())


def _check(name: str, value: str, together: Mapping[str, str], protocol: str, reason: str) -> None:
    if name == "RawMessageDelivery" and value.lower() not in {"true", "false"}:
        raise invalid(f"{reason}RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
    if name == "RawMessageDelivery" and value.lower() == "true" and protocol not in _RAW:
        text = f"Delivery protocol [{protocol}] does not support raw message delivery."
        raise invalid(f"{reason}RawMessageDelivery: {text}")
    if name == "FilterPolicyScope" and value not in {"MessageAttributes", "MessageBody"}:
        text = f"Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
        raise invalid(f"{reason}FilterPolicyScope: {text}")
    if name in {"FilterPolicy", "FilterPolicyScope"} and together.get("FilterPolicy"):
        try:
            check_policy(together["FilterPolicy"], together.get("FilterPolicyScope") or "MessageAttributes")
        except InvalidFilterPolicy as error:
            raise invalid(f"{reason}{error}") from error
    if name == "DeliveryPolicy" and value:
        if protocol not in {"http", "https"}:
            raise invalid("Delivery policy can only be set for HTTP and HTTPS subscriptions")
        check_delivery_policy(value, of_topic=False)
    if name == "RedrivePolicy" and value:
        dead_letter_target(value)


def dead_letter_target(policy: str) -> str:
    """Return the ARN of the queue that a redrive policy names; raises InvalidParameter."""
    try:
        target = json.loads(policy)["deadLetterTargetArn"]
    except (ValueError, TypeError, KeyError) as error:
        raise invalid(
            f"RedrivePolicy: failed to parse JSON. It has to name a deadLetterTargetArn: {error}"
        ) from error
    wrong = "RedrivePolicy: deadLetterTargetArn is an invalid arn"
    if not isinstance(target, str) or _service_of(target, wrong) != "sqs":
        raise invalid(wrong)
    return target


def _service_of(endpoint: str, wrong: str) -> str:
    try:
        return arns.parse(endpoint).service
    except ValueError as error:
        raise invalid(wrong) from error


def _check_url(protocol: str, endpoint: str) -> None:
    url = urlsplit(endpoint)
    if url.scheme != protocol or not url.hostname:
        raise invalid(f"Endpoint must match the specified protocol: {protocol}")


def may_deliver_to(host: str, allowed: Sequence[str]) -> bool:
    """Tell whether SNS may deliver to a host: this machine, or a name or an address in a network that is allowed."""
    if is_this_machine(host) or host.lower() in allowed:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _networks(tuple(allowed)))


@lru_cache(maxsize=8)
def _networks(allowed: tuple[str, ...]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    found = []
    for each in allowed:
        try:
            found.append(ipaddress.ip_network(each))
        except ValueError:
            continue  # a name
    return found


def is_this_machine(host: str) -> bool:
    """Tell whether a host is a loopback address; names other than localhost are none, whatever they resolve to."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Topic attributes: which may be set, what they may be, and what a topic has."""

import json
import re
from collections.abc import Callable, Mapping

from coldframe.core.faults import ServiceFault
from coldframe.identity.policies import parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.services.sns.arns import invalid
from coldframe.services.sns.delivery_policies import check_delivery_policy
from coldframe.services.sns.delivery_status import RATES, ROLES

_CHOICES = {
    "SignatureVersion": {"1", "2"},
    "TracingConfig": {"PassThrough", "Active"},
    "ContentBasedDeduplication": {"true", "false"},
    "FifoTopic": {"true", "false"},
    "FifoThroughputScope": {"Topic", "MessageGroup"},
}
_FIFO_ONLY = {"ContentBasedDeduplication", "FifoThroughputScope"}
_NOT_BUILT = {
    "ArchivePolicy": "Message archives of FIFO topics are not built in coldframe",
}
_LONGEST_NAME = 100
_ALL = 100
_ROLE = re.compile(r"arn:[^:]+:iam::\d{12}:role/.+")
_OWN_ACTIONS = (
    *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic"),
    *("Subscribe", "ListSubscriptionsByTopic", "Publish"),
)


def checked(given: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """Return attributes as they are kept; raises InvalidParameter."""
    for name, value in given.items():
        _check(name, value, fifo=fifo)
    return {name: value for name, value in given.items() if value and name != "FifoTopic"}


def _check(name: str, value: str, *, fifo: bool) -> None:
    if name in _NOT_BUILT and value:
        raise invalid(f"Attributes Reason: {name}: {_NOT_BUILT[name]}")
    if name in _FIFO_ONLY and not fifo:
        raise invalid(f"Attributes Reason: {name} is only allowed for FIFO topics")
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise invalid(
                f"Attributes Reason: {name}: {value} is none of {', '.join(sorted(_CHOICES[name]))}"
            )
    elif name in _CHECKS:
        if value:
            _CHECKS[name](name, value)
    elif name not in _NOT_BUILT:
        raise invalid("AttributeName")


def _check_role(name: str, value: str) -> None:
    if _ROLE.fullmatch(value) is None:
        raise invalid(f"Attributes Reason: {name}: {value} is not the ARN of a role")


def _check_rate(name: str, value: str) -> None:
    if not (value.isascii() and value.isdecimal() and int(value) <= _ALL):
        raise invalid(f"Attributes Reason: {name}: Invalid value [{value}]. Must be from 0 to {_ALL}.")


def _check_display_name(name: str, value: str) -> None:
    if len(value) > _LONGEST_NAME:
        raise invalid(f"Attributes Reason: {name} must be at most {_LONGEST_NAME} characters long")


def _check_policy(name: str, value: str) -> None:
    try:
        parse_policy(value, "resource")
    except PolicyError as error:
        raise invalid(f"{name} Error: {error}") from error


_CHECKS: dict[str, Callable[[str, str], None]] = {
    "Policy": _check_policy,
    "DeliveryPolicy": lambda _, value: check_delivery_policy(value, of_topic=True),
    "DisplayName": _check_display_name,
    # Which key it is, and whether it may be used, KMS says when something is published.
    "KmsMasterKeyId": lambda _name, _value: None,
    **dict.fromkeys(ROLES, _check_role),
    **dict.fromkeys(RATES, _check_rate),
}


def default_policy(arn: str, account: str) -> str:
    """Return the policy of a topic that has none of its own: its account may do everything with it."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _OWN_ACTIONS],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return json.dumps(policy, separators=(",", ":"))


def check_name(name: str, *, fifo: bool) -> None:
    """Refuse a name that no topic of this kind can have."""
    stem = name.removesuffix(".fifo") if fifo else name
    letters = stem.replace("-", "").replace("_", "")
    right = letters.isascii() and (letters.isalnum() or (not letters and bool(stem)))
    if not right or len(name) > 256 or (fifo and not name.endswith(".fifo")):
        raise invalid("Topic Name")


def missing_tags(key: str) -> ServiceFault:
    """Return the fault for a tag key that only AWS may use."""
    return invalid(f"Tags Reason: {key!r} begins with aws:, which is reserved")

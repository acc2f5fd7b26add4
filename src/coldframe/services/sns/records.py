"""What SNS remembers beside the messages on their way; all times are milliseconds since the epoch."""

from typing import Any

from coldframe.core.records import Record, record


@record(
    "sns_topics",
    key=("name",),
    missing=("NotFoundException", "Topic does not exist"),
    duplicate=("InvalidParameterException", "Invalid parameter: Topic already exists"),
)
class Topic(Record):
    """A topic; `attributes` are those that were set, `gone` counts its subscriptions that were deleted."""

    name: str
    created: int
    fifo: bool = False
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    gone: int = 0


@record(
    "sns_subscriptions",
    key=("id",),
    index=("topic", "owner", "endpoint"),
    missing=("NotFoundException", "Subscription does not exist"),
)
class Subscription(Record):
    """A subscription, in the account and region of its topic; its id names its queue in the outbox.

    `token` confirms it until `token_until`; `locked` asks for a signature to unsubscribe; `principal` is
    the ARN of who subscribed.
    """

    id: str
    topic: str
    owner: str
    protocol: str
    endpoint: str
    created: int
    attributes: dict[str, str] = {}
    confirmed: bool = False
    authenticated: bool = False
    token: str = ""
    token_until: int = 0
    locked: bool = False
    principal: str = ""


@record("sns_ended_subscriptions", key=("id",), index=("topic",))
class EndedSubscription(Record):
    """A subscription of an HTTP endpoint that has ended, which the endpoint can restore by `token` until `token_until`.

    `kept` is what the subscription was.
    """

    id: str
    topic: str
    token: str
    token_until: int
    kept: dict[str, Any]

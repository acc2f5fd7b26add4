"""From a request to messages in the outbox, one for every subscription that wants it, durable before the answer."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.offers import MetricSink
from coldframe.engines.queue import Duplicate, New
from coldframe.services.sns import metrics
from coldframe.services.sns.arns import invalid
from coldframe.services.sns.delivery import Deliverer
from coldframe.services.sns.filter_policies import FilterPolicy, compile_policy
from coldframe.services.sns.message_checks import (
    MOST_BYTES,
    attributes_of,
    check_fifo_id,
    check_subject,
    size_of,
    texts_of,
    values_of,
)
from coldframe.services.sns.message_keys import DataKey, MessageKeys
from coldframe.services.sns.outbox import Notification, Outbox, pack, sequence_number
from coldframe.services.sns.records import Subscription, Topic

_DEDUPLICATED = 5 * 60 * 1000
# What is longer is no trace header of AWS X-Ray, and a header of HTTP may be far longer.
_LONGEST_TRACE = 1024
_SETTLES_WITHIN = 20.0
_WITHIN = frozenset({"sqs", "firehose"})


class Draft(NamedTuple):
    """A message that may be published: its id, what each protocol gets, and how many of its bytes count."""

    id: str
    default: Notification
    texts: dict[str, str]
    size: int


def draft(call: Call, arn: arns.Arn, topic: Topic, request: Mapping[str, Any]) -> Draft:
    """Check what is to be published; raises the fault that says what is wrong with it."""
    message, texts = texts_of(request)
    check_subject(request.get("Subject"))
    attributes = attributes_of(request.get("MessageAttributes") or {})
    size = size_of(request["Message"], attributes)
    if size > MOST_BYTES:
        raise invalid("Message too long")
    group, deduplication = _fifo(topic, request)
    notification = Notification(
        kind="Notification",
        topic_arn=str(arn),
        message=message,
        timestamp=call.now,
        subject=request.get("Subject"),
        attributes=attributes,
        group=group,
        deduplication=deduplication,
        endpoint=call.endpoint,
        trace=call.trace_header if len(call.trace_header) <= _LONGEST_TRACE else "",
    )
    return Draft(call.new_id(), notification, texts, size)


def check_entry(topic: Topic, entry: Mapping[str, Any]) -> None:
    """Refuse a batch as a whole for an entry without its place in a FIFO topic, its text, or with attributes that are none."""
    if entry.get("MessageStructure") and entry["Message"]:
        texts_of(entry)
    attributes_of(entry.get("MessageAttributes") or {})
    _fifo(topic, entry)


def publish(call: Call, arn: arns.Arn, topic: Topic, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """Put messages into the outbox, all or none, and return what the publisher is told of each."""
    # A publisher who may not use the topic's KMS key hears of it, whether or not anybody has subscribed.
    key = call.part(MessageKeys).new(call, arn, topic)
    subscriptions, sink = _subscriptions(call, arn, topic), call.part(MetricSink)
    batches = _batches(call, arn, topic, subscriptions, drafts, key)
    sequences: dict[str, int] = {}
    identifiers = {each.default.deduplication: each.id for each in drafts}
    if batches:
        kept = call.part(Outbox).send_to_all(batches, call.now)
        for (_, messages), sent in zip(batches, kept, strict=True):
            for message, one in zip(messages, sent, strict=True):
                sequences[message.id] = one.sequence
                if one.repeated and message.unless is not None:
                    identifiers[message.unless.id] = one.id
        call.part(Deliverer).due(arn, [name for name, _ in batches])
        if call.installation.settings.dev:
            # Test suites read a queue right after they have published.
            within = {each.id for each in subscriptions if each.protocol in _WITHIN}
            call.part(Deliverer).wait_for(within, _SETTLES_WITHIN)
    answers = []
    for each in drafts:
        metrics.count(sink, arn, "NumberOfMessagesPublished", call.now)
        metrics.count(sink, arn, "PublishSize", call.now, each.size, unit="Bytes")
        told = {"MessageId": identifiers[each.default.deduplication] if topic.fifo else each.id}
        if topic.fifo:
            told["SequenceNumber"] = sequence_number(sequences.get(each.id, 0))
        answers.append(told)
    return answers


def _batches(
    call: Call,
    arn: arns.Arn,
    topic: Topic,
    subscriptions: Sequence[Subscription],
    drafts: Sequence[Draft],
    key: DataKey | None,
) -> list[tuple[str, list[New]]]:
    """Return what goes to each subscription that wants any of the messages; those it does not want are counted."""
    batches, sink = [], call.part(MetricSink)
    for subscription in subscriptions:
        wanted = []
        for each in drafts:
            if _wants(subscription, each):
                wanted.append(_new(call, topic, subscription, each, key))
            else:
                metrics.filtered_out(sink, arn, _scope(subscription), each.default, call.now)
        if wanted:
            batches.append((subscription.id, wanted))
    return batches


def ask_to_confirm(call: Call, arn: arns.Arn, subscription: Subscription) -> None:
    """Send the endpoint of a subscription the token by which it confirms."""
    text = (
        f"You have chosen to subscribe to the topic {arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    _ask(call, arn, subscription.id, "SubscriptionConfirmation", text, subscription.token)


def tell_of_end(call: Call, arn: arns.Arn, identifier: str, token: str) -> None:
    """Send the endpoint of a subscription that has ended the token by which it can restore it, and nothing else any more."""
    call.part(Outbox).drop(identifier)
    text = (
        f"You have chosen to deactivate subscription {arn}:{identifier}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )
    _ask(call, arn, identifier, "UnsubscribeConfirmation", text, token)


def _ask(call: Call, arn: arns.Arn, subscription: str, kind: str, text: str, token: str) -> None:
    notification = Notification(
        kind=kind,
        topic_arn=str(arn),
        message=text,
        timestamp=call.now,
        token=token,
        endpoint=call.endpoint,
    )
    identifier = call.new_id()
    body = pack(call.installation.seal, identifier, notification)
    call.part(Outbox).send(subscription, [New(identifier, body, call.now)], call.now)
    call.part(Deliverer).due(arn, [subscription])


def _subscriptions(call: Call, arn: arns.Arn, topic: Topic) -> list[Subscription]:
    with call.installation.store.read() as transaction:
        rows = transaction.records(arn.account, arn.region).list(Subscription, where={"topic": topic.name})
    return [row for row in rows if row.confirmed]


def _wants(subscription: Subscription, drafted: Draft) -> bool:
    text = subscription.attributes.get("FilterPolicy")
    if not text:
        return True
    return _compiled(text, _scope(subscription)).wants(
        values_of(drafted.default.attributes), drafted.default.message
    )


def _scope(subscription: Subscription) -> str:
    return subscription.attributes.get("FilterPolicyScope") or "MessageAttributes"


@lru_cache(maxsize=4096)
def _compiled(text: str, scope: str) -> FilterPolicy:
    return compile_policy(text, scope)


def _new(call: Call, topic: Topic, subscription: Subscription, drafted: Draft, key: DataKey | None) -> New:
    notification = drafted.default
    own = drafted.texts.get(subscription.protocol)
    if own is not None:
        notification = msgspec.structs.replace(notification, message=own)
    scope = notification.group if topic.attributes.get("FifoThroughputScope") == "MessageGroup" else ""
    return New(
        drafted.id,
        call.part(MessageKeys).keep(key, drafted.id, notification),
        call.now,
        notification.group if topic.fifo else "",
        Duplicate(scope, notification.deduplication, call.now + _DEDUPLICATED) if topic.fifo else None,
    )


def _fifo(topic: Topic, request: Mapping[str, Any]) -> tuple[str, str]:
    group, deduplication = request.get("MessageGroupId"), request.get("MessageDeduplicationId")
    if group is not None:
        check_fifo_id("MessageGroupId", group)
    if not topic.fifo:
        if deduplication is not None:
            raise invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid"
                " for this topic type"
            )
        return group or "", ""
    if group is None:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    if deduplication is not None:
        check_fifo_id("MessageDeduplicationId", deduplication)
        return group, deduplication
    if topic.attributes.get("ContentBasedDeduplication") != "true":
        raise invalid(
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
        )
    return group, hashlib.sha256(request["Message"].encode()).hexdigest()

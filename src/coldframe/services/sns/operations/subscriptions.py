"""Subscriptions: who gets a topic's messages, confirmed by whoever gets them."""

import hmac
import re
from typing import Any

from coldframe.core import arns, ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.sns import endings, subscription_attributes
from coldframe.services.sns.arns import (
    invalid,
    records_of,
    subscription_arn,
    subscription_of,
    topic_in,
    topic_place,
)
from coldframe.services.sns.delivery_policies import effective_of_subscription, shown
from coldframe.services.sns.publishing import ask_to_confirm
from coldframe.services.sns.records import Subscription, Topic

_PAGE = 100
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]*")
_MOST_FILTERED = 200


def subscribe(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Subscribe an endpoint; one that is subscribed already with the same attributes keeps its subscription."""
    arn, topic = topic_in(call, request["TopicArn"])
    protocol, endpoint = request["Protocol"], request.get("Endpoint", "")
    subscription_attributes.check_endpoint(protocol, endpoint, fifo=topic.fifo)
    ordered = topic.fifo and endpoint.endswith(".fifo")
    attributes = subscription_attributes.checked(
        request.get("Attributes") or {}, {}, protocol, subscribing=True, ordered=ordered
    )
    records = records_of(call, arn)
    present = [
        each
        for each in records.list(Subscription, where={"topic": topic.name, "endpoint": endpoint})
        if each.protocol == protocol
    ]
    if present:
        found = present[0]
        if not subscription_attributes.same(found.attributes, attributes):
            raise invalid("Attributes Reason: Subscription already exists with different attributes")
        if not found.confirmed:
            _ask(call, arn, records, found)
        return _answer(arn, found, wanted=bool(request.get("ReturnSubscriptionArn")))
    _check_number_of_filters(records, topic, attributes)
    made = Subscription(
        id=call.new_id(),
        topic=topic.name,
        owner=call.account,
        protocol=protocol,
        endpoint=endpoint,
        created=call.now,
        attributes=attributes,
        confirmed=_needs_no_confirmation(call, protocol, endpoint),
        authenticated=_needs_no_confirmation(call, protocol, endpoint),
        principal=call.principal.arn,
    )
    records.add(made)
    if not made.confirmed:
        _ask(call, arn, records, made)
    return _answer(arn, made, wanted=bool(request.get("ReturnSubscriptionArn")))


def confirm_subscription(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Confirm a subscription by the token that was sent to its endpoint; a token is good for three days.

    It is the token that counts: AWS was seen to take it whatever topic of the account and region is named with it.
    """
    try:
        arn = topic_place(call, request["TopicArn"])
    except ServiceFault as fault:
        raise invalid("Topic") from fault
    if _HEXADECIMAL.fullmatch(request["Token"]) is None:
        raise ServiceFault("InvalidParameterException", "Invalid token")
    there = call.installation.store.cached(Topic, arn.account, arn.region, arn.resource) is not None
    if arn.region != call.region and not there:
        raise invalid("Topic")
    records = records_of(call, arn)
    for each in records.list(Subscription):
        if each.token and hmac.compare_digest(each.token.encode(), request["Token"].encode()):
            if each.token_until < call.now:
                break
            locked = request.get("AuthenticateOnUnsubscribe", "").lower() == "true"
            authenticated = call.principal.kind != "anonymous"
            records.change(each, confirmed=True, locked=locked, authenticated=authenticated)
            return {"SubscriptionArn": subscription_arn(arn._replace(resource=each.topic), each)}
    restored = endings.restore(call, records, request["Token"])
    if restored is not None:
        return {"SubscriptionArn": subscription_arn(arn._replace(resource=restored.topic), restored)}
    raise invalid("Token")


def unsubscribe(call: Call, request: dict[str, Any]) -> None:
    """End a subscription; without a signature only where its confirmation did not ask for one."""
    try:
        arn, records, found = subscription_of(call, request["SubscriptionArn"])
    except ServiceFault as fault:
        if fault.code == "NotFoundException":
            return  # documented: it is no error
        raise
    if call.principal.kind == "anonymous":
        if found.locked or found.authenticated:
            text = "Only the topic's owner or the subscription's owner can unsubscribe."
            raise ServiceFault("AuthorizationErrorException", text)
    elif call.account not in {found.owner, arn.account}:
        raise ServiceFault(
            "AuthorizationErrorException", "Only the topic's or the subscription's owner can unsubscribe."
        )
    else:
        call.require("sns:Unsubscribe", "*")
    endings.end(call, arn, records, found)
    topic = records.find(Topic, found.topic)
    if topic is not None:
        records.change(topic, gone=topic.gone + 1)


def list_subscriptions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a hundred subscriptions of the caller to topics of its account."""
    return _page(call, request, call.records, {"owner": call.account}, None)


def list_subscriptions_by_topic(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a hundred subscriptions to a topic."""
    arn, topic = topic_in(call, request["TopicArn"])
    return _page(call, request, records_of(call, arn), {"topic": topic.name}, arn)


def get_subscription_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a subscription's attributes."""
    arn, _, found = subscription_of(call, request["SubscriptionArn"])
    attributes = {
        "RawMessageDelivery": "false",
        **found.attributes,
        "SubscriptionArn": subscription_arn(arn, found),
        "TopicArn": str(arn),
        "Owner": found.owner,
        "Protocol": found.protocol,
        "Endpoint": found.endpoint,
        "PendingConfirmation": str(not found.confirmed).lower(),
        "ConfirmationWasAuthenticated": str(found.authenticated).lower(),
        "SubscriptionPrincipal": found.principal or f"arn:{call.partition}:iam::{found.owner}:root",
    }
    if "FilterPolicy" in attributes:
        attributes.setdefault("FilterPolicyScope", "MessageAttributes")
    else:
        attributes.pop("FilterPolicyScope", None)
    if found.protocol in {"http", "https"}:
        topic = call.installation.store.cached(Topic, arn.account, arn.region, arn.resource)
        of_topic = topic.attributes.get("DeliveryPolicy", "") if topic is not None else ""
        own = found.attributes.get("DeliveryPolicy", "")
        if own:
            attributes["DeliveryPolicy"] = shown(own)
        attributes["EffectiveDeliveryPolicy"] = effective_of_subscription(own, of_topic)
    return {"Attributes": attributes}


def set_subscription_attributes(call: Call, request: dict[str, Any]) -> None:
    """Set one attribute; an empty value takes it away."""
    arn, records, found = subscription_of(call, request["SubscriptionArn"])
    ordered = arn.resource.endswith(".fifo") and found.endpoint.endswith(".fifo")
    given = {request["AttributeName"]: request.get("AttributeValue", "")}
    attributes = subscription_attributes.checked(
        given, found.attributes, found.protocol, subscribing=False, ordered=ordered
    )
    records.change(found, attributes=attributes)


def _needs_no_confirmation(call: Call, protocol: str, endpoint: str) -> bool:
    """Documented: only endpoints of others are asked; queues and streams of the caller's account are its own."""
    if protocol == "sms":
        return True
    return protocol in {"sqs", "firehose"} and arns.parse(endpoint).account == call.account


def _ask(call: Call, arn: arns.Arn, records: Records, subscription: Subscription) -> None:
    """Send the endpoint a token by which it can confirm, once this call is committed."""
    token = ids.hexadecimal(endings.TOKEN_LENGTH)
    changed = records.change(subscription, token=token, token_until=call.now + endings.TOKEN_LIVES)
    records.after_commit(lambda: ask_to_confirm(call, arn, changed))


def _answer(arn: arns.Arn, subscription: Subscription, *, wanted: bool) -> dict[str, Any]:
    shown = subscription.confirmed or wanted
    return {"SubscriptionArn": subscription_arn(arn, subscription) if shown else "pending confirmation"}


def _check_number_of_filters(records: Records, topic: Topic, attributes: dict[str, str]) -> None:
    if "FilterPolicy" in attributes:
        others = records.list(Subscription, where={"topic": topic.name})
        if sum("FilterPolicy" in each.attributes for each in others) >= _MOST_FILTERED:
            text = f"Filter policy limit exceeded: a topic has {_MOST_FILTERED} at most"
            raise ServiceFault("FilterPolicyLimitExceededException", text)


def _page(
    call: Call, request: dict[str, Any], records: Records, where: dict[str, Any], topic: arns.Arn | None
) -> dict[str, Any]:
    after = call.page(request.get("NextToken"), code="InvalidParameterException")
    rows = records.list(Subscription, where=where, after=None if after is None else (after,), limit=_PAGE + 1)
    shown = []
    for row in rows[:_PAGE]:
        of = topic if topic is not None else arns.parse(call.arn(row.topic))
        shown.append(
            {
                "SubscriptionArn": subscription_arn(of, row) if row.confirmed else "PendingConfirmation",
                "Owner": row.owner,
                "Protocol": row.protocol,
                "Endpoint": row.endpoint,
                "TopicArn": str(of),
            }
        )
    answer: dict[str, Any] = {"Subscriptions": shown}
    if len(rows) > _PAGE:
        answer["NextToken"] = call.token(rows[_PAGE - 1].id)
    return answer

"""Topics: made once by name, listed, described, changed and deleted."""

import json
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.sns import endings, jobs, topic_attributes
from coldframe.services.sns.arns import invalid, records_of, topic_in, topic_place
from coldframe.services.sns.delivery_policies import effective, shown_of_topic
from coldframe.services.sns.records import Subscription, Topic
from coldframe.services.sns.tagging import checked_tags

_PAGE = 100


def create_topic(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a topic; one of the name with the same attributes and tags is found instead."""
    name, given = request["Name"], dict(request.get("Attributes") or {})
    if request.get("DataProtectionPolicy"):
        raise invalid("DataProtectionPolicy Reason: data protection of topics is not built in coldframe")
    fifo = given.get("FifoTopic") == "true"
    topic_attributes.check_name(name, fifo=fifo)
    attributes = topic_attributes.checked(given, fifo=fifo)
    tags = checked_tags({}, request.get("Tags") or [])
    present = call.records.find(Topic, name)
    if present is None:
        call.records.add(Topic(name=name, created=call.now, fifo=fifo, attributes=attributes, tags=tags))
    elif any(present.attributes.get(key) != value for key, value in attributes.items()):
        raise invalid("Attributes Reason: Topic already exists with different attributes")
    elif not tags.items() <= present.tags.items():
        raise invalid("Tags Reason: Topic already exists with different tags")
    return {"TopicArn": call.arn(name)}


def delete_topic(call: Call, request: dict[str, Any]) -> None:
    """Delete a topic with its subscriptions; one that is not there is no error."""
    arn = topic_place(call, request["TopicArn"])
    records = records_of(call, arn)
    topic = records.find(Topic, arn.resource)
    if topic is None:
        return
    for subscription in records.list(Subscription, where={"topic": topic.name}):
        records.remove(subscription)
        call.start(jobs.drop_messages, subscription.id)
    endings.forget(call, records, topic.name)
    records.remove(topic)


def list_topics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a hundred topics of the account, by name."""
    after = call.page(request.get("NextToken"), code="InvalidParameterException")
    rows = call.records.list(Topic, after=None if after is None else (after,), limit=_PAGE + 1)
    answer: dict[str, Any] = {"Topics": [{"TopicArn": call.arn(row.name)} for row in rows[:_PAGE]]}
    if len(rows) > _PAGE:
        answer["NextToken"] = call.token(rows[_PAGE - 1].name)
    return answer


def get_topic_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a topic's attributes, its policies and how many subscriptions it has."""
    arn, topic = topic_in(call, request["TopicArn"])
    subscriptions = records_of(call, arn).list(Subscription, where={"topic": topic.name})
    confirmed = sum(each.confirmed for each in subscriptions)
    attributes = {
        "DisplayName": "",
        "Policy": topic_attributes.default_policy(str(arn), arn.account),
        **topic.attributes,
        "TopicArn": str(arn),
        "Owner": arn.account,
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsPending": str(len(subscriptions) - confirmed),
        "SubscriptionsDeleted": str(topic.gone),
        "EffectiveDeliveryPolicy": effective(topic.attributes.get("DeliveryPolicy", "")),
    }
    if topic.attributes.get("DeliveryPolicy"):
        attributes["DeliveryPolicy"] = shown_of_topic(topic.attributes["DeliveryPolicy"])
    if topic.fifo:
        attributes["FifoTopic"] = "true"
        attributes.setdefault("ContentBasedDeduplication", "false")
    return {"Attributes": attributes}


def set_topic_attributes(call: Call, request: dict[str, Any]) -> None:
    """Set one attribute; an empty value takes it away."""
    arn, topic = topic_in(call, request["TopicArn"])
    name, value = request["AttributeName"], request.get("AttributeValue", "")
    if name == "FifoTopic":
        raise invalid("AttributeName")
    kept = topic_attributes.checked({name: value}, fifo=topic.fifo)
    attributes = {key: kind for key, kind in topic.attributes.items() if key != name}
    records_of(call, arn).change(topic, attributes={**attributes, **kept})


def add_permission(call: Call, request: dict[str, Any]) -> None:
    """Let accounts do some actions on a topic, by a statement whose Sid is the label."""
    arn, topic = topic_in(call, request["TopicArn"])
    policy = _policy(topic, str(arn), arn.account)
    if any(statement.get("Sid") == request["Label"] for statement in policy["Statement"]):
        raise invalid("Statement already exists")
    if not request["AWSAccountId"] or not request["ActionName"]:
        raise invalid("AWSAccountId and ActionName must not be empty")
    known = {operation.lower() for operation in call.service.model.operation_names}
    for action in request["ActionName"]:
        if action.lower() not in known:
            raise invalid("Policy statement action out of service scope!")
    principals = [f"arn:{call.partition}:iam::{account}:root" for account in request["AWSAccountId"]]
    policy["Statement"].append(
        {
            "Sid": request["Label"],
            "Effect": "Allow",
            "Principal": {"AWS": _alone(principals)},
            "Action": _alone([f"SNS:{action}" for action in request["ActionName"]]),
            "Resource": str(arn),
        }
    )
    text = json.dumps(policy)
    topic_attributes.checked({"Policy": text}, fifo=topic.fifo)
    records_of(call, arn).change(topic, attributes={**topic.attributes, "Policy": text})


def remove_permission(call: Call, request: dict[str, Any]) -> None:
    """Take the statement with this label out of the topic's policy."""
    arn, topic = topic_in(call, request["TopicArn"])
    policy = _policy(topic, str(arn), arn.account)
    left = [statement for statement in policy["Statement"] if statement.get("Sid") != request["Label"]]
    if len(left) == len(policy["Statement"]):
        raise ServiceFault("NotFoundException", f"There is no statement with the label {request['Label']}")
    attributes = {key: value for key, value in topic.attributes.items() if key != "Policy"}
    if left:
        attributes["Policy"] = json.dumps({**policy, "Statement": left})
    records_of(call, arn).change(topic, attributes=attributes)


def _alone(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _policy(topic: Topic, arn: str, account: str) -> dict[str, Any]:
    text = topic.attributes.get("Policy") or topic_attributes.default_policy(arn, account)
    policy: dict[str, Any] = json.loads(text)
    if isinstance(policy["Statement"], dict):
        policy["Statement"] = [policy["Statement"]]
    return policy

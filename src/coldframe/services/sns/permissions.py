"""Which topic an operation touches, its tags, and the policy that the topic has."""

from collections.abc import Mapping
from typing import Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.policies import compiled_policy
from coldframe.services.sns.records import Topic


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the topic of a request that names a subscription or a target by its ARN; [] for all others."""
    if operation == "Publish":
        target = parameters.get("TopicArn") or parameters.get("TargetArn")
        return [target] if target and target.startswith("arn:") else ["*"]
    subscription = parameters.get("SubscriptionArn")
    if isinstance(subscription, str) and subscription.count(":") == 6:
        return [subscription.rpartition(":")[0]]
    return []


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys of a request: its subscription's protocol and endpoint, tags of topic and request."""
    keys: dict[str, str | list[str]] = {"AWS:SourceOwner": call.account}
    if operation == "Subscribe":
        keys["sns:Protocol"] = parameters["Protocol"]
        keys["sns:Endpoint"] = parameters.get("Endpoint", "")
    topic = _topic(call, parameters.get("TopicArn") or parameters.get("ResourceArn") or "")
    if topic is not None:
        keys |= {f"aws:ResourceTag/{key}": value for key, value in topic.tags.items()}
    tags = parameters.get("Tags")
    if tags:
        keys |= {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
        keys["aws:TagKeys"] = [tag["Key"] for tag in tags]
    elif parameters.get("TagKeys"):
        keys["aws:TagKeys"] = list(parameters["TagKeys"])
    return keys


def resource_policy(call: Call, resource: str) -> tuple[AttachedPolicy | None, bool]:
    """Return the policy of a topic, where one was set; it is never required.

    The default policy says no more than that the topic's account may use it, which its own policies say better.
    """
    topic = _topic(call, resource)
    if topic is None or "Policy" not in topic.attributes:
        return None, False
    return AttachedPolicy(resource, compiled_policy(topic.attributes["Policy"], "resource")), False


def _topic(call: Call, resource: str) -> Topic | None:
    try:
        arn = arns.parse(resource)
    except ValueError:
        return None
    if arn.service != "sns":
        return None
    return call.installation.store.cached(Topic, arn.account, arn.region, arn.resource)

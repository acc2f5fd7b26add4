"""Which queue an operation touches, its tags, and the policy that the queue has."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.policies import compiled_policy
from coldframe.services.sqs.lookup import Place, arn_of, place_of, queue_by_arn
from coldframe.services.sqs.records import Queue

# Documented: a queue's policy cannot let other accounts do these.
_OWNERS_ALONE = frozenset(
    {
        *("AddPermission", "CancelMessageMoveTask", "CreateQueue", "DeleteQueue", "ListMessageMoveTasks"),
        *("ListQueueTags", "ListQueues", "RemovePermission", "SetQueueAttributes", "StartMessageMoveTask"),
        *("TagQueue", "UntagQueue"),
    }
)


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the ARN of the queue that a URL or a name with an owner stands for; [] for all others."""
    if "QueueUrl" in parameters:
        return [arn_of(call, place_of(call, parameters["QueueUrl"]))]
    if operation == "GetQueueUrl":
        owner = parameters.get("QueueOwnerAWSAccountId") or call.account
        return [arn_of(call, Place(owner, parameters["QueueName"]))]
    return []


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys of a request: the tags of the queue, and those that the request brings."""
    keys: dict[str, str | list[str]] = {}
    queue = _queue(call, parameters)
    if queue is not None:
        keys |= {f"aws:ResourceTag/{key}": value for key, value in queue.tags.items()}
    tags = parameters.get("Tags") or parameters.get("tags")
    if tags:
        keys |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        keys["aws:TagKeys"] = list(tags)
    elif parameters.get("TagKeys"):
        keys["aws:TagKeys"] = list(parameters["TagKeys"])
    return keys


def resource_policy(call: Call, resource: str) -> tuple[AttachedPolicy | None, bool]:
    """Return the policy of a queue; it is never required."""
    queue = queue_by_arn(call, resource)
    if queue is None or not queue.attributes.get("Policy"):
        return None, False
    if call.operation in _OWNERS_ALONE and resource.split(":")[4] != call.account:
        return None, False
    return AttachedPolicy(resource, compiled_policy(queue.attributes["Policy"], "resource")), False


def _queue(call: Call, parameters: Mapping[str, Any]) -> Queue | None:
    if "QueueUrl" not in parameters:
        return None
    try:
        place = place_of(call, parameters["QueueUrl"])
    except ServiceFault:
        return None  # the handler refuses it
    return call.installation.store.cached(Queue, place.account, call.region, place.name)

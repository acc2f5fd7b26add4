"""Permissions of queues: statements of the queue's policy that are added and removed by their label."""

import json
import re
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.sqs.lookup import arn_of, invalid_value, missing, own_queue, place_of
from coldframe.services.sqs.records import Queue

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACTIONS = frozenset(
    {
        *("*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"),
        *("GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue"),
    }
)
_MOST_ACTIONS = 7


def add_permission(call: Call, request: dict[str, Any]) -> None:
    """Let accounts do some actions on a queue, by a statement whose Sid is the label."""
    place = place_of(call, request["QueueUrl"])
    queue, label = own_queue(call, request["QueueUrl"]), request["Label"]
    if _LABEL.fullmatch(label) is None:
        reason = "It can only include alphanumeric characters, hyphens, and underscores. 1 to 80 in length."
        raise invalid_value("Label", label, reason)
    accounts, actions = request["AWSAccountIds"], request["Actions"]
    if not accounts:
        raise invalid_value("PrincipalId", "[]", "Unable to verify.")
    if not actions:
        raise missing("Actions")
    for account in accounts:
        if len(account) != 12 or not account.isdecimal():
            raise invalid_value("PrincipalId", account, "Unable to verify.")
    for action in actions:
        if action in call.service.model.operation_names and action not in _ACTIONS:
            text = "Only the queue owner is allowed to invoke this action."
            raise invalid_value("ActionName", f"SQS:{action}", text)
        if action not in _ACTIONS:
            text = f"SQS:{action} is not a valid action. Valid actions are: {', '.join(sorted(_ACTIONS))}."
            raise invalid_value("ActionName", action, text)
    if len(actions) > _MOST_ACTIONS:
        text = f"{len(actions)} Actions were found, maximum allowed is {_MOST_ACTIONS}."
        raise ServiceFault("OverLimit", text)
    policy = _policy(queue, arn_of(call, place))
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise invalid_value("Label", label, "Already exists.")
    principals = [f"arn:{call.partition}:iam::{account}:root" for account in accounts]
    policy["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": principals if len(principals) > 1 else principals[0]},
            "Action": [f"SQS:{action}" for action in actions] if len(actions) > 1 else f"SQS:{actions[0]}",
            "Resource": arn_of(call, place),
        }
    )
    _keep(call, queue, policy)


def remove_permission(call: Call, request: dict[str, Any]) -> None:
    """Take the statement with this label out of the queue's policy."""
    queue, label = own_queue(call, request["QueueUrl"]), request["Label"]
    policy = _policy(queue, "")
    left = [statement for statement in policy["Statement"] if statement.get("Sid") != label]
    if len(left) == len(policy["Statement"]):
        raise invalid_value("Label", label, "can't find label.")
    _keep(call, queue, {**policy, "Statement": left})


def _policy(queue: Queue, arn: str) -> dict[str, Any]:
    text = queue.attributes.get("Policy")
    if not text:
        return {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": []}
    policy: dict[str, Any] = json.loads(text)
    if isinstance(policy["Statement"], dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _keep(call: Call, queue: Queue, policy: dict[str, Any]) -> None:
    attributes = {name: value for name, value in queue.attributes.items() if name != "Policy"}
    if policy["Statement"]:
        attributes["Policy"] = json.dumps(policy)
    call.records.change(queue, attributes=attributes, modified=call.now)

"""Messages: published to a topic, one at a time or ten; they are durable when the call answers."""

import re
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.sns.arns import invalid, topic_in
from coldframe.services.sns.message_checks import MOST_BYTES
from coldframe.services.sns.publishing import draft
from coldframe.services.sns.publishing import publish as put_out

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_MOST = 10


def publish(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Publish a message to everybody who subscribed to a topic and wants it."""
    if request.get("PhoneNumber"):
        raise NotBuilt("Text messages go through telephone networks, which coldframe does not reach.")
    target = request.get("TopicArn") or request.get("TargetArn")
    if not target:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    if ":endpoint/" in target:
        raise NotBuilt("Mobile push goes through the phone makers' services, which coldframe does not reach.")
    arn, topic = topic_in(call, target)
    (answer,) = put_out(call, arn, topic, [draft(call, arn, topic, request)])
    return answer


def publish_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Publish up to ten messages; those that are not valid are told of beside the others."""
    arn, topic = topic_in(call, request["TopicArn"])
    entries = request["PublishBatchRequestEntries"]
    _check(entries)
    drafts, failures = [], []
    for entry in entries:
        try:
            drafts.append((entry["Id"], draft(call, arn, topic, entry)))
        except ServiceFault as fault:
            code = fault.code.removesuffix("Exception")
            failures.append({"Id": entry["Id"], "Code": code, "Message": fault.message, "SenderFault": True})
    if sum(drafted.size for _, drafted in drafts) > MOST_BYTES:
        raise ServiceFault(
            "BatchRequestTooLongException", f"Batch requests cannot be longer than {MOST_BYTES} bytes."
        )
    answers = put_out(call, arn, topic, [drafted for _, drafted in drafts])
    successful = [{"Id": name, **answer} for (name, _), answer in zip(drafts, answers, strict=True)]
    return {"Successful": successful, "Failed": failures}


def _check(entries: list[dict[str, Any]]) -> None:
    if not entries:
        raise ServiceFault("EmptyBatchRequestException", "The batch request doesn't contain any entries.")
    if len(entries) > _MOST:
        text = f"The batch request contains more entries than permissible ({_MOST})."
        raise ServiceFault("TooManyEntriesInBatchRequestException", text)
    names = [entry["Id"] for entry in entries]
    for name in names:
        if _ID.fullmatch(name) is None:
            text = (
                f"The Id of a batch entry in a batch request doesn't abide by the specification: {name[:100]}"
            )
            raise ServiceFault("InvalidBatchEntryIdException", text)
    if len(set(names)) != len(names):
        text = "Two or more batch entries in the request have the same Id."
        raise ServiceFault("BatchEntryIdsNotDistinctException", text)

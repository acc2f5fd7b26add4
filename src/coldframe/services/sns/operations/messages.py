"""Messages: published to a topic, one at a time or ten; they are durable when the call answers."""

import re
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.sns.arns import invalid, topic_in
from coldframe.services.sns.message_checks import MOST_BYTES
from coldframe.services.sns.publishing import check_entry, draft
from coldframe.services.sns.publishing import publish as put_out

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_PHONE = re.compile(r"\+?[1-9][0-9]{1,14}")
_MOST = 10
_LONGEST_ID = 80


def publish(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Publish a message to everybody who subscribed to a topic and wants it."""
    number = request.get("PhoneNumber")
    if number is not None and _PHONE.fullmatch(number) is None:
        raise invalid(f"PhoneNumber Reason: {number} is not valid to publish to")
    if number is not None:
        raise NotBuilt("Text messages go through telephone networks, which coldframe does not reach.")
    target = next((request[name] for name in ("TopicArn", "TargetArn") if name in request), None)
    if target is None:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    if ":endpoint/" in target:
        # Mobile push is not built, so that no such endpoint is ever there.
        raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
    arn, topic = topic_in(call, target)
    (answer,) = put_out(call, arn, topic, [draft(call, arn, topic, request)])
    return answer


def publish_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Publish up to ten messages; those that are not valid are told of beside the others."""
    arn, topic = topic_in(call, request["TopicArn"])
    entries = request["PublishBatchRequestEntries"]
    _check(entries)
    for entry in entries:
        check_entry(topic, entry)
    drafts, failures = [], []
    for entry in entries:
        try:
            drafts.append((entry["Id"], draft(call, arn, topic, entry)))
        except ServiceFault as fault:
            code = fault.code.removesuffix("Exception")
            failures.append({"Id": entry["Id"], "Code": code, "Message": fault.message, "SenderFault": True})
    if sum(drafted.size for _, drafted in drafts) > MOST_BYTES:
        raise ServiceFault(
            "BatchRequestTooLongException",
            "The length of all the messages put together is more than the limit.",
        )
    answers = put_out(call, arn, topic, [drafted for _, drafted in drafts])
    successful = [{"Id": name, **answer} for (name, _), answer in zip(drafts, answers, strict=True)]
    return {"Successful": successful, "Failed": failures}


def _check(entries: list[dict[str, Any]]) -> None:
    if not entries:
        raise ServiceFault("EmptyBatchRequestException", "The batch request doesn't contain any entries.")
    if len(entries) > _MOST:
        text = "The batch request contains more entries than permissible."
        raise ServiceFault("TooManyEntriesInBatchRequestException", text)
    names = [entry["Id"] for entry in entries]
    for name in names:
        if _ID.fullmatch(name) is None:
            wrong = "is too long" if len(name) > _LONGEST_ID else "contains an impermissible character"
            text = f"The Id of a batch entry in the batch request {wrong}: {name}"
            raise ServiceFault("InvalidBatchEntryIdException", text)
    if len(set(names)) != len(names):
        text = "Two or more batch entries in the request have the same Id."
        raise ServiceFault("BatchEntryIdsNotDistinctException", text)

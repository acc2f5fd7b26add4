"""Message move tasks: dead letters go back to where they came from, or to another queue."""

import base64
import binascii
from typing import Any

import msgspec

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.struct_types import whole
from coldframe.services.sqs import jobs
from coldframe.services.sqs.lookup import Place, arn_of, invalid_value
from coldframe.services.sqs.records import MoveTask, Queue
from coldframe.services.sqs.storage import QueueMessages

_MOST_PER_SECOND = 500
_MOST_LISTED = 10


def start_message_move_task(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to move the messages of a queue of dead letters; one task a queue at a time."""
    source = _queue(call, request["SourceArn"])
    records = call.records
    if not records.count(Queue, where={"dead_letters": source.name}):
        raise _unsupported("Source queue must be configured as a Dead Letter Queue.")
    destination = ""
    if request.get("DestinationArn"):
        found = _queue(call, request["DestinationArn"], "DestinationArn")
        if found.name == source.name:
            raise _unsupported("The source and the destination queue must not be the same.")
        if found.fifo != source.fifo:
            raise _unsupported("The source and the destination queue must be of the same type.")
        destination = found.name
    rate = request.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and not 1 <= rate <= _MOST_PER_SECOND:
        reason = "It must be an integer between 1 and 500."
        raise invalid_value("MaxNumberOfMessagesPerSecond", rate, reason)
    if records.count(MoveTask, where={"source": source.name, "status": ["RUNNING", "CANCELLING"]}):
        text = "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        raise _unsupported(text)
    task = MoveTask(
        id=call.new_id(),
        source=source.name,
        started=call.now,
        destination=destination,
        most_per_second=rate or 0,
        to_move=call.part(QueueMessages).counts(source.id, call.now).available,
    )
    records.add(task)
    call.start(jobs.move_messages, task.id)
    return {"TaskHandle": _handle(call, task)}


def cancel_message_move_task(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Stop a task that is running; what it has moved stays moved."""
    named = _handled(request["TaskHandle"])
    _queue(call, named.source_arn)
    task = call.records.get(MoveTask, named.task_id)
    if task.status != "RUNNING":
        raise _unsupported("Only active tasks can be cancelled.")
    call.records.change(task, status="CANCELLING")
    return {"ApproximateNumberOfMessagesMoved": task.moved}


def list_message_move_tasks(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the newest tasks of a source queue, newest first; one unless more are asked for."""
    most = request.get("MaxResults", 1)
    if not 1 <= most <= _MOST_LISTED:
        raise invalid_value("MaxResults", most, "MaxResults must be an integer between 1 and 10.")
    source = _queue(call, request["SourceArn"])
    rows = call.records.list(
        MoveTask, where={"source": source.name}, order="started", descending=True, limit=most
    )
    return {"Results": [_told(call, task) for task in rows]}


def _queue(call: Call, text: str, name: str = "SourceArn") -> Queue:
    try:
        arn = arns.parse(text)
    except ValueError as error:
        raise ServiceFault(
            "InvalidParameterValue", f"You must use this format to specify an SQS ARN: {text}"
        ) from error
    found = None
    if (arn.service, arn.account, arn.region) == ("sqs", call.account, call.region):
        found = call.records.find(Queue, arn.resource)
    if found is None:
        raise ServiceFault(
            "ResourceNotFoundException",
            f"The resource that you specified for the {name} parameter doesn't exist.",
        )
    return found


def _handle(call: Call, task: MoveTask) -> str:
    source = arn_of(call, Place(call.account, task.source))
    return base64.b64encode(msgspec.json.encode({"taskId": task.id, "sourceArn": source})).decode()


class _Handled(msgspec.Struct, frozen=True, rename="camel"):
    """What a task's handle says."""

    task_id: str
    source_arn: str


def _handled(handle: str) -> _Handled:
    try:
        return msgspec.json.decode(base64.b64decode(handle, validate=True), type=whole(_Handled))
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise ServiceFault("InvalidParameterValue", "Value for parameter TaskHandle is invalid.") from error


def _told(call: Call, task: MoveTask) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Status": task.status,
        "SourceArn": arn_of(call, Place(call.account, task.source)),
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started,
    }
    if task.status == "RUNNING":
        told["TaskHandle"] = _handle(call, task)
    if task.destination:
        told["DestinationArn"] = arn_of(call, Place(call.account, task.destination))
    if task.most_per_second:
        told["MaxNumberOfMessagesPerSecond"] = task.most_per_second
    if task.reason:
        told["FailureReason"] = task.reason
    return told


def _unsupported(text: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValue", text)

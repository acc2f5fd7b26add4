"""Queues: made once by name, found by URL, emptied and deleted."""

import re
from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.sqs import attributes, jobs
from coldframe.services.sqs.dead_letters import check_target
from coldframe.services.sqs.lookup import Place, arn_of, invalid_value, own_queue, place_of, queue_in, url_of
from coldframe.services.sqs.metrics import QueueMetrics
from coldframe.services.sqs.records import DeletedQueue, Queue
from coldframe.services.sqs.storage import QueueMessages
from coldframe.services.sqs.tagging import checked_tags

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_PAUSE = 60_000
_MOST_LISTED = 1000


def create_queue(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a queue; the same name with the same attributes finds the one that is there."""
    name = request["QueueName"]
    given = dict(request.get("Attributes") or {})
    fifo = _fifo(name, given)
    wanted = attributes.checked(given, fifo=fifo)
    place = Place(call.account, name)
    present = call.records.find(Queue, name)
    if present is not None:
        _check_same(present, wanted)
        return {"QueueUrl": url_of(call, place)}
    _check_not_deleted_recently(call, name)
    queue = Queue(
        name=name,
        id=ids.hexadecimal(20),
        created=call.now,
        modified=call.now,
        fifo=fifo,
        attributes={key: value for key, value in wanted.items() if value},
        tags=checked_tags(name, {}, request.get("tags") or {}),
        dead_letters=_dead_letters(call, place, wanted, fifo=fifo),
    )
    _check_together(queue)
    call.records.add(queue)
    call.records.after_commit(lambda: call.part(QueueMetrics).used(queue, call.now))
    return {"QueueUrl": url_of(call, place)}


def get_queue_url(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the URL of a queue by its name and, for another account's, its owner."""
    place = Place(request.get("QueueOwnerAWSAccountId") or call.account, request["QueueName"])
    queue_in(call, place)
    return {"QueueUrl": url_of(call, place)}


def list_queues(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the URLs of the account's queues by name; pages only where MaxResults asks for them, as AWS does."""
    prefix, most = request.get("QueueNamePrefix"), request.get("MaxResults")
    limit = _limit(most)
    after = call.page(request.get("NextToken"), code="InvalidParameterValue")
    rows = call.records.list(
        Queue,
        starts_with=("name", prefix) if prefix else None,
        after=None if after is None else (after,),
        limit=limit + 1,
    )
    return _page(call, "QueueUrls", rows, limit, paged=most is not None) if rows else {}


def list_dead_letter_source_queues(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the URLs of the queues that send their dead letters to a queue."""
    queue, most = own_queue(call, request["QueueUrl"]), request.get("MaxResults")
    limit = _limit(most)
    after = call.page(request.get("NextToken"), code="InvalidParameterValue")
    rows = call.records.list(
        Queue,
        where={"dead_letters": queue.name},
        after=None if after is None else (after,),
        limit=limit + 1,
    )
    return _page(call, "queueUrls", rows, limit, paged=most is not None)


def delete_queue(call: Call, request: dict[str, Any]) -> None:
    """Delete a queue and its messages."""
    queue = own_queue(call, request["QueueUrl"])
    call.records.remove(queue)
    call.records.put(DeletedQueue(name=queue.name, deleted=call.now))
    call.start(jobs.drop_messages, queue.id)


def purge_queue(call: Call, request: dict[str, Any]) -> None:
    """Delete all messages of a queue, those being read too; once a minute."""
    queue = own_queue(call, request["QueueUrl"])
    if call.now < queue.purged + _PAUSE:
        raise ServiceFault(
            "PurgeQueueInProgress",
            f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds.",
        )
    account = place_of(call, request["QueueUrl"]).account
    call.records.elsewhere(account=account).change(queue, purged=call.now)
    call.records.after_commit(lambda: _clear(call, queue.id))


def _clear(call: Call, queue_id: str) -> None:
    call.part(QueueMessages).clear(queue_id)


def _fifo(name: str, given: dict[str, str]) -> bool:
    """Take FifoQueue out of the attributes given; raises InvalidParameterValue for a name that does not fit it."""
    asked = given.pop("FifoQueue", None)
    if asked is not None and asked.lower() != "true":
        raise ServiceFault("InvalidAttributeName", "Unknown Attribute FifoQueue.")
    fifo = asked is not None
    stem = name.removesuffix(".fifo") if fifo else name
    if fifo and (not name.endswith(".fifo") or len(name) > 80 or _NAME.fullmatch(stem) is None):
        raise ServiceFault(
            "InvalidParameterValue",
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end"
            " with .fifo suffix and be 1 to 80 in length.",
        )
    if not fifo and _NAME.fullmatch(name) is None:
        raise ServiceFault(
            "InvalidParameterValue",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )
    return fifo


def _check_same(present: Queue, wanted: dict[str, str]) -> None:
    have = attributes.effective(present)
    for key, value in wanted.items():
        if not attributes.same(key, have.get(key, ""), value):
            text = f"A queue already exists with the same name and a different value for attribute {key}"
            raise ServiceFault("QueueNameExists", text)


def _check_not_deleted_recently(call: Call, name: str) -> None:
    deleted = call.records.find(DeletedQueue, name)
    # Test suites make and delete queues of one name all the time, which is what dev mode is for.
    if deleted is not None and call.now < deleted.deleted + _PAUSE and not call.installation.settings.dev:
        raise ServiceFault(
            "QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        )


def _dead_letters(call: Call, place: Place, wanted: dict[str, str], *, fifo: bool) -> str:
    policy = wanted.get("RedrivePolicy")
    return check_target(call.records, arn_of(call, place), policy, fifo=fifo) if policy else ""


def _check_together(queue: Queue) -> None:
    have = attributes.effective(queue)
    limit, scope = have.get("FifoThroughputLimit"), have.get("DeduplicationScope")
    if limit == "perMessageGroupId" and scope != "messageGroup":
        reason = "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup."
        raise invalid_value("FifoThroughputLimit", limit, reason)


def _limit(most: int | None) -> int:
    if most is not None and not 1 <= most <= _MOST_LISTED:
        raise invalid_value("MaxResults", most, "MaxResults must be an integer between 1 and 1000.")
    return most or _MOST_LISTED


def _page(call: Call, member: str, rows: list[Queue], limit: int, *, paged: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {member: [url_of(call, Place(call.account, row.name)) for row in rows[:limit]]}
    if paged and len(rows) > limit:
        answer["NextToken"] = call.token(rows[limit - 1].name)
    return answer

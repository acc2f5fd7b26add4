"""The rules of batches: ten entries at most, each with an id of its own, and an answer for each."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from coldframe.core.faults import ServiceFault

_MOST = 10
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def check(entries: Sequence[dict[str, Any]], operation: str) -> None:
    """Refuse a batch as a whole; raises EmptyBatchRequest, TooManyEntriesInBatchRequest and the like."""
    if not entries:
        text = f"There should be at least one {operation}RequestEntry in the request."
        raise ServiceFault("EmptyBatchRequest", text)
    if len(entries) > _MOST:
        text = f"Maximum number of entries per request are {_MOST}. You have sent {len(entries)}."
        raise ServiceFault("TooManyEntriesInBatchRequest", text)
    seen = set()
    for entry in entries:
        name = entry["Id"]
        if _ID.fullmatch(name) is None:
            text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
            raise ServiceFault("InvalidBatchEntryId", text)
        if name in seen:
            raise ServiceFault("BatchEntryIdsNotDistinct", f"Id {name} repeated.")
        seen.add(name)


def failed(entry: dict[str, Any], fault: ServiceFault) -> dict[str, Any]:
    """Return what the answer says of an entry that could not be done; AWS words one text otherwise here."""
    text = fault.message.replace("parameters are invalid.", "parameters cannot be validated.")
    return {"Id": entry["Id"], "SenderFault": True, "Code": fault.code, "Message": text}


def each(
    entries: Sequence[dict[str, Any]], operation: str, act: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Do every entry of a batch; those that raise a fault are told of beside the others."""
    check(entries, operation)
    successful, failures = [], []
    for entry in entries:
        try:
            act(entry)
        except ServiceFault as fault:
            failures.append(failed(entry, fault))
        else:
            successful.append({"Id": entry["Id"]})
    return answer(successful, failures)


def answer(successful: list[dict[str, Any]], failures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a batch answers: a list that is empty is left out, as AWS does."""
    both = {"Successful": successful, "Failed": failures}
    return {name: entries for name, entries in both.items() if entries}

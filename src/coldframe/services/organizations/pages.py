"""Listings in pages, with the tokens between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, Unpack

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Filters, Record, place
from coldframe.services.organizations.reasons import invalid

R = TypeVar("R", bound=Record)
T = TypeVar("T")

LARGEST = 20


def rows(
    call: Call, request: Mapping[str, Any], kind: type[R], **filters: Unpack[Filters]
) -> tuple[list[R], str | None]:
    """Return the records of one page by key, and the token of the next page if there is one."""
    after, size = _position(call, request), request.get("MaxResults", LARGEST)
    found = call.records.list(kind, **filters, after=tuple(after) if after else None, limit=size + 1)
    if len(found) <= size:
        return found, None
    return found[:size], call.token(place(found[size - 1]))


def items(
    call: Call, request: Mapping[str, Any], everything: Sequence[T], key: Callable[[T], str]
) -> tuple[list[T], str | None]:
    """Return one page of a listing that is in memory, in the order of `key`, and the token of the next page."""
    after, size = _position(call, request), request.get("MaxResults", LARGEST)
    found = sorted(everything, key=key)
    if after is not None:
        found = [item for item in found if key(item) > after]
    if len(found) <= size:
        return found, None
    return found[:size], call.token(key(found[size - 1]))


def answer(member: str, found: Iterable[Any], token: str | None) -> Any:
    """Return a listing's answer; NextToken stands in it only when there is more."""
    return {member: list(found)} if token is None else {member: list(found), "NextToken": token}


def _position(call: Call, request: Mapping[str, Any]) -> Any:
    try:
        return call.page(request.get("NextToken"), code="InvalidInputException")
    except ServiceFault as fault:
        raise invalid("INVALID_NEXT_TOKEN") from fault

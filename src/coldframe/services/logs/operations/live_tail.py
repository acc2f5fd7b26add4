"""Live tail: a stream of what arrives, an update every second, for three hours at most."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.logs.filter_patterns import FilterPattern, InvalidPattern, compile_pattern
from coldframe.services.logs.live_tail import LiveTail, TailSession
from coldframe.services.logs.lookup import cached_group, group_arn, invalid, name_in

LONGEST_SECONDS = 3 * 3600


def start_live_tail(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Open a session; its events come as they are stored, masked as for every reader."""
    identifiers = request["logGroupIdentifiers"]
    names, prefixes = request.get("logStreamNames"), request.get("logStreamNamePrefixes")
    if names and prefixes:
        raise invalid("You cannot specify both logStreamNames and logStreamNamePrefixes.")
    if (names or prefixes) and len(identifiers) > 1:
        raise invalid("logStreamNames and logStreamNamePrefixes can be given only with one log group.")
    for identifier in identifiers:
        if not identifier.startswith("arn:") or identifier.endswith("*"):
            raise invalid(f"{identifier} is not the ARN of a log group without a trailing asterisk.")
    groups = [cached_group(call, name_in(call, identifier)) for identifier in identifiers]
    watched = {group.id: f"{call.account}:{group.name}" for group in groups}
    session = TailSession(
        watched, _wanted(names, prefixes), _pattern(request.get("logEventFilterPattern", ""))
    )
    start = {
        "requestId": call.request_id,
        "sessionId": call.new_id(),
        "logGroupIdentifiers": [group_arn(call, group.name) for group in groups],
        "logStreamNames": names or [],
        "logStreamNamePrefixes": prefixes or [],
        "logEventFilterPattern": request.get("logEventFilterPattern", ""),
    }
    ends = call.installation.clock.seconds() + LONGEST_SECONDS
    return {"responseStream": _updates(call, session, start, ends)}


def _updates(
    call: Call, session: TailSession, start: dict[str, Any], ends: float
) -> Iterator[dict[str, Any]]:
    """Give the session's start and then an update every second; closing the iterator ends the session."""
    hub = call.part(LiveTail)
    never = threading.Event()
    hub.open(session)
    try:
        yield {"sessionStart": start}
        while call.installation.clock.seconds() < ends:
            never.wait(1.0)
            events, sampled = session.update()
            yield {"sessionUpdate": {"sessionMetadata": {"sampled": sampled}, "sessionResults": events}}
        raise ServiceFault("SessionTimeoutException", "The live tail session was open for three hours.")
    finally:
        hub.end(session)


def _wanted(names: list[str] | None, prefixes: list[str] | None) -> Callable[[str], bool] | None:
    if names:
        chosen = frozenset(names)
        return lambda stream: stream in chosen
    if prefixes:
        starts = tuple(prefixes)
        return lambda stream: stream.startswith(starts)
    return None


def _pattern(text: str) -> FilterPattern | None:
    if not text:
        return None
    try:
        return compile_pattern(text)
    except InvalidPattern as error:
        raise invalid(error.message) from error

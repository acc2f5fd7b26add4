"""Finding queues: by the URL or the ARN that a request gives, in the account that it names."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.sqs.records import Queue

# The hosts of AWS's own queue URLs, today's and those of before, with whatever domain behind them.
_HOST = re.compile(r"(?:sqs\.([a-z]{2}(?:-[a-z]+)+-\d)|([a-z]{2}(?:-[a-z]+)+-\d)\.queue)\.").match


class Place(NamedTuple):
    """The account and name of a queue; its region is always the call's."""

    account: str
    name: str


def place_of(call: Call, url: str) -> Place:
    """Return the place a queue URL names; raises InvalidAddress for what is no queue URL of the call's region.

    The host does not matter, unless it names a region as AWS's do.
    """
    split = urlsplit(url)
    parts = [part for part in split.path.split("/") if part]
    host = _HOST(split.netloc) if split.netloc else None
    if host is not None and call.region not in host.groups():
        raise ServiceFault("InvalidAddress", f"The address {url} is not valid for this endpoint.")
    if len(parts) >= 2 and len(parts[-2]) == 12 and parts[-2].isdecimal():
        return Place(parts[-2], parts[-1])
    if len(parts) == 1 and "/" not in url:
        return Place(call.account, parts[0])
    raise ServiceFault("InvalidAddress", f"The address {url} is not valid for this endpoint.")


def queue_at(call: Call, url: str) -> tuple[Place, Queue]:
    """Return a queue by its URL, from memory; raises InvalidAddress, QueueDoesNotExist."""
    place = place_of(call, url)
    return place, queue_in(call, place)


def queue_in(call: Call, place: Place) -> Queue:
    """Return the queue of a place, from memory; raises QueueDoesNotExist."""
    found = call.installation.store.cached(Queue, place.account, call.region, place.name)
    if found is None:
        raise ServiceFault("QueueDoesNotExist", "The specified queue does not exist.")
    return found


def own_queue(call: Call, url: str) -> Queue:
    """Return a queue by its URL within the call's transaction, to be changed; raises QueueDoesNotExist."""
    place = place_of(call, url)
    return call.records.elsewhere(account=place.account).get(Queue, place.name)


def arn_of(call: Call, place: Place) -> str:
    """Return the ARN of the queue of a place."""
    return f"arn:{call.partition}:sqs:{call.region}:{place.account}:{place.name}"


def url_of(call: Call, place: Place) -> str:
    """Return the URL of the queue of a place, at the address that the caller used."""
    return f"{call.endpoint}/{place.account}/{place.name}"


def queue_by_arn(call: Call, arn: str) -> Queue | None:
    """Return the queue of this region that an ARN names, from memory; None for what names none."""
    try:
        parts = arns.parse(arn)
    except ValueError:
        return None
    if parts.service != "sqs" or parts.region != call.region:
        return None
    return call.installation.store.cached(Queue, parts.account, parts.region, parts.resource)


def invalid_value(name: str, value: object, reason: str) -> ServiceFault:
    """Return the fault for a parameter's value that is not allowed."""
    return ServiceFault(
        "InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}"
    )


def missing(name: str) -> ServiceFault:
    """Return the fault for a parameter that has to be there."""
    return ServiceFault("MissingParameter", f"The request must contain the parameter {name}.")

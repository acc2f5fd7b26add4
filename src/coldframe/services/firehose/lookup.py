"""Finding streams by name, with the faults that AWS has for those that are not there."""

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.firehose.records import DeliveryStream


def stream_of(call: Call, name: str) -> DeliveryStream:
    """Return a stream within the call's transaction, to be shown or changed; raises ResourceNotFoundException."""
    found = call.records.find(DeliveryStream, name)
    if found is None:
        text = f"Firehose {name} under account {call.account} not found."
        raise ServiceFault("ResourceNotFoundException", text)
    return found


def stream_to_write(call: Call, name: str) -> DeliveryStream:
    """Return a stream that records are put into, from memory; raises ResourceNotFoundException."""
    found = call.cached(DeliveryStream, name)
    if found is None:
        text = f"Firehose {name} not found under account {call.account}."
        raise ServiceFault("ResourceNotFoundException", text)
    return found

"""From the request's bytes to checked parameters."""

from coldframe.core.faults import ServiceFault
from coldframe.gateway.digests import check_digests
from coldframe.gateway.exchange import Exchange
from coldframe.gateway.validation import validate


def read_parameters(exchange: Exchange) -> None:
    """Parse the request by its protocol and check every constraint that the model states."""
    if exchange.operation.http_checksum and not exchange.operation.has_streaming_input:
        check_digests(exchange.routed)
    exchange.parameters = exchange.protocol.parse(exchange.operation, exchange.routed)
    try:
        validate(exchange.operation, exchange.parameters, code=exchange.service.manifest.faults.validation)
    except ServiceFault:
        # Some services say first that what the request is about is not there.
        check_there = getattr(exchange.service.module("permissions"), "check_there", None)
        if check_there is not None:
            check_there(exchange.installation, exchange.operation.name, exchange.parameters)
        raise

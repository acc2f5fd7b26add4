"""From the request's bytes to checked parameters."""

from coldframe.gateway.digests import check_digests
from coldframe.gateway.exchange import Exchange
from coldframe.gateway.validation import validate


def read_parameters(exchange: Exchange) -> None:
    """Parse the request by its protocol and check every constraint that the model states."""
    if exchange.operation.http_checksum and not exchange.operation.has_streaming_input:
        check_digests(exchange.routed)
    exchange.parameters = exchange.protocol.parse(exchange.operation, exchange.routed)
    validate(exchange.operation, exchange.parameters, code=exchange.service.manifest.faults.validation)

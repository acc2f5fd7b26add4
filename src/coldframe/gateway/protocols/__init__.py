"""The wire formats of AWS, driven by botocore's models: which one a request speaks, and one object for each."""

from collections.abc import Callable
from functools import cache

from botocore.model import ServiceModel

from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols.aws_json import AwsJson
from coldframe.gateway.protocols.cbor import RpcV2Cbor
from coldframe.gateway.protocols.ec2 import Ec2
from coldframe.gateway.protocols.protocol import Params, Protocol
from coldframe.gateway.protocols.query import Query
from coldframe.gateway.protocols.query_json import QueryJson
from coldframe.gateway.protocols.rest_json import RestJson
from coldframe.gateway.protocols.rest_xml import RestXml

__all__ = ["Params", "Protocol", "choose", "protocol_of"]

_PROTOCOLS: dict[str, Callable[[ServiceModel], Protocol]] = {
    "json": AwsJson,
    "smithy-rpc-v2-cbor": RpcV2Cbor,
    "query": Query,
    "query-json": QueryJson,
    "ec2": Ec2,
    "rest-json": RestJson,
    "rest-xml": RestXml,
}


@cache
def protocol_of(service: ServiceModel, name: str) -> Protocol:
    """Give the one protocol object of a service model; its plans live as long as the model is used."""
    return _PROTOCOLS[name](service)


def choose(service: ServiceModel, request: WireRequest) -> Protocol:
    """Choose among the protocols that the service offers by what the request shows; the service's default else."""
    offered = service.metadata.get("protocols") or [service.metadata["protocol"]]
    if len(offered) > 1:
        if "smithy-rpc-v2-cbor" in offered and "smithy-protocol" in request.headers:
            return protocol_of(service, "smithy-rpc-v2-cbor")
        if "json" in offered and "x-amz-target" in request.headers:
            return protocol_of(service, "json")
        if "query" in offered and ("Action=" in request.query or b"Action=" in request.body[:4096]):
            return protocol_of(service, "query")
    return protocol_of(service, str(service.resolved_protocol))

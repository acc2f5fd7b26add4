"""AWS JSON 1.0 and 1.1: the operation in X-Amz-Target, one JSON document each way."""

from botocore.model import ServiceModel

from coldframe.gateway.protocols.json_body import JsonBodies
from coldframe.gateway.protocols.rpc import RpcProtocol


class AwsJson(RpcProtocol):
    """Protocol `json`."""

    name = "json"

    def __init__(self, service: ServiceModel) -> None:
        version = service.metadata.get("jsonVersion", "1.0")
        super().__init__(JsonBodies(service), {"content-type": f"application/x-amz-json-{version}"})

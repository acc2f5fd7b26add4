"""What a protocol of AWS does for the gateway: a request into parameters, a result or a fault into an answer."""

import typing
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse

MAX_DEPTH = 96


class Params(dict[str, Any]):
    """Parameters of a call; `checked` says that the decoder has held them against every constraint but patterns."""

    __slots__ = ("checked",)

    def __init__(self, values: Mapping[str, Any], *, checked: bool = False) -> None:
        super().__init__(values)
        self.checked = checked


class Protocol(typing.Protocol):
    """One wire format for the operations of one service; plans are made once per operation and kept."""

    name: str

    def parse(self, operation: OperationModel, request: WireRequest) -> Params:
        """Read the parameters as botocore's client takes them: blobs as bytes, timestamps as UTC datetimes.

        Raises ServiceFault with the protocol's own code for anything that cannot be read.
        """
        ...

    def answer(self, operation: OperationModel, result: Mapping[str, Any], request_id: str) -> WireResponse:
        """Write the result of an operation; members that are None or not modelled are left out."""
        ...

    def fault(
        self, service: ServiceModel, operation: OperationModel | None, fault: ServiceFault, request_id: str
    ) -> WireResponse:
        """Write a fault in the shape, with the code and the HTTP status that the model has for it."""
        ...


def limit_depth(value: Any, code: str = "SerializationException") -> None:
    """Refuse a document nested deeper than MAX_DEPTH, without recursing itself."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise ServiceFault(code, f"The input is nested more than {MAX_DEPTH} levels deep", status=400)

"""AWS query with answers in JSON, for who says `Accept: application/json`: the members of the XML, absent ones as null."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from botocore.model import OperationModel, ServiceModel

from coldframe.core import former_query
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireResponse
from coldframe.gateway.protocols import timestamps
from coldframe.gateway.protocols.query import Query
from coldframe.gateway.protocols.shapes import Later, Shape

CONTENT_TYPE = "application/json"
Write = Callable[[Any], Any]


def asked_for(headers: Mapping[str, str]) -> bool:
    """Tell whether a request wants its answer in JSON; without a word of it the answer is XML."""
    return CONTENT_TYPE in headers.get("accept", "")


def fault_document(code: str, message: str, request_id: str, *, sender: bool) -> bytes:
    """Write an error as AWS words it in JSON answers of the query protocol."""
    kind = "Sender" if sender else "Receiver"
    return msgspec.json.encode(
        {"Error": {"Code": code, "Message": message, "Type": kind}, "RequestId": request_id}
    )


class QueryJson(Query):
    """Protocol `query`, answered in JSON."""

    name = "query-json"

    def __init__(self, service: ServiceModel) -> None:
        super().__init__(service)
        self._names = former_query.wording(service.service_name).json
        self._structures: dict[str, Write] = {}
        self._results: dict[str, Write] = {}

    def answer(self, operation: OperationModel, result: Mapping[str, Any], request_id: str) -> WireResponse:
        """Write `{"XResponse": {"XResult": {...}, "ResponseMetadata": {"RequestId": ...}}}`."""
        name, content = operation.name, {}
        shape: Shape = operation.output_shape
        if shape is not None:
            write = self._results.get(name)
            if write is None:
                write = self._results[name] = self._structure(shape, f"{name}Result")
            content[shape.serialization.get("resultWrapper", f"{name}Result")] = write(result)
        metadata = {"ResponseMetadata": {"RequestId": request_id}}
        body = msgspec.json.encode({f"{name}Response": {**content, **metadata}})
        return WireResponse(200, {"content-type": CONTENT_TYPE, "x-amzn-requestid": request_id}, body)

    def fault(
        self, service: ServiceModel, operation: OperationModel | None, fault: ServiceFault, request_id: str
    ) -> WireResponse:
        """Write `{"Error": {"Code", "Message", "Type"}, "RequestId"}`."""
        wire = self._wire_fault(service, operation, fault)
        body = fault_document(wire.code, wire.message, request_id, sender=wire.sender)
        headers = {"content-type": CONTENT_TYPE, "x-amzn-requestid": request_id}
        return WireResponse(wire.status, headers, body)

    def _of(self, shape: Shape) -> Write:
        kind = shape.type_name
        if kind == "structure":
            return self._named(shape)
        if kind == "list":
            item = self._of(shape.member)
            return lambda items: [item(each) for each in items]
        if kind == "map":
            return self._map(shape)
        if kind == "timestamp":
            return timestamps.writer(shape, "unixtimestamp")
        return _plain

    def _map(self, shape: Shape) -> Write:
        item = self._of(shape.value)
        key, value = shape.key.serialization.get("name"), shape.value.serialization.get("name")
        if key and value:  # what XML writes as pairs of these names is a list of pairs here too
            return lambda items: [{key: name, value: item(each)} for name, each in items.items()]
        return lambda items: {name: item(each) for name, each in items.items()}

    def _named(self, shape: Shape) -> Write:
        if shape.name in self._structures:
            return self._structures[shape.name]
        later = self._structures[shape.name] = Later()
        later.function = self._structures[shape.name] = self._structure(shape, shape.name)
        return self._structures[shape.name]

    def _structure(self, shape: Shape, name: str) -> Write:
        renamed = self._names.get(name, {})
        plan = [(each, renamed.get(each, each), self._of(member)) for each, member in shape.members.items()]

        def write(values: Mapping[str, Any]) -> dict[str, Any]:
            return {
                wire: None if values.get(each) is None else convert(values[each])
                for each, wire, convert in plan
            }

        return write


def _plain(value: Any) -> Any:
    return value

"""AWS query: parameters as dotted form fields, answers in XML."""

from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import OperationModel, ServiceModel

from coldframe.core import former_query
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.protocols import fault_shapes
from coldframe.gateway.protocols.protocol import MAX_DEPTH, Params
from coldframe.gateway.protocols.scalars import read_scalar
from coldframe.gateway.protocols.shapes import Later, PerOperation, Shape
from coldframe.gateway.protocols.xml_body import XmlBodies, escape

MAX_FIELDS = 50_000
Node = dict[str, Any]
Read = Callable[[Any, str], Any]
CONTENT_TYPE = "text/xml"


def form(request: WireRequest) -> dict[str, str]:
    """Read the fields of query string and form body; MalformedQueryString for what is no form."""
    raw = [request.query]
    if request.body and request.method != "GET":
        try:
            raw.append(request.body.decode("ascii"))
        except UnicodeError as error:
            raise ServiceFault("MalformedQueryString", "The form is not ASCII text", status=400) from error
    fields: dict[str, str] = {}
    for text in raw:
        if not text:
            continue
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except ValueError as error:
            raise ServiceFault("MalformedQueryString", "The form cannot be read", status=400) from error
        for name, value in pairs:
            if name in fields:
                raise ServiceFault("MalformedQueryString", f"Duplicate parameter: {name[:128]}", status=400)
            fields[name] = value
    return fields


def tree(fields: Mapping[str, str]) -> Node:
    """Nest dotted names: `A.member.1=x` becomes {"A": {"member": {"1": "x"}}}; a name with both keeps "" too."""
    root: Node = {}
    for name, value in fields.items():
        parts = name.split(".", MAX_DEPTH + 1)
        if len(parts) > MAX_DEPTH:
            raise ServiceFault("MalformedQueryString", "A parameter's name is nested too deep", status=400)
        node = root
        for part in parts[:-1]:
            below = node.get(part)
            if not isinstance(below, dict):
                below = node[part] = {} if below is None else {"": below}
            node = below
        last = parts[-1]
        if isinstance(node.get(last), dict):
            node[last][""] = value
        else:
            node[last] = value
    return root


class QueryFields:
    """Reads nested fields by shape; readers are made once per shape."""

    bad_value = "MalformedInput"

    def __init__(self) -> None:
        self._structures: dict[str, Read] = {}

    def member_names(self, name: str, member: Shape) -> list[str]:
        """List the names under which a member may come."""
        own = str(member.serialization.get("name", name))
        if member.type_name == "list" and member.serialization.get("flattened"):
            inner = member.member.serialization.get("name")
            return [str(inner), own] if inner else [own]
        return [own]

    def read(self, shape: Shape) -> Read:
        """Make the function that reads a node (text or dict) into a value; the second argument is its path."""
        kind = shape.type_name
        if kind == "structure":
            return self._named(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        scalar = read_scalar(shape)

        def read(node: Any, path: str) -> Any:
            text = node if isinstance(node, str) else node.get("")
            if text is None:
                raise self._bad(path)
            try:
                return scalar(text)
            except ValueError as error:
                raise self._bad(path) from error

        return read

    def _bad(self, path: str) -> ServiceFault:
        return ServiceFault(self.bad_value, f"Invalid value for the parameter {path[:256]}", status=400)

    def _named(self, shape: Shape) -> Read:
        if shape.name in self._structures:
            return self._structures[shape.name]
        later = self._structures[shape.name] = Later()
        later.function = self._structures[shape.name] = self.structure(shape.members)
        return self._structures[shape.name]

    def structure(self, members: Mapping[str, Shape]) -> Read:
        """Make the reader of a structure; fields that no member has are passed over."""
        plan = {
            wire: (name, self.read(member))
            for name, member in reversed(list(members.items()))
            for wire in self.member_names(name, member)
        }

        def read(node: Any, path: str) -> dict[str, Any]:
            if not isinstance(node, dict):
                if node:
                    raise self._bad(path)
                return {}
            out = {}
            for wire, below in node.items():
                step = plan.get(wire)
                if step is not None:
                    out[step[0]] = step[1](below, f"{path}.{wire}" if path else wire)
            return out

        return read

    @staticmethod
    def list_names(shape: Shape) -> tuple[str, ...]:
        """List the element names between a list and its numbers; none for a flattened one."""
        if shape.serialization.get("flattened"):
            return ()
        return (str(shape.member.serialization.get("name", "member")), "member")

    def _list(self, shape: Shape) -> Read:
        item, names = self.read(shape.member), self.list_names(shape)

        def read(node: Any, path: str) -> list[Any]:
            node, path = self._inside(node, path, names)
            return [item(node[number], f"{path}.{number}") for number in self._numbers(node, path)]

        return read

    def _inside(self, node: Any, path: str, names: tuple[str, ...]) -> tuple[Node, str]:
        if isinstance(node, str):
            if node:
                raise self._bad(path)
            return {}, path  # an empty list is written as an empty field
        for name in names:
            if isinstance(node.get(name), dict):
                return node[name], f"{path}.{name}"
        return node, path

    def _numbers(self, node: Node, path: str) -> list[str]:
        numbers = [key for key in node if key]
        if not all(key.isdecimal() and key.isascii() and len(key) < 10 for key in numbers):
            raise self._bad(path)
        return sorted(numbers, key=int)

    def _map(self, shape: Shape) -> Read:
        key = shape.key.serialization.get("name", "key")
        value = shape.value.serialization.get("name", "value")
        item = self.read(shape.value)
        names = () if shape.serialization.get("flattened") else ("entry",)

        def read(node: Any, path: str) -> dict[str, Any]:
            node, path = self._inside(node, path, names)
            out = {}
            for number in self._numbers(node, path):
                pair = node[number]
                if not isinstance(pair, dict) or not isinstance(pair.get(key), str) or value not in pair:
                    raise self._bad(f"{path}.{number}")
                out[pair[key]] = item(pair[value], f"{path}.{number}.{value}")
            return out

        return read


class Query:
    """Protocol `query`."""

    name = "query"
    fields: type[QueryFields] = QueryFields

    def __init__(self, service: ServiceModel) -> None:
        self._fields = self.fields()
        self._xml = XmlBodies()
        wording = former_query.wording(service.service_name)
        self._said, self._detail = wording.messages, "<Detail/>" if wording.detail else ""
        self._space = escape(str(service.metadata.get("xmlNamespace", "")))
        lock = RLock()
        self._readers = PerOperation(self._reader, lock)
        self._writers = PerOperation(self.result_writer, lock)

    def _reader(self, operation: OperationModel) -> Read:
        shape = operation.input_shape
        return self._fields.structure(shape.members if shape else {})

    def parse(self, operation: OperationModel, request: WireRequest) -> Params:
        """Read the fields; MalformedQueryString or MalformedInput when they do not fit the input's shape."""
        fields = form(request)
        fields.pop("Action", None)
        fields.pop("Version", None)
        return Params(self._readers[operation](tree(fields), ""))

    def answer(self, operation: OperationModel, result: Mapping[str, Any], request_id: str) -> WireResponse:
        """Write `<XResponse><XResult>...</XResult><ResponseMetadata>...`."""
        text = self._writers[operation](result, escape(request_id))
        headers = {"content-type": CONTENT_TYPE, "x-amzn-requestid": request_id}
        return WireResponse(200, headers, text.encode(errors="replace"))

    def result_writer(self, operation: OperationModel) -> Callable[[Mapping[str, Any], str], str]:
        """Make the function that writes a result and its request id."""
        shape, name = operation.output_shape, operation.name
        space = f' xmlns="{self._space}"' if self._space else ""
        content = self._xml.content(shape.members if shape else {})
        wrapper = shape.serialization.get("resultWrapper", f"{name}Result") if shape else ""

        def write(result: Mapping[str, Any], request_id: str) -> str:
            text = content(result)
            # An empty result is one element, as AWS writes it.
            inner = (f"<{wrapper}>{text}</{wrapper}>" if text else f"<{wrapper}/>") if wrapper else ""
            metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
            return f"<{name}Response{space}>{inner}{metadata}</{name}Response>"

        return write

    def fault(
        self, service: ServiceModel, operation: OperationModel | None, fault: ServiceFault, request_id: str
    ) -> WireResponse:
        """Write `<ErrorResponse><Error>` with type, code, message and the fault's further members."""
        wire = self._wire_fault(service, operation, fault)
        space = f' xmlns="{self._space}"' if self._space else ""
        error = fault_elements(self._xml, wire, with_type=True).replace("</Error>", f"{self._detail}</Error>")
        body = f"<ErrorResponse{space}>{error}<RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
        headers = {"content-type": CONTENT_TYPE, "x-amzn-requestid": request_id}
        return WireResponse(wire.status, headers, body.encode(errors="replace"))

    def _wire_fault(
        self, service: ServiceModel, operation: OperationModel | None, fault: ServiceFault
    ) -> fault_shapes.WireFault:
        wire = fault_shapes.resolve(service, operation, fault, "xml")
        wire.message = self._said.get(wire.name, wire.message)
        return wire


def fault_elements(xml: XmlBodies, wire: fault_shapes.WireFault, *, with_type: bool) -> str:
    """Write `<Error>`: code, message and the members of the fault's shape that travel in the body."""
    kind = f"<Type>{'Sender' if wire.sender else 'Receiver'}</Type>" if with_type else ""
    rest = ""
    if wire.shape is not None:
        known = {"message", "code", "type"}
        members = {
            name: member
            for name, member in wire.shape.members.items()
            if name.lower() not in known and not member.serialization.get("location")
        }
        rest = xml.content(members)(wire.members)
    message = f"<Message>{escape(wire.message)}</Message>" if wire.message else ""
    return f"<Error>{kind}<Code>{escape(wire.code)}</Code>{message}{rest}</Error>"

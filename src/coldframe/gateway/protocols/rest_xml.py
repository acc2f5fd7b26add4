"""REST-XML: an HTTP method and path per operation, XML documents as bodies; S3 and S3 Control speak it."""

import re
import tomllib
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from botocore.model import OperationModel, ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.protocols import fault_shapes
from coldframe.gateway.protocols.http_binding import ResponseHead
from coldframe.gateway.protocols.json_body import body_members
from coldframe.gateway.protocols.protocol import Params
from coldframe.gateway.protocols.query import fault_elements
from coldframe.gateway.protocols.rest import Plans
from coldframe.gateway.protocols.shapes import Shape
from coldframe.gateway.protocols.xml_body import XmlBodies, escape, malformed, parse_document

# The models give these namespaces to inputs only; the services put them on their answers too.
ANSWER_SPACES = {
    "s3": "http://s3.amazonaws.com/doc/2006-03-01/",
    "s3control": "http://awss3control.amazonaws.com/doc/2018-08-20/",
}
_S3_ROOTS: dict[str, str] = tomllib.loads(
    files("coldframe.gateway.protocols").joinpath("s3_roots.toml").read_text("utf-8")
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*").fullmatch
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


class RestXmlBodies(XmlBodies):
    """XML documents that are a whole structure or one payload member of it."""

    bad_value = "InvalidArgument"
    content_type = "application/xml"

    def __init__(self, service: ServiceModel) -> None:
        super().__init__()
        self._service = service
        # S3 writes milliseconds, if only zeroes.
        self.time_format = "milliseconds" if service.service_name == "s3" else self.time_format
        space = service.metadata.get("xmlNamespace", ANSWER_SPACES.get(str(service.service_name)))
        uri = space.get("uri") if isinstance(space, dict) else space
        self._space = f' xmlns="{escape(uri)}"' if uri else ""

    def input_reader(self, shape: Shape, payload: str | None) -> Callable[[bytes], Mapping[str, Any]]:
        """Make the reader of a body."""
        read = self.read(shape.members[payload]) if payload else self.read_structure(body_members(shape))

        def read_body(body: bytes) -> Mapping[str, Any]:
            if not body:
                return {}
            root = parse_document(body)
            try:
                return read(root)  # type: ignore[no-any-return]
            except (ValueError, TypeError) as error:
                raise malformed() from error

        return read_body

    def output_writer(self, shape: Shape, payload: str | None) -> Callable[[Any], bytes]:
        """Make the writer of a body: nothing when no member of the structure travels in it."""
        members = body_members(shape)
        if payload is None and not members:
            return lambda _: b""
        if self._service.service_name == "s3":
            # Clients that read as it comes take what a list belongs to from what stands before it.
            members = dict(sorted(members.items(), key=lambda item: item[1].type_name == "list"))
        body = shape.members[payload] if payload else shape
        tag = self._root(body, payload)
        if tag == "GetBucketLocationOutput" and self._service.service_name == "s3":
            # The one answer of S3 whose root is its only member (s3UnwrappedXmlOutput).
            inner = self.content(members)
            bare = f"<LocationConstraint{self._space}/>"
            opened = f"<LocationConstraint{self._space}>"
            return lambda value: (
                HEAD + (inner(value).replace("<LocationConstraint>", opened, 1) or bare)
            ).encode()
        write = self.structure(
            body, members if payload is None else None, "" if _spaced(body) else self._space
        )
        return lambda value: (HEAD + write(tag, value)).encode(errors="replace")

    def _root(self, body: Shape, payload: str | None) -> str:
        """Name the root: what the member says differently from its own name, else what the shape says, else its name."""
        said = body.serialization.get("name")
        if payload is not None and said != payload and said is not None:
            return str(said)
        shape = self._service.shape_for(body.name)
        if self._service.service_name == "s3" and body.name in _S3_ROOTS:
            return _S3_ROOTS[body.name]
        return str(shape.serialization.get("name") or body.name)

    def writer(self, shape: Shape, members: dict[str, Shape] | None = None) -> Callable[[Any], bytes]:
        """Make the writer of an event's payload."""
        write = self.structure(shape, members)
        return lambda value: write(shape.name, value).encode(errors="replace")


@lru_cache(maxsize=8)
def _host_id(request_id: str) -> str:
    """Return the second id of an answer, which clients expect to be another and longer one."""
    return b64encode(sha256(request_id.encode()).digest()).decode()


def _details(wire: fault_shapes.WireFault) -> str:
    """Write what S3 adds to its errors (Key, BucketName, Resource), which its model has no members for."""
    known = wire.shape.members if wire.shape is not None else {}
    return "".join(
        f"<{name}>{escape(value)}</{name}>"
        for name, value in wire.members.items()
        if name not in known and _NAME(name) and isinstance(value, str)
    )


def _spaced(shape: Shape) -> bool:
    return "xmlNamespace" in shape.serialization


class RestXml:
    """Protocol `rest-xml`."""

    name = "rest-xml"

    def __init__(self, service: ServiceModel) -> None:
        self._xml = RestXmlBodies(service)
        self._plans = Plans(self._xml)

    def parse(self, operation: OperationModel, request: WireRequest) -> Params:
        """Read path, query string, headers and body; MalformedXML or InvalidArgument for what does not fit."""
        return self._plans.parse(operation, request)

    def answer(self, operation: OperationModel, result: Mapping[str, Any], request_id: str) -> WireResponse:
        """Write status, headers and body of a result."""
        response = self._plans.answer(operation, result)
        response.headers["x-amz-request-id"] = request_id
        response.headers["x-amz-id-2"] = _host_id(request_id)
        response.headers["server"] = "AmazonS3"
        if "content-range" in response.headers:
            response.status = 206
        return response

    def fault(
        self, service: ServiceModel, operation: OperationModel | None, fault: ServiceFault, request_id: str
    ) -> WireResponse:
        """Write S3's bare `<Error>`, or `<ErrorResponse><Error>` for the other services."""
        wire = fault_shapes.resolve(service, operation, fault, "xml")
        _, bound = ResponseHead(wire.shape).write(wire.members, wire.status)
        request = f"<RequestId>{escape(request_id)}</RequestId><HostId>{_host_id(request_id)}</HostId>"
        if service.service_name == "s3":
            error = fault_elements(self._xml, wire, with_type=False)
            if not wire.message:
                error = error.replace("</Code>", "</Code><Message/>", 1)
            body = f"{HEAD}{error.removesuffix('</Error>')}{_details(wire)}{request}</Error>"
        else:
            body = f"{HEAD}<ErrorResponse>{fault_elements(self._xml, wire, with_type=True)}{request}</ErrorResponse>"
        headers = {
            "content-type": "application/xml",
            "x-amz-request-id": request_id,
            "x-amz-id-2": _host_id(request_id),
            "server": "AmazonS3",
        }
        headers |= {key.lower(): value for key, value in bound.items()}
        headers |= fault.members.get("headers", {})
        if wire.status == 304 or (operation is not None and operation.http["method"] == "HEAD"):
            return WireResponse(wire.status, headers, b"")
        return WireResponse(wire.status, headers, body.encode(errors="replace"))

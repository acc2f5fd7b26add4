"""EC2's variant of the query protocol: its own names, lists without a wrapper, its own error document."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireResponse
from coldframe.gateway.protocols import fault_shapes
from coldframe.gateway.protocols.query import Query, QueryFields, fault_elements
from coldframe.gateway.protocols.shapes import Shape
from coldframe.gateway.protocols.xml_body import escape

CONTENT_TYPE = "text/xml;charset=UTF-8"


class Ec2Fields(QueryFields):
    """EC2 capitalises locationName on input, lets queryName win, and numbers every list directly."""

    bad_value = "InvalidParameterValue"

    def member_names(self, name: str, member: Shape) -> list[str]:
        """List the names under which a member comes: capitalised as EC2 has it, and as botocore may send it."""
        traits = member.serialization
        if "queryName" in traits:
            return [str(traits["queryName"])]
        own = str(traits.get("name", name))
        return [own[:1].upper() + own[1:], own]

    @staticmethod
    def list_names(shape: Shape) -> tuple[str, ...]:
        """Lists are numbered directly, whatever the model says of their members."""
        del shape
        return ()


class Ec2(Query):
    """Protocol `ec2`."""

    name = "ec2"
    fields = Ec2Fields

    def result_writer(self, operation: OperationModel) -> Callable[[Mapping[str, Any], str], str]:
        """Make the function that writes a result, without a wrapper, and its request id."""
        shape, name = operation.output_shape, operation.name
        space = self._space or f"http://ec2.amazonaws.com/doc/{operation.metadata.get('apiVersion', '')}"
        content = self._xml.content(shape.members if shape else {})

        def write(result: Mapping[str, Any], request_id: str) -> str:
            head = f'<{name}Response xmlns="{space}"><requestId>{request_id}</requestId>'
            return f"{head}{content(result)}</{name}Response>"

        return write

    def answer(self, operation: OperationModel, result: Mapping[str, Any], request_id: str) -> WireResponse:
        """Write `<XResponse><requestId>...` and the members."""
        response = super().answer(operation, result, request_id)
        response.headers["content-type"] = CONTENT_TYPE
        return response

    def fault(
        self, service: ServiceModel, operation: OperationModel | None, fault: ServiceFault, request_id: str
    ) -> WireResponse:
        """Write `<Response><Errors><Error>`."""
        wire = fault_shapes.resolve(service, operation, fault, "ec2")
        error = fault_elements(self._xml, wire, with_type=False)
        body = f"<Response><Errors>{error}</Errors><RequestID>{escape(request_id)}</RequestID></Response>"
        headers = {"content-type": CONTENT_TYPE, "x-amzn-requestid": request_id}
        return WireResponse(wire.status, headers, body.encode(errors="replace"))
